import type { Clock } from './lib/clock.ts';
import type { Log } from './lib/log.ts';
import { watchClock } from './ops/clock-watch.ts';
import type { Metrics } from './ops/metrics.ts';
import type { Readiness } from './ops/ops-server.ts';
import { newestLineAt } from './storage/audit.ts';
import type { Db } from './storage/db.ts';

/** Whether new work may be sent here: not while it drains, without its database, or with a clock that is far behind. */
export function startReadiness(deps: { db: Db; clock: Clock; metrics: Metrics; log: Log }): {
  ready(): Promise<Readiness>;
  drain(): void;
  stop(): void;
} {
  const { db, clock, metrics, log } = deps;
  let draining = false;
  const watch = watchClock({
    clock,
    onStepBack(seconds) {
      metrics.clockSetBack(seconds);
      log.warn({ seconds }, 'the clock was set back');
    },
  });
  return {
    async ready() {
      const newest = await newestLineAt(db).then(
        (at) => ({ at }),
        () => null,
      );
      const time = watch.state(newest?.at ?? null);
      return {
        ok: !draining && newest !== null && time.ok,
        checks: {
          storage: newest === null ? 'unreachable' : 'ok',
          clock: time.text,
          draining: draining ? 'yes' : 'no',
        },
      };
    },
    drain() {
      draining = true;
    },
    stop: () => watch.stop(),
  };
}
