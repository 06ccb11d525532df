import { defineConfig } from 'vitest/config';
import { startClock } from './test/clock/start.ts';

const clock = startClock(process.env);
if (clock !== null) process.stdout.write(`${clock}\n`);

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text-summary', 'json-summary', 'text'],
    },
  },
});
