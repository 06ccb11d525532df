import { expect, test } from 'vitest';
import { isUndone } from '../../src/storage/faults.ts';
import { gather } from '../../src/storage/oidc-models/gather.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function recorder(run: (jobs: string[]) => Promise<string[]>) {
  const sent: string[][] = [];
  return {
    sent,
    run: (jobs: string[]) => {
      sent.push(jobs);
      return run(jobs);
    },
  };
}

test('jobs of one turn travel together, and each gets its own answer', async () => {
  const { sent, run } = recorder(async (jobs) => jobs.map((job) => job.toUpperCase()));
  const ask = gather(run, { lanes: 1, max: 10 });
  expect(await Promise.all([ask('a'), ask('b'), ask('c')])).toEqual(['A', 'B', 'C']);
  expect(sent).toEqual([['a', 'b', 'c']]);
});

test('what comes while all lanes are busy gathers for the next, up to the limit', async () => {
  const { sent, run } = recorder(async (jobs) => {
    await pause(20);
    return jobs;
  });
  const ask = gather(run, { lanes: 1, max: 2 });
  const first = ask('a');
  await pause(5);
  await Promise.all([first, ask('b'), ask('c'), ask('d')]);
  expect(sent).toEqual([['a'], ['b', 'c'], ['d']]);
});

test('jobs that touch the same row go one after the other, in order', async () => {
  const { sent, run } = recorder(async (jobs) => jobs);
  const ask = gather(run, { lanes: 1, max: 10, clash: (job) => [job.charAt(0)] });
  await Promise.all([ask('x1'), ask('x2'), ask('y1'), ask('x3')]);
  expect(sent).toEqual([['x1', 'y1'], ['x2'], ['x3']]);
});

test('a job that fails fails alone', async () => {
  const { run } = recorder(async (jobs) => {
    if (jobs.includes('bad')) throw new Error('refused');
    return jobs;
  });
  const ask = gather(run, { lanes: 2, max: 10 });
  const outcomes = await Promise.allSettled([ask('a'), ask('bad'), ask('b')]);
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('what may have happened is not sent again', async () => {
  const { sent, run } = recorder(async () => {
    throw Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' });
  });
  const ask = gather(run, { lanes: 1, max: 10, repeatable: isUndone });
  const outcomes = await Promise.allSettled([ask('a'), ask('b')]);
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
  expect(sent).toEqual([['a', 'b']]);
});

test.each([
  ['23505', true],
  ['40001', true],
  ['57014', true],
  ['08006', false],
  ['57P01', false],
  ['40003', false],
  ['EPIPE', false],
  ['ECONNRESET', false],
  ['ETIMEDOUT', false],
])('a statement that failed with %s is known not to have happened: %s', (code, undone) => {
  expect(isUndone(Object.assign(new Error('failed'), { code }))).toBe(undone);
});

test('a connection that broke without a code says nothing', () => {
  expect(isUndone(new Error('Connection terminated unexpectedly'))).toBe(false);
});
