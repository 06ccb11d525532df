import type { Provider } from 'oidc-provider';
import { ShiminError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';

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
export async function endSsoSession(provider: Provider, uid: string, log: Log): Promise<EndedSession> {
  const session = await provider.Session.findByUid(uid);
  const told: string[] = [];
  const failed: string[] = [];
  if (!session) return { uid, told, failed };
  const { accountId } = session;
  const authorizations = Object.entries(session.authorizations ?? {});
  await session.destroy();
  await Promise.all(
    authorizations.map(async ([clientId, { sid, grantId }]) => {
      if (grantId) await revokeGrant(provider, grantId);
      const client = await provider.Client.find(clientId);
      if (!client?.backchannelLogoutUri || !accountId || !sid) return;
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

async function revokeGrant(provider: Provider, grantId: string): Promise<void> {
  await Promise.all([
    provider.AccessToken.revokeByGrantId(grantId),
    provider.RefreshToken.revokeByGrantId(grantId),
    provider.AuthorizationCode.revokeByGrantId(grantId),
  ]);
  const grant = await provider.Grant.find(grantId);
  await grant?.destroy();
}

/** The engine's own method; its type package does not name it. */
async function tellOfLogout(client: object, accountId: string, sid: string): Promise<void> {
  const send: unknown = Reflect.get(client, 'backchannelLogout');
  if (typeof send !== 'function')
    throw new ShiminError('internal', { status: 500, message: 'engine without backchannelLogout' });
  await send.call(client, accountId, sid);
}
