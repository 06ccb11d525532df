import { z } from 'zod';
import { type Keyring, newId, openFor, sealFor } from '../lib/crypto.ts';
import type { Db } from './db.ts';
import { mergePeople, splitPeople } from './merge-people.ts';
import type { MovedRow, Snapshot } from './merges.ts';
import { sealedKeyOf } from './person-key.ts';
import { toMs } from './rows.ts';

export interface Pair {
  readonly keepId: string;
  readonly goneId: string;
}

const values = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));
type Values = z.infer<typeof values>;
const told = (row: Values, column: string): string => z.string().parse(row[column]);

/**
 * Gives everything of the one account that a person signs in with, is found by and has proved to the other, and says what
 * it was before. What is sealed under the one's key is sealed anew under the other's.
 */
export async function moveRows(tx: Db, keyring: Keyring, pair: Pair, at: Date): Promise<Snapshot> {
  const moved = [
    ...(await moveContacts(tx, keyring, pair)),
    ...(await moveIdentities(tx, pair)),
    ...(await movePasskeys(tx, pair)),
    ...(await movePassword(tx, keyring, pair)),
    ...(await moveConsents(tx, pair)),
  ];
  const people = await mergePeople(tx, keyring, pair, at);
  const evidence = await copyEvidence(tx, pair);
  return { moved: [...moved, ...people.moved], evidence, person: people.person, names: people.names };
}

async function moveContacts(tx: Db, keyring: Keyring, { keepId, goneId }: Pair): Promise<MovedRow[]> {
  const rows = z.array(values).parse(await tx('contacts').where({ account_id: goneId }).orderBy('id'));
  const [from, to] = [await sealedKeyOf(tx, goneId), await sealedKeyOf(tx, keepId)];
  for (const row of rows) {
    const kind = told(row, 'kind');
    const value = openFor(keyring, from, told(row, 'sealed_value'), `contact:${goneId}:${kind}`);
    const sealed = sealFor(keyring, to, value, `contact:${keepId}:${kind}`);
    await tx('contacts')
      .where({ id: told(row, 'id') })
      .update({ account_id: keepId, sealed_value: sealed });
  }
  return rows.map((row) => ({ table: 'contacts', key: { id: told(row, 'id') }, before: row }));
}

async function moveIdentities(tx: Db, { keepId, goneId }: Pair): Promise<MovedRow[]> {
  const rows = z.array(values).parse(await tx('external_identities').where({ account_id: goneId }).orderBy('id'));
  const ids = rows.map((row) => told(row, 'id'));
  const keys = z.array(values).parse(await tx('external_identity_keys').whereIn('identity_id', ids));
  await tx('external_identities').whereIn('id', ids).update({ account_id: keepId });
  return [
    ...rows.map((row): MovedRow => ({ table: 'external_identities', key: { id: told(row, 'id') }, before: row })),
    // The subjects stay as they are; taken along because whoever unlinks an identity deletes them.
    ...keys.map(
      (row): MovedRow => ({
        table: 'external_identity_keys',
        key: { bridge: told(row, 'bridge'), part: told(row, 'part'), subject_blind: told(row, 'subject_blind') },
        before: row,
      }),
    ),
  ];
}

async function movePasskeys(tx: Db, { keepId, goneId }: Pair): Promise<MovedRow[]> {
  const own = await tx('accounts').where({ id: goneId }).first('passkey_user_handle');
  const rows = z
    .array(values)
    .parse(
      await tx('passkeys')
        .where({ account_id: goneId })
        .whereNull('revoked_at')
        .select('id', 'account_id', 'user_handle', 'name', 'revoked_at', 'revoked_reason'),
    );
  for (const row of rows) {
    const handle = row.user_handle ?? own.passkey_user_handle;
    await tx('passkeys')
      .where({ id: told(row, 'id') })
      .update({ account_id: keepId, user_handle: handle });
  }
  return rows.map((row) => ({ table: 'passkeys', key: { id: told(row, 'id') }, before: row }));
}

