import { expect, test } from 'vitest';
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
