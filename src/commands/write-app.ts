import { changeData } from '../audit/fields.ts';
import { ShiminError } from '../lib/errors.ts';
import { type App, insertApp, saveApp } from '../storage/apps.ts';
import { append } from '../storage/audit.ts';
import type { Db } from '../storage/db.ts';
import { actorOf } from './actor.ts';
import { type AppValues, appSays } from './app-changes.ts';
import { type AppFault, type AppRules, metadataFaults } from './app-check.ts';
import { usesSecret } from './app-proposal.ts';
import { type By, staffRoles } from './change-rules.ts';

/** What was done to an app, for the audit. */
type Written = 'created' | 'changed' | 'secret_rotated' | 'enabled' | 'disabled';

/**
 * Writes an app as it is to be, and its line in the audit, in the caller's transaction. Settings come here judged
 * (`judgeApp`); an app is written nowhere else but where its roles are given.
 * @throws ShiminError `app_taken` when a new one is there already
 */
export async function writeApp(
  tx: Db,
  at: Date,
  input: {
    by: Pick<By, 'accountId' | 'cause'>;
    id: string;
    old: App | null;
    next: AppValues;
    change: Written;
    fields: readonly string[];
    reason?: string;
  },
): Promise<void> {
  const { by, id, old, next } = input;
  const app = { id, ...next, createdAt: old?.createdAt ?? at };
  if (old !== null) await saveApp(tx, app, at);
  else if (!(await insertApp(tx, app))) throw new ShiminError('app_taken', { status: 409 });
  await append(tx, {
    at,
    type: 'app.saved',
    actor: actorOf(by.accountId),
    accountId: null,
    clientId: id,
    requestId: by.cause.requestId,
    outcome: 'ok',
    reason: input.reason ?? null,
    data: {
      change: input.change,
      fields: [...input.fields],
      roles: await staffRoles(tx, by.accountId),
      ...changeData(old && appSays(old), appSays(next)),
    },
  });
}

/** Whether the engine's rules allow it: what it says is wrong, or null. The engine lives where commands don't reach. */
export type MetadataCheck = (metadata: Readonly<Record<string, unknown>>) => string | null;

export interface Judge {
  readonly rules: AppRules;
  /** The command line has no engine at hand. */
  readonly check?: MetadataCheck;
}

/**
 * Judges an app's metadata: by the one table of ours, then by the engine. Every door asks it before anything is written
 * or proposed.
 * @throws ShiminError `app_invalid` with every fault of ours, or with what the engine says
 */
export function judgeApp({ rules, check }: Judge, id: string, metadata: Readonly<Record<string, unknown>>): void {
  const faults = metadataFaults({ ...metadata, client_id: id }, rules);
  if (faults.length > 0) throw invalid(faults, null);
  // The secret comes later; the engine wants one where the method uses one.
  const secret = usesSecret(metadata) ? { client_secret: id } : {};
  const fault = check?.({ ...metadata, ...secret, client_id: id }) ?? null;
  if (fault !== null) throw invalid([], fault);
}

/** `faults`: of our table, by place in the metadata; `fault`: in the engine's words. */
function invalid(faults: readonly AppFault[], fault: string | null): ShiminError {
  const told = faults.map(({ path, code }) => `${path.join('.')}: ${code}`);
  const message = fault ?? told.join('; ');
  return new ShiminError('app_invalid', { status: 422, message, detail: { fault, appFaults: faults, faults: told } });
}