/** An account has one password: the other's goes along only where this one has none. */
async function movePassword(tx: Db, keyring: Keyring, { keepId, goneId }: Pair): Promise<MovedRow[]> {
  const password = values.optional().parse(await tx('passwords').where({ account_id: goneId }).first());
  const totp = values.optional().parse(await tx('totps').where({ account_id: goneId }).whereNull('revoked_at').first());
  const taken =
    (await tx('passwords').where({ account_id: keepId }).first('account_id')) !== undefined ||
    (await tx('totps').where({ account_id: keepId }).whereNull('revoked_at').first('id')) !== undefined;
  if (taken || password === undefined || totp === undefined) return [];
  const secret = openFor(keyring, await sealedKeyOf(tx, goneId), told(totp, 'sealed_secret'), `totp:${goneId}`);
  const sealed = sealFor(keyring, await sealedKeyOf(tx, keepId), secret, `totp:${keepId}`);
  await tx('passwords').where({ account_id: goneId }).update({ account_id: keepId });
  await tx('totps')
    .where({ id: told(totp, 'id') })
    .update({ account_id: keepId, sealed_secret: sealed });
  return [
    // A password that is made later is the other account's own.
    { table: 'passwords', key: { account_id: keepId, hash: told(password, 'hash') }, before: password },
    { table: 'totps', key: { id: told(totp, 'id') }, before: totp },
  ];
}

/** What was agreed with an app under the account that stays stands. */
async function moveConsents(tx: Db, { keepId, goneId }: Pair): Promise<MovedRow[]> {
  const known = tx('consents').where({ account_id: keepId }).select('client_id');
  const rows = z.array(values).parse(await tx('consents').where({ account_id: goneId }).whereNotIn('client_id', known));
  for (const row of rows)
    await tx('consents')
      .where({ account_id: goneId, client_id: told(row, 'client_id') })
      .update({ account_id: keepId });
  return rows.map((row) => ({
    table: 'consents',
    key: { account_id: keepId, client_id: told(row, 'client_id') },
    before: row,
  }));
}

/** The ledger is append-only: what counts is written again, as it was said and when, for the account that stays. */
async function copyEvidence(tx: Db, { keepId, goneId }: Pair): Promise<[string, string][]> {
  const rows = z
    .array(values)
    .parse(await tx('evidence').where({ account_id: goneId }).whereNull('revoked_at').orderBy('id'));
  const pairs: [string, string][] = [];
  for (const row of rows) {
    const id = newId();
    await tx('evidence').insert({ ...row, id, account_id: keepId });
    pairs.push([told(row, 'id'), id]);
  }
  return pairs;
}

/** What one undoing may not bring back: consent that was withdrawn, a one-time code's step that was used. */
const stays: Readonly<Partial<Record<MovedRow['table'], string>>> = { consents: 'withdrawn_at', totps: 'last_step' };

/**
 * Puts everything back as it was, also what was removed from the other account since: whoever had two accounts merged to
 * take one over has gained nothing. Only what now belongs to a third account stays there.
 */
export async function restoreRows(tx: Db, taken: Snapshot, at: Date): Promise<void> {
  for (const { table, key, before } of taken.moved) {
    // A document goes back under the key it had then: whether that is still its key is seen anew.
    const set: Values = table === 'person_documents' ? { ...before, form: 0 } : { ...before };
    delete set[stays[table] ?? ''];
    if ((await tx(table).where(key).update(set)) > 0) continue;
    // Passkeys are never deleted, and consent not given again is not to be had back.
    if (table === 'passkeys' || table === 'consents') continue;
    await tx(table).insert(before).onConflict().ignore();
  }
  await splitPeople(tx, taken);
  await restoreEvidence(tx, taken, at);
}

/** What was revoked of a copy meanwhile is revoked of the original too; the copies end. */
async function restoreEvidence(tx: Db, { evidence }: Snapshot, at: Date): Promise<void> {
  for (const [original, copy] of evidence) {
    const row = values.parse(await tx('evidence').where({ id: copy }).first('revoked_at', 'revoked_reason'));
    if (row.revoked_at !== null) await tx('evidence').where({ id: original }).whereNull('revoked_at').update(row);
    else
      await tx('evidence')
        .where({ id: copy })
        .update({ revoked_at: toMs(at), revoked_reason: 'merge_undone' });
  }
}
