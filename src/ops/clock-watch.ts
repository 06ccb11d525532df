import { type Clock, clockMarginMs } from '../lib/clock.ts';

/** Smaller corrections are what a time service makes all day. */
const noticedMs = 2_000;

export interface ClockState {
  readonly ok: boolean;
  /** `ok`, or what is wrong, in seconds. */
  readonly text: string;
}

export interface ClockWatch {
  /**
   * The clock now. Not `ok` while it is further behind the latest time that this process saw, or that the newest line of
   * the audit has, than records of what was used are kept beyond their time; a step is told of as long as that.
   */
  state(newestLine: Date | null): ClockState;
  stop(): void;
}

/** Compares the clock with one that nobody can set, and hears of each step backwards. */
export function watchClock(deps: {
  clock: Clock;
  onStepBack: (seconds: number) => void;
  monotonic?: () => number;
  everyMs?: number;
}): ClockWatch {
  const { clock, onStepBack, monotonic = () => performance.now(), everyMs = 1_000 } = deps;
  let last = { wall: clock().getTime(), steady: monotonic() };
  let latest = last.wall;
  let step: { readonly seconds: number; readonly steady: number } | null = null;

  const look = () => {
    const now = { wall: clock().getTime(), steady: monotonic() };
    const lost = now.steady - last.steady - (now.wall - last.wall);
    if (lost > noticedMs) {
      step = { seconds: Math.round(lost / 1000), steady: now.steady };
      onStepBack(step.seconds);
    }
    last = now;
    latest = Math.max(latest, now.wall);
    return now;
  };
  const timer = setInterval(look, everyMs);
  timer.unref();

  return {
    state(newestLine) {
      const now = look();
      const behind = Math.max(latest, newestLine?.getTime() ?? 0) - now.wall;
      if (behind > clockMarginMs) return { ok: false, text: `behind by ${Math.round(behind / 1000)} s` };
      const since = step === null ? Number.POSITIVE_INFINITY : now.steady - step.steady;
      if (step === null || since > clockMarginMs) return { ok: true, text: 'ok' };
      return { ok: true, text: `set back by ${step.seconds} s, ${Math.round(since / 1000)} s ago` };
    },
    stop: () => clearInterval(timer),
  };
}
