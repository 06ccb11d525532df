import { isDeepStrictEqual } from 'node:util';
import { ShiminError } from '../lib/errors.ts';
import { type App, lockApp } from '../storage/apps.ts';
import type { Change } from '../storage/changes.ts';
import type { Db } from '../storage/db.ts';
import { stateMembers } from './app-check.ts';
import { type AppPayload, differences, settled, usesSecret } from './app-proposal.ts';
import { rolesInMetadata } from './app-roles.ts';
import { writeApp } from './write-app.ts';

/**
 * Makes an approved proposal real, in the caller's transaction. How the app stands is as it is now.
 * @throws ShiminError `change_stale` when the app was changed meanwhile, or does the work of staff now
 */
export async function applyAppChange(
  tx: Db,
  change: Change,
  payload: AppPayload,
  by: { approver: string; at: Date; requestId: string | null },
): Promise<void> {
  const known = await lockApp(tx, payload.app);
  const fields = differences(known, payload);
  if (fields === null || fields.length === 0 || (known !== null && rolesInMetadata(known.metadata).length > 0))
    throw new ShiminError('change_stale', { status: 409 });
  const next = { ...payload.next, metadata: withState(known, payload, by.at) };
  const onlySecret = isDeepStrictEqual(fields, ['client_secret']);
  await writeApp(tx, by.at, {
    by: { accountId: by.approver, cause: { requestId: by.requestId, clientId: 'admin' } },
    id: payload.app,
    old: known,
    next,
    change: known === null ? 'created' : onlySecret ? 'secret_rotated' : 'changed',
    fields,
    reason: `change_${change.kind}`,
  });
}

/** A method that needs a secret has one; one that needs none keeps none. */
function withState(known: App | null, { next, secret }: AppPayload, at: Date): Record<string, unknown> {
  const { client_secret: old, shimin_retiring_secret: retiring, ...state } = stateOf(known);
  const metadata = { ...settled(next.metadata), ...state };
  if (!usesSecret(next.metadata)) return metadata;
  if (secret === null) {
    if (typeof old !== 'string') throw new ShiminError('change_stale', { status: 409 });
    return { ...metadata, client_secret: old, ...(retiring === undefined ? {} : { shimin_retiring_secret: retiring }) };
  }
  const until = at.getTime() + secret.overlapHours * 3_600_000;
  const kept = typeof old === 'string' && secret.overlapHours > 0 ? { hash: old, until } : undefined;
  return {
    ...metadata,
    client_secret: secret.hash,
    ...(kept === undefined ? {} : { shimin_retiring_secret: kept }),
  };
}

const stateOf = (known: App | null): Record<string, unknown> =>
  Object.fromEntries(Object.entries(known?.metadata ?? {}).filter(([name]) => stateMembers.includes(name)));
