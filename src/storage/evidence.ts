import { z } from 'zod';
import type { Evidence, EvidenceKind, PersonCategory, Strength } from '../assurance/evidence.ts';
import { newId } from '../lib/crypto.ts';
import type { Db } from './db.ts';
import { row, toMs } from './rows.ts';
import { evidenceRow } from './standing-rows.ts';

export interface NewEvidence {
  readonly accountId: string;
  readonly kind: EvidenceKind;
  readonly source: string;
  readonly strength: Strength;
  /** Of the person it is about, where the source says it. */
  readonly category?: PersonCategory | null;
  /** The record of a person that it is about; see `persons.ts`. */
  readonly record?: string | null;
  readonly confirmed: readonly string[];
  readonly recordedAt: Date;
  readonly expiresAt: Date | null;
  /** The source's transaction id, for asking it again; no document number. */
  readonly reference: string | null;
}

/** Adds a row to the ledger; no row of it is ever changed but for its revocation (a trigger sees to it). */
export async function insertEvidence(db: Db, evidence: NewEvidence): Promise<Evidence> {
  const id = newId();
  await db('evidence').insert({
    id,
    account_id: evidence.accountId,
    kind: evidence.kind,
    source: evidence.source,
    strength: evidence.strength,
    category: evidence.category ?? null,
    record_id: evidence.record ?? null,
    confirmed: JSON.stringify(evidence.confirmed),
    recorded_at: toMs(evidence.recordedAt),
    expires_at: toMs(evidence.expiresAt),
    reference: evidence.reference,
  });
  const { kind, source, strength, category = null, record = null, confirmed, recordedAt, expiresAt } = evidence;
  return { id, kind, source, strength, category, record, confirmed, recordedAt, expiresAt, revokedAt: null };
}

/** The whole ledger of an account, revoked and expired rows included, oldest first: what counts is for `assess` to say. */
export async function evidenceOf(db: Db, accountId: string): Promise<Evidence[]> {
  const rows = await db('evidence').where({ account_id: accountId }).orderBy('id');
  return rows.map((raw) => evidenceRow.parse(raw));
}

/** The source's transaction id of one row, for a method that goes on from there (a face check bound to a record). */
export async function evidenceReference(db: Db, id: string): Promise<string | null> {
  const found = await db('evidence').where({ id }).first('reference');
  return found === undefined ? null : z.string().nullable().parse(found.reference);
}

/** The record of a person that an account's living evidence under a source's transaction id is about. */
export async function recordByReference(db: Db, accountId: string, reference: string): Promise<string | null> {
  const found = await db('evidence')
    .where({ account_id: accountId, reference })
    .whereNotNull('record_id')
    .whereNull('revoked_at')
    .orderBy('id', 'desc')
    .first('record_id');
  return found === undefined ? null : z.string().parse(found.record_id);
}

/** The accounts that have living rows which a source knows by its own transaction id: a merge copies them to another one. */
export async function accountsByReference(db: Db, source: string, reference: string): Promise<string[]> {
  const rows = await db('evidence')
    .where({ source, reference })
    .whereNull('revoked_at')
    .distinct('account_id')
    .orderBy('account_id');
  return rows.map((raw) => row({ accountId: z.string() }).parse(raw).accountId);
}

export interface Revocation {
  readonly accountId: string;
  /** These rows, or all of these kinds; without either, everything the account has. */
  readonly ids?: readonly string[];
  readonly kinds?: readonly EvidenceKind[];
  /** What this source said under this transaction id. */
  readonly of?: { readonly source: string; readonly reference: string };
  readonly at: Date;
  readonly reason: string;
}

/** Revokes what is not revoked yet; says how many rows. */
export async function revokeEvidence(db: Db, revocation: Revocation): Promise<number> {
  const rows = db('evidence').where({ account_id: revocation.accountId }).whereNull('revoked_at');
  if (revocation.ids !== undefined) rows.whereIn('id', revocation.ids);
  if (revocation.kinds !== undefined) rows.whereIn('kind', revocation.kinds);
  if (revocation.of !== undefined) rows.where(revocation.of);
  return rows.update({ revoked_at: toMs(revocation.at), revoked_reason: revocation.reason });
}

/** What one source said of an account under one of its own transaction ids. */
export async function evidenceBy(
  db: Db,
  accountId: string,
  by: { source: string; reference: string },
): Promise<Evidence[]> {
  return (await db('evidence').where({ account_id: accountId, ...by })).map((raw) => evidenceRow.parse(raw));
}

/** Whether the same was said lately: same source and transaction id, no weaker, no less, and not revoked since. */
export async function saidSince(db: Db, evidence: NewEvidence, since: Date): Promise<boolean> {
  const { accountId, source, reference, strength } = evidence;
  const rows = await db('evidence')
    .where({ account_id: accountId, source, reference, strength })
    .whereNull('revoked_at')
    .where('recorded_at', '>', toMs(since));
  return rows.some((raw) => {
    const known = evidenceRow.parse(raw);
    return (
      evidence.confirmed.every((word) => known.confirmed.includes(word)) &&
      known.record === (evidence.record ?? null) &&
      known.expiresAt?.getTime() === evidence.expiresAt?.getTime()
    );
  });
}
