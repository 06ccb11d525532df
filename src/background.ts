import { expireCounterCases } from './commands/counter-expire.ts';
import { publishDue } from './commands/publish-policy.ts';
import { rewritePersons } from './commands/rewrite-persons.ts';
import { signAuditHead } from './commands/sign-audit-head.ts';
import type { Config } from './config.ts';
import { startAuditHeads } from './jobs/audit-heads.ts';
import { startChangesJob } from './jobs/changes.ts';
import { startHousekeeping } from './jobs/housekeeping.ts';
import type { Clock } from './lib/clock.ts';
import type { Keyring } from './lib/crypto.ts';
import { ShiminError } from './lib/errors.ts';
import type { Log } from './lib/log.ts';
import { type Database, type Db, migrationStatus } from './storage/db.ts';

/** What is done from time to time, for nobody's request: each job handed the commands it runs. */
export function startBackground(deps: { db: Db; clock: Clock; keyring: Keyring; log: Log; config: Config }): {
  stop(): void;
} {
  const { db, clock, keyring, log, config } = deps;
  const also = async (own: { db: Db; clock: Clock }) => {
    await expireCounterCases(own);
    // A node of the version before may still have written some.
    await takeUpPersons({ db, clock, keyring, log });
  };
  const jobs = [
    startHousekeeping({ db, clock, log, also }),
    startChangesJob({ publishDue: () => publishDue({ db, clock, keyring }), log }),
    startAuditHeads({ sign: () => signAuditHead({ db, clock, keyring }), folder: config.auditHeads, log }),
  ];
  return {
    stop() {
      for (const job of jobs) job.stop();
    },
  };
}

/** The database as this version needs it: its schema, and every row under the rules of now before anybody is looked up. */
export async function takeUpDatabase(
  database: Database,
  deps: { keyring: Keyring; clock: Clock; log: Log },
): Promise<void> {
  const { pending } = await migrationStatus(database.knex);
  if (pending.length === 0) return takeUpPersons({ db: database.knex, ...deps });
  await database.close();
  throw new ShiminError('config_invalid', {
    status: 500,
    message: `database schema is behind by ${pending.length}: run \`shimin migrate\``,
  });
}

/** Rows of older rules are written anew. */
async function takeUpPersons({ log, ...deps }: { db: Db; keyring: Keyring; clock: Clock; log: Log }): Promise<void> {
  const done = await rewritePersons(deps);
  if (done.documents + done.names + done.disputes > 0) log.info(done, 'documents and names written anew');
  if (done.unreadable > 0) log.warn(done, 'documents or names whose key is gone');
}
