import { expireCounterCases } from './commands/counter-expire.ts';
import { publishDue } from './commands/publish-policy.ts';
import { signAuditHead } from './commands/sign-audit-head.ts';
import type { Config } from './config.ts';
import { startAuditHeads } from './jobs/audit-heads.ts';
import { startChangesJob } from './jobs/changes.ts';
import { startHousekeeping } from './jobs/housekeeping.ts';
import type { Clock } from './lib/clock.ts';
import type { Keyring } from './lib/crypto.ts';
import type { Log } from './lib/log.ts';
import type { Db } from './storage/db.ts';

/** What is done from time to time, for nobody's request: each job handed the commands it runs. */
export function startBackground(deps: { db: Db; clock: Clock; keyring: Keyring; log: Log; config: Config }): {
  stop(): void;
} {
  const { db, clock, keyring, log, config } = deps;
  const jobs = [
    startHousekeeping({ db, clock, log, also: expireCounterCases }),
    startChangesJob({ publishDue: () => publishDue({ db, clock, keyring }), log }),
    startAuditHeads({ sign: () => signAuditHead({ db, clock, keyring }), folder: config.auditHeads, log }),
  ];
  return {
    stop() {
      for (const job of jobs) job.stop();
    },
  };
}
