import { spawnSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { everyClock, ofTheDay, parseClock } from './spec.ts';
import { startClock } from './start.ts';

const now = new Date('2026-11-30T19:00:00Z');
const day = 86_400_000;

describe('the name of a clock', () => {
  it.each([
    ['off', { by: 0 }, null],
    ['', { by: 0 }, null],
    ['+40d', { by: 40 * day }, null],
    ['+90m', { by: 90 * 60_000 }, null],
    ['+8d@Asia/Kathmandu', { by: 8 * day }, 'Asia/Kathmandu'],
    ['@Pacific/Kiritimati', { by: 0 }, 'Pacific/Kiritimati'],
    ['2028-02-29', { to: Date.parse('2028-02-29T04:00:00Z') }, null],
    ['2026-12-31T23:59+08:00', { to: Date.parse('2026-12-31T15:59:00Z') }, null],
    ['leap-day', { to: Date.parse('2028-02-29T04:00:00Z') }, null],
    ['new-year', { to: Date.parse('2026-12-31T15:59:00Z') }, null],
  ])('%s', (name, shift, zone) => {
    expect(parseClock(name, now)).toEqual({ name, shift, zone });
  });

  it('is of the next year that has the day, once the day is over', () => {
    const from = (text: string, name: string) => parseClock(name, new Date(text)).shift;
    expect(from('2026-12-31T16:00:00Z', 'new-year')).toEqual({ to: Date.parse('2027-12-31T15:59:00Z') });
    expect(from('2028-02-29T12:00:00Z', 'leap-day')).toEqual({ to: Date.parse('2032-02-29T04:00:00Z') });
    expect(from('2096-03-01T00:00:00Z', 'leap-day')).toEqual({ to: Date.parse('2104-02-29T04:00:00Z') });
  });

  it.each(['tomorrow', '-8d', '+8', '8d', '2026-13-40', '2028-02-29T23:59', '2026-11-29', '+1d@Nowhere/City'])(
    'is refused: %s',
    (name) => expect(() => parseClock(name, now)).toThrow(),
  );

  it('changes with the day: the real clock each seventh day, all others within nine weeks', () => {
    const days = Array.from({ length: 63 }, (_, i) => ofTheDay(new Date(now.getTime() + i * day)));
    expect(days.filter((name) => name === 'off')).toHaveLength(9);
    expect(new Set(days)).toEqual(new Set(['off', ...everyClock]));
    for (const [i, name] of days.slice(1).entries()) expect(name).not.toBe(days[i]);
  });
});

describe('under another clock', () => {
  /** What a process and a thread of it say the time is, ahead of the real one, and in which zone. */
  function said(clock: string) {
    const env: NodeJS.ProcessEnv = { PATH: process.env.PATH, SHIMIN_TEST_CLOCK: clock };
    const from = Date.now() - Number(process.env.TEST_CLOCK_BY ?? 0);
    startClock(env);
    const thread = `const { Worker } = require('node:worker_threads');
      const { execFileSync } = require('node:child_process');
      const say = 'Date.now()';
      const child = Number(execFileSync(process.execPath, ['-p', say]));
      const date = new Date();
      const same = [date instanceof Date, date.constructor === Date, new Date(5).getTime() === 5, typeof Date() === 'string'];
      new Worker("require('node:worker_threads').parentPort.postMessage(" + say + ")", { eval: true }).on('message', (thread) =>
        console.log(JSON.stringify({ times: [Date.now(), date.getTime(), child, thread], same, minutes: date.getTimezoneOffset() })));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', thread], { env, encoding: 'utf8' });
    expect(stderr).toBe('');
    const { times, same, minutes } = JSON.parse(stdout);
    return { ahead: times.map((time: number) => Math.round((time - from) / 3_600_000)), same, minutes };
  }

  it.each([
    ['off', 0],
    ['+8d', 8 * 24],
  ])('%s: a process, its children and its threads tell the same time', (clock, ahead) => {
    expect(said(clock)).toMatchObject({ ahead: Array(4).fill(ahead), same: Array(4).fill(true) });
  });

  it('leaves no setting behind that a server started by a test would refuse', () => {
    const env: NodeJS.ProcessEnv = { SHIMIN_TEST_CLOCK: 'new-year' };
    startClock(env);
    expect(Object.keys(env).filter((name) => name.startsWith('SHIMIN_'))).toEqual([]);
    expect(Object.keys(process.env).filter((name) => name.startsWith('SHIMIN_TEST_CLOCK'))).toEqual([]);
  });

  it('another zone changes no moment', () => {
    expect(said('@Asia/Kathmandu')).toMatchObject({ ahead: Array(4).fill(0), minutes: -345 });
  });

  it('a moment is the moment at which a process begins, and its children follow it', () => {
    const at = new Date(Date.now() + 40 * day);
    const aheadOfReal = (40 * day + Number(process.env.TEST_CLOCK_BY ?? 0)) / 3_600_000;
    const { ahead } = said(`${at.toISOString().slice(0, 19)}Z`);
    expect(ahead).toEqual(Array(4).fill(Math.round(aheadOfReal)));
  });

  it('the workers of this very run are under the clock it was started with', async () => {
    const by = Number(process.env.TEST_CLOCK_BY ?? 0);
    const real = spawnSync('date', ['+%s'], { encoding: 'utf8' }).stdout;
    expect(Math.abs(Date.now() - by - Number(real) * 1000)).toBeLessThan(60_000);
    const thread = new Worker(`require('node:worker_threads').parentPort.postMessage(Date.now())`, { eval: true });
    const told = await new Promise<number>((resolve) => thread.once('message', resolve));
    expect(Math.abs(told - Date.now())).toBeLessThan(60_000);
  });
});
