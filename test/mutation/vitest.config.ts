import { defineConfig } from 'vitest/config';

// The tests of the file at hand: run.ts says which. Pure ones, so there is no PostgreSQL to start.
export default defineConfig({
  test: {
    include: (process.env.SHIMIN_MUTATION_TESTS ?? '').split(' ').filter((file) => file !== ''),
    setupFiles: ['test/mutation/setup.ts'],
    pool: 'threads',
    maxWorkers: 1,
    testTimeout: 60_000,
  },
});
