import { z } from 'zod';
import { type Agreement, type Release, releaseBases } from '../assurance/release.ts';
import { type Db, kindOf } from './db.ts';

/** What an app receives of a citizen, and why. Grants of the engine live per session; this outlives them. */
export interface Consent extends Agreement {
  readonly accountId: string;
  readonly clientId: string;
  readonly givenAt: Date;
}

const names = z.string().transform((json) => z.array(z.string()).parse(JSON.parse(json)));
const rowSchema = z.object({
  account_id: z.string(),
  client_id: z.string(),
  scopes: names,
  claims: names,
  basis: z.enum(releaseBases),
  given_at: z.coerce.number(),
  withdrawn_at: z.coerce.number().nullable(),
});

function toConsent(raw: unknown): Consent {
  const { account_id, client_id, scopes, claims, basis, given_at, withdrawn_at } = rowSchema.parse(raw);
  return {
    ...{ accountId: account_id, clientId: client_id, scopes, claims, basis },
    givenAt: new Date(given_at),
    withdrawn: withdrawn_at !== null,
  };
}

/** What is on file, also when it was taken back; in a transaction it is kept from others until the end. */
export async function consentWith(db: Db, accountId: string, clientId: string): Promise<Consent | null> {
  const found = db('consents').where({ account_id: accountId, client_id: clientId });
  if (db.isTransaction && kindOf(db) === 'postgres') found.forUpdate();
  const row: unknown = await found.first();
  return row === undefined ? null : toConsent(row);
}

/** What is in force, the newest first. */
export async function consentsOf(db: Db, accountId: string): Promise<Consent[]> {
  const rows: unknown[] = await db('consents')
    .where({ account_id: accountId })
    .whereNull('withdrawn_at')
    .orderBy('given_at', 'desc');
  return rows.map(toConsent);
}

export interface NewConsent extends Release {
  readonly accountId: string;
  readonly clientId: string;
  readonly basis?: Consent['basis'];
  readonly givenAt: Date;
}

/** Replaces what was agreed before, also what was taken back. */
export async function saveConsent(db: Db, consent: NewConsent): Promise<void> {
  await db('consents')
    .insert({
      account_id: consent.accountId,
      client_id: consent.clientId,
      scopes: JSON.stringify(consent.scopes),
      claims: JSON.stringify(consent.claims),
      basis: consent.basis ?? 'agreed',
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
