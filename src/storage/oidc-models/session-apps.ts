import { z } from 'zod';
import type { Db } from '../db.ts';
import { parse } from './record.ts';

/** An app that one SSO session reached, and what it calls that session. */
export interface SessionApp {
  readonly uid: string;
  readonly clientId: string;
  readonly sid: string | null;
  readonly grantId: string | null;
}

const authorizations = z
  .record(z.string(), z.object({ sid: z.string().optional(), grantId: z.string().optional() }))
  .catch({});

/** Apps of an account's living sessions: of one (`uid`), of all but one (`except`), or of all. Ask before they are ended. */
export async function appsOfSessions(
  db: Db,
  accountId: string,
  which: { uid?: string; except?: string } = {},
): Promise<SessionApp[]> {
  const sessions = db('oidc_models').where({ model: 'Session', account_id: accountId });
  if (which.uid !== undefined) sessions.where('session_uid', which.uid);
  if (which.except !== undefined) sessions.whereNot('session_uid', which.except);
  const rows: { session_uid: string; payload: string }[] = await sessions.select('session_uid', 'payload');
  return rows.flatMap((row) =>
    Object.entries(authorizations.parse(parse(row.payload).authorizations)).map(([clientId, { sid, grantId }]) => ({
      uid: row.session_uid,
      clientId,
      sid: sid ?? null,
      grantId: grantId ?? null,
    })),
  );
}
