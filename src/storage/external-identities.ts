import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { type BindingStrength, bindingStrengths } from '../assurance/binding.ts';
import { type Keyring, newId } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import type { Db } from './db.ts';
import { row, time, toMs } from './rows.ts';

/** One name that an upstream has for a person; what is in `of` names the person only together. */
export interface Subject {
  readonly part: string;
  readonly of: readonly [string, ...string[]];
}

export interface LinkedIdentity {
  readonly id: string;
  readonly accountId: string;
  readonly bridge: string;
  readonly linkedAt: Date;
  readonly lastUsedAt: Date;
  /** The authorization request in which it was added to an account that was there already. */
  readonly boundIn: string | null;
  /** The strongest sign-in that ever came by it. */
  readonly strength: BindingStrength;
}

const stored = row({
  id: z.string(),
  accountId: z.string(),
  bridge: z.string(),
  linkedAt: time,
  lastUsedAt: time,
  boundIn: z.string().nullable(),
  strength: z.enum(bindingStrengths),
});

/**
 * Keyed fingerprint of a subject. Unlike document numbers nothing is folded: two subjects that differ in a letter's case
 * are two people (OpenID Connect Core 2: `sub` is case-sensitive; D12).
 * @throws ShiminError `internal` for a blank part: it would be everybody's
 */
export function subjectBlind(keyring: Keyring, bridge: string, { part, of }: Subject): string {
  if (part === '' || of.some((value) => value.trim() === ''))
    throw new ShiminError('internal', { status: 500, message: `blank subject of ${bridge}` });
  return createHmac('sha256', keyring.blindKey)
    .update(`subject\0${JSON.stringify([bridge, part, ...of])}`)
    .digest('base64url');
}

/**
 * Whose identity these subjects are. All that are known must lead to the same one; null: none is known.
 * @throws ShiminError `identity_in_use` when they lead to two: it is nobody's to choose between them
 */
export async function findIdentity(
  db: Db,
  keyring: Keyring,
  bridge: string,
  subjects: readonly Subject[],
): Promise<LinkedIdentity | null> {
  const blinds = subjects.map((subject) => subjectBlind(keyring, bridge, subject));
  const rows = await db('external_identity_keys as k')
    .join('external_identities as i', 'i.id', 'k.identity_id')
    .where('k.bridge', bridge)
    .whereIn('k.subject_blind', blinds)
    .distinct('i.id', 'i.account_id', 'i.bridge', 'i.linked_at', 'i.last_used_at', 'i.bound_in', 'i.strength');
  const [found, other] = rows.map((raw) => stored.parse(raw));
  if (other) throw new ShiminError('identity_in_use', { status: 409, detail: { bridge } });
  return found ?? null;
}

/**
 * Links an identity to an account; the primary key of its subjects decides who is first (D11).
 * @throws ShiminError `identity_in_use`
 */
export async function insertIdentity(
  tx: Db,
  keyring: Keyring,
  link: { accountId: string; bridge: string; subjects: readonly Subject[]; at: Date; boundIn?: string | null },
): Promise<string> {
  const id = newId();
  await tx('external_identities').insert({
    id,
    account_id: link.accountId,
    bridge: link.bridge,
    linked_at: toMs(link.at),
    last_used_at: toMs(link.at),
    bound_in: link.boundIn ?? null,
  });
  await keepSubjects(tx, keyring, { id, accountId: link.accountId, bridge: link.bridge }, link.subjects);
  return id;
}

/**
 * Adds names that the upstream has for the person only now (WeChat's `unionid` after a later binding).
 * @throws ShiminError `identity_in_use` when one of them is another identity's
 */
export async function keepSubjects(
  tx: Db,
  keyring: Keyring,
  identity: Pick<LinkedIdentity, 'id' | 'accountId' | 'bridge'>,
  subjects: readonly Subject[],
): Promise<void> {
  const { id, bridge } = identity;
  const rows = subjects
    .map((subject) => ({
      bridge,
      part: subject.part,
      subject_blind: subjectBlind(keyring, bridge, subject),
      identity_id: id,
    }))
    // In one order everywhere, so that two that race wait for one another instead of dead-locking.
    .sort((a, b) => (a.subject_blind < b.subject_blind ? -1 : 1));
  for (const each of rows) {
    await tx('external_identity_keys').insert(each).onConflict(['bridge', 'part', 'subject_blind']).ignore();
    const { bridge: of, part, subject_blind } = each;
    const owner = await tx('external_identity_keys').where({ bridge: of, part, subject_blind }).first('identity_id');
    if (owner?.identity_id !== id) throw new ShiminError('identity_in_use', { status: 409, detail: { bridge } });
  }
}

/** What an account can show by this identity; it does not shrink: what it showed once it may show again. */
export async function noteStrength(tx: Db, id: string, strength: BindingStrength): Promise<void> {
  const weaker = bindingStrengths.slice(0, bindingStrengths.indexOf(strength));
  await tx('external_identities').where({ id }).whereIn('strength', weaker).update({ strength });
}

export async function touchIdentity(tx: Db, id: string, at: Date): Promise<void> {
  await tx('external_identities')
    .where({ id })
    .update({ last_used_at: toMs(at) });
}

/** The account's linked identities, the one used last first. */
export async function identitiesOf(db: Db, accountId: string): Promise<LinkedIdentity[]> {
  const rows = await db('external_identities').where({ account_id: accountId }).orderBy('last_used_at', 'desc');
  return rows.map((raw) => stored.parse(raw));
}

/** False when it is not this account's. */
export async function removeIdentity(tx: Db, accountId: string, id: string): Promise<boolean> {
  // SQLite cascades only where foreign keys are on; the names go first either way.
  const own = await tx('external_identities').where({ id, account_id: accountId }).first('id');
  if (own === undefined) return false;
  await tx('external_identity_keys').where({ identity_id: id }).delete();
  return (await tx('external_identities').where({ id, account_id: accountId }).delete()) === 1;
}
