import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { clockMarginMs } from '../../src/lib/clock.ts';
import { watchClock } from '../../src/ops/clock-watch.ts';
import type { RunningServer } from '../../src/server.ts';
import { append } from '../../src/storage/audit.ts';
import { prepareTransmitter, type Transmitter } from '../signals/support.ts';
import { databaseKinds } from '../support/databases.ts';

describe('a watch on the clock', () => {
  function watched() {
    const time = { wall: 1_000_000_000_000, steady: 0 };
    const steps: number[] = [];
    const watch = watchClock({
      clock: () => new Date(time.wall),
      monotonic: () => time.steady,
      onStepBack: (seconds) => steps.push(seconds),
      everyMs: 3_600_000,
    });
    watch.stop();
    /** So much time goes by, and the clock is off by so much after it. */
    const pass = (ms: number, off = 0) => {
      time.steady += ms;
      time.wall += ms + off;
      return watch.state(null);
    };
    return { time, steps, watch, pass };
  }

  it('says nothing of time that goes by, of a step ahead and of a small correction', () => {
    const { pass, steps } = watched();
    for (const [ms, off] of [
      [1_000, 0],
      [60_000, 0],
      [1_000, 86_400_000],
      [1_000, -1_900],
      [1_000, -2_000],
    ] as const)
      expect(pass(ms, off)).toEqual({ ok: true, text: 'ok' });
    expect(steps).toEqual([]);
  });

  it('tells of a step back for as long as records outlive their time', () => {
    const { pass, steps } = watched();
    expect(pass(1_000, -30_000)).toEqual({ ok: true, text: 'set back by 30 s, 0 s ago' });
    expect(pass(60_000)).toEqual({ ok: true, text: 'set back by 30 s, 60 s ago' });
    expect(pass(clockMarginMs - 60_000)).toEqual({ ok: true, text: 'set back by 30 s, 3600 s ago' });
    expect(pass(1)).toEqual({ ok: true, text: 'ok' });
    expect(steps).toEqual([30]);
  });

  it('is not well while the clock is further behind than that, until it has caught up', () => {
    const { pass, steps } = watched();
    expect(pass(0, -clockMarginMs)).toMatchObject({ ok: true });
    expect(pass(0, -2_001)).toEqual({ ok: false, text: 'behind by 3602 s' });
    expect(pass(2_001)).toMatchObject({ ok: true });
    expect(steps).toEqual([3_600, 2]);
  });

  it('knows from the newest line of the audit what was before this process', () => {
    const { time, watch } = watched();
    expect(watch.state(new Date(time.wall + clockMarginMs))).toEqual({ ok: true, text: 'ok' });
    expect(watch.state(new Date(time.wall + clockMarginMs + 1))).toEqual({ ok: false, text: 'behind by 3600 s' });
    expect(watch.state(new Date(time.wall))).toEqual({ ok: true, text: 'ok' });
  });
});

describe.each(databaseKinds)('readiness and the clock [%s]', { timeout: 60_000 }, (kind) => {
  let city: Transmitter;
  let running: RunningServer;
  beforeAll(async () => {
    city = await prepareTransmitter(kind);
  }, 60_000);
  afterAll(() => city?.close());
  afterEach(() => vi.useRealTimers());

  const readyz = async () => {
    const response = await fetch(`${running.opsUrl}/readyz`);
    return { status: response.status, body: await response.json() };
  };
  const metric = async (name: string) => {
    const text = await (await fetch(`${running.opsUrl}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
  };
  /** A line of the audit at this time from now. */
  const line = (ms: number) =>
    append(city.database.knex, {
      at: new Date(Date.now() + ms),
      type: 'key.rotated',
      actor: { kind: 'operator', id: 'cli' },
      accountId: null,
      clientId: null,
      requestId: null,
      outcome: 'ok',
      reason: null,
      data: {},
    });

  it('a process whose clock is far behind the newest line is not ready; a line by the clock of now ends that', async () => {
    await line(clockMarginMs + 600_000);
    running = await city.start();
    const behind = await readyz();
    expect([behind.status, behind.body.ok, behind.body.checks.storage]).toEqual([503, false, 'ok']);
    expect(behind.body.checks.clock).toMatch(/^behind by 4[12]\d\d s$/);
    await line(0);
    expect(await readyz()).toEqual({
      status: 200,
      body: { ok: true, checks: { storage: 'ok', clock: 'ok', draining: 'no' } },
    });
  });

  it('a step back of ten minutes is told of, by the page and by two metrics', async () => {
    expect(await metric('shimin_clock_steps_back_total')).toBe(0);
    const from = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: from + 600_000 });
    expect((await readyz()).body.checks.clock).toBe('ok');
    vi.useRealTimers();
    const { status, body } = await readyz();
    expect([status, body.ok]).toEqual([200, true]);
    expect(body.checks.clock).toMatch(/^set back by (5[89]\d|600) s, \d+ s ago$/);
    expect(await metric('shimin_clock_steps_back_total')).toBe(1);
    expect(await metric('shimin_clock_steps_back_seconds_total')).toBeGreaterThan(570);
  });

  it('after a step back of two hours it is not ready until the clock has caught up', async () => {
    const from = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: from + 2 * clockMarginMs });
    expect((await readyz()).status).toBe(200);
    vi.useRealTimers();
    const back = await readyz();
    expect([back.status, back.body.ok]).toEqual([503, false]);
    expect(back.body.checks.clock).toMatch(/^behind by 7[12]\d\d s$/);
    vi.useFakeTimers({ toFake: ['Date'], now: from + 2 * clockMarginMs });
    expect((await readyz()).status).toBe(200);
  });
});
