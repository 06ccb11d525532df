import { ShiminError } from '../lib/errors.ts';
import { append } from '../storage/audit.ts';
import type { Db } from '../storage/db.ts';
import { actorOf } from './actor.ts';
import { type By, staffRoles } from './change-rules.ts';
import { may } from './permissions.ts';

/** Why staff may not do it; each has a text `people.denied.<word>`. */
export const interventionDenials = ['forbidden', 'self', 'gone', 'already', 'not_open', 'past'] as const;
export type InterventionDenial = (typeof interventionDenials)[number];
export type InterventionResult<T> = { readonly done: T } | { readonly denied: InterventionDenial };

/** What stands against this member of staff with this account. Roles are read in the transaction: one taken away midway counts. */
export async function denialOf(tx: Db, by: By, accountId: string): Promise<InterventionDenial | null> {
  if (!may(await staffRoles(tx, by.accountId), 'intervention.set')) return 'forbidden';
  // Nobody is the judge of their own account.
  return by.accountId === accountId ? 'self' : null;
}

/** Writes the refusal down; the last thing in its transaction. */
export async function deny(
  tx: Db,
  at: Date,
  by: By,
  about: { accountId: string; operation: 'set' | 'lift' | 'end_sessions'; kind: string | null },
  denied: InterventionDenial,
): Promise<{ denied: InterventionDenial }> {
  await append(tx, {
    at,
    type: 'intervention.refused',
    actor: actorOf(by.accountId),
    accountId: denied === 'gone' ? null : about.accountId,
    clientId: by.cause.clientId,
    requestId: by.cause.requestId,
    outcome: 'refused',
    reason: denied,
    data: { operation: about.operation, kind: about.kind, roles: await staffRoles(tx, by.accountId) },
  });
  return { denied };
}

/** Another write came first although the account was held: a fault of ours leads here. */
export function movedMeanwhile(): ShiminError {
  return new ShiminError('internal', { status: 500, message: 'an intervention changed under its lock' });
}
