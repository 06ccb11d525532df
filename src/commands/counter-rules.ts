import { foldTyped } from '../identity/typed.ts';
import { ShiminError } from '../lib/errors.ts';
import { findAccount } from '../storage/accounts.ts';
import { append } from '../storage/audit.ts';
import type { CounterCase } from '../storage/counter-cases.ts';
import type { Db } from '../storage/db.ts';
import { type By, staffRoles } from './change-rules.ts';
import { may, type Operation } from './permissions.ts';

const minute = 60_000;

/** How long a code, an official's hold of a case and the wait for the second official last, in milliseconds. */
export const counterTimes = { code: 7 * 24 * 60 * minute, hold: 15 * minute, second: 30 * minute };

/** Without characters that are taken for each other: 0 O Q, 1 I L, 2 Z, 5 S, 6 G, 8 B, U V. */
export const codeAlphabet = '3479ACDEFHJKMNPRTWXY';
export const codeLength = 8;

/** A code as it was typed or scanned; null: it can't be one. */
export function parseCode(typed: string): string | null {
  const code = foldTyped(typed);
  return code.length === codeLength && [...code].every((character) => codeAlphabet.includes(character)) ? code : null;
}

/** A code as it is read out. */
export const groupCode = (code: string) => `${code.slice(0, 4)} ${code.slice(4)}`;

/** The number of a case for people: the end of its id, which is random. */
export const caseNumber = (id: string) =>
  id
    .replaceAll('-', '')
    .slice(-12)
    .toUpperCase()
    .replace(/(.{4})(?=.)/g, '$1-');

/** Why an official may not do what they want; each has a text `counter.denied.<word>`. */
export const counterDenials = [
  'forbidden',
  'no_counter',
  'code_wrong',
  'self',
  'same_official',
  'held',
  'not_held',
  'closed',
  'incomplete',
  'differs',
  'identity_in_use',
  'identity_mismatch',
] as const;
export type CounterDenial = (typeof counterDenials)[number];

/** Reason of a case at half: another account has the document, so that nothing is recorded before the second official. */
export const claimedElsewhere = 'claimed_elsewhere';

/** Expected outcomes of the officials' commands. */
export type CounterResult<T> = { readonly done: T } | { readonly denied: CounterDenial };

/** Why an official refuses a person; each has a text `counter.refusal.<word>`. */
export const refusalReasons = [
  'document_not_genuine',
  'document_expired',
  'number_differs',
  'name_differs',
  'face_differs',
  'not_willing',
  'register_says_no',
  'has_other_account',
  'left',
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** Whether the roles of this moment allow it: one taken away midway counts. */
export const officialMay = async (tx: Db, by: By, operation: Operation) =>
  may(await staffRoles(tx, by.accountId), operation);

/** What stands against this official with this case, whatever they want to do with it. */
export async function denialOf(tx: Db, seen: CounterCase, by: By, at: Date): Promise<CounterDenial | null> {
  if ((seen.status !== 'open' && seen.status !== 'half') || seen.expiresAt <= at) return 'closed';
  if (seen.accountId === by.accountId) return 'self';
  if (seen.status === 'half' && seen.firstBy === by.accountId) return 'same_official';
  return (await findAccount(tx, seen.accountId))?.status === 'active' ? null : 'closed';
}

/** Writes down that an official was denied; the last thing in its transaction. */
export async function deny<D extends string>(
  tx: Db,
  at: Date,
  by: By,
  about: { operation: string; counter: string | null; seen: CounterCase | null },
  denied: D,
): Promise<{ denied: D }> {
  await append(tx, {
    at,
    type: 'counter_case.denied',
    actor: { kind: 'staff', id: by.accountId },
    accountId: about.seen?.accountId ?? null,
    clientId: by.cause.clientId,
    requestId: by.cause.requestId,
    outcome: 'refused',
    reason: denied,
    data: { caseId: about.seen?.id ?? null, counter: about.counter, operation: about.operation },
  });
  return { denied };
}

/** Another write came first although the row was held: a fault of ours leads here. */
export function movedMeanwhile(): ShiminError {
  return new ShiminError('internal', { status: 500, message: 'a counter case changed under its lock' });
}
