import type { Db } from './db.ts';

/** What a citizen agreed that an app receives. Grants of the engine live per session; this outlives them. */
export interface Consent {
  readonly accountId: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly claims: readonly string[];
  readonly givenAt: Date;
}

interface Row {
  account_id: string;
  client_id: string;
  scopes: string;
  claims: string;
  given_at: number | string;
}

const toConsent = (row: Row): Consent => ({
  accountId: row.account_id,
  clientId: row.client_id,
  scopes: JSON.parse(row.scopes),
  claims: JSON.parse(row.claims),
  givenAt: new Date(Number(row.given_at)),
});

/** The consent in force, or null. */
export async function findConsent(db: Db, accountId: string, clientId: string): Promise<Consent | null> {
  const row: Row | undefined = await db('consents')
    .where({ account_id: accountId, client_id: clientId })
    .whereNull('withdrawn_at')
    .first();
  return row ? toConsent(row) : null;
}

/** The citizen took consent back and has not given it again: nobody may release anything on their behalf. */
export async function wasWithdrawn(db: Db, accountId: string, clientId: string): Promise<boolean> {
  const row = await db('consents')
    .where({ account_id: accountId, client_id: clientId })
    .whereNotNull('withdrawn_at')
    .first('client_id');
  return row !== undefined;
}

export async function consentsOf(db: Db, accountId: string): Promise<Consent[]> {
  const rows: Row[] = await db('consents')
    .where({ account_id: accountId })
    .whereNull('withdrawn_at')
    .orderBy('given_at', 'desc');
  return rows.map(toConsent);
}

/** Replaces what was agreed before. */
export async function saveConsent(db: Db, consent: Consent): Promise<void> {
  await db('consents')
    .insert({
      account_id: consent.accountId,
      client_id: consent.clientId,
      scopes: JSON.stringify(consent.scopes),
      claims: JSON.stringify(consent.claims),
      given_at: consent.givenAt.getTime(),
      withdrawn_at: null,
    })
    .onConflict(['account_id', 'client_id'])
    .merge();
}

/** True when there was one to withdraw; exactly one caller gets true. */
export async function withdrawConsent(db: Db, accountId: string, clientId: string, at: Date): Promise<boolean> {
  const changed = await db('consents')
    .where({ account_id: accountId, client_id: clientId })
    .whereNull('withdrawn_at')
    .update({ withdrawn_at: at.getTime() });
  return changed > 0;
}
