import type { Provider } from 'oidc-provider';
import { ShiminError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { type Db, transaction } from '../storage/db.ts';
import { revokeGrant } from '../storage/oidc-models/grants.ts';
import { endSessions, sessionRecordsOf } from '../storage/sessions.ts';

export interface EndedSession {
  readonly uid: string;
  /** Apps that were told, and apps that could not be. */
  readonly told: readonly string[];
  readonly failed: readonly string[];
}

/**
 * Ends one SSO session from outside its browser: every app it reached hears of it by a logout token (OpenID Connect
 * Back-Channel Logout 1.0, 2.5), its grants and the session itself go. An app that can't be reached does not keep the
 * session alive.
 */
export async function endSsoSession(provider: Provider, db: Db, uid: string, log: Log): Promise<EndedSession> {
  const session = await provider.Session.findByUid(uid);
  const told: string[] = [];
  const failed: string[] = [];
  const { accountId } = session ?? {};
  if (!session || !accountId) return { uid, told, failed };
  const authorizations = Object.entries(session.authorizations ?? {});
  await transaction(db, async (tx) => {
    await endSessions(tx, accountId, { uid });
    // A refresh token being made at this moment hangs on its grant too.
    for (const [, { grantId }] of authorizations) if (grantId) await revokeGrant(tx, grantId);
  });
  await Promise.all(
    authorizations.map(async ([clientId, { sid }]) => {
      const client = await provider.Client.find(clientId);
      if (!client?.backchannelLogoutUri || !sid) return;
      try {
        await tellOfLogout(client, accountId, sid);
        told.push(clientId);
      } catch (error) {
        log.warn({ err: error, clientId }, 'back-channel logout not delivered');
        failed.push(clientId);
      }
    }),
  );
  return { uid, told, failed };
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
