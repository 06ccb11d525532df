import type { Provider } from 'oidc-provider';
import { z } from 'zod';
import { ShiminError } from '../lib/errors.ts';
import { type Db, transaction } from '../storage/db.ts';
import { endSessions, sessionRecordsOf } from '../storage/sessions.ts';

/**
 * Ends one SSO session from outside its browser. `tell` runs in the same transaction, before anything is gone: it has the
 * apps told and their grants revoked.
 */
export async function endSsoSession(
  provider: Provider,
  db: Db,
  uid: string,
  tell: (tx: Db, accountId: string) => Promise<void>,
): Promise<void> {
  const session = await provider.Session.findByUid(uid);
  const { accountId } = session ?? {};
  if (!accountId) return;
  await transaction(db, async (tx) => {
    await tell(tx, accountId);
    await endSessions(tx, accountId, { uid });
  });
}

const logout = z.object({ clientId: z.string(), accountId: z.string(), sid: z.string() });

/** Sends one logout token (OpenID Connect Back-Channel Logout 1.0, 2.5). An app that takes none, or is gone, is done with. */
export async function deliverLogout(provider: Provider, payload: unknown): Promise<void> {
  const { clientId, accountId, sid } = logout.parse(payload);
  const client = await provider.Client.find(clientId);
  if (client?.backchannelLogoutUri) await tellOfLogout(client, accountId, sid);
}

/** The engine's own method; its type package does not name it. */
async function tellOfLogout(client: object, accountId: string, sid: string): Promise<void> {
  const send: unknown = Reflect.get(client, 'backchannelLogout');
  if (typeof send !== 'function')
    throw new ShiminError('internal', { status: 500, message: 'engine without backchannelLogout' });
  await send.call(client, accountId, sid);
}

/** The SSO session in which an app was given this `sid`; null when it is over. */
export async function sessionUidOfSid(
  provider: Provider,
  db: Db,
  accountId: string,
  clientId: string,
  sid: string,
): Promise<string | null> {
  for (const { uid } of await sessionRecordsOf(db, accountId)) {
    const session = await provider.Session.findByUid(uid);
    if (session?.sidFor(clientId) === sid) return uid;
  }
  return null;
}
