import type { Keyring } from '../lib/crypto.ts';
import type { Db } from '../storage/db.ts';
import { revokeGrant } from '../storage/oidc-models/grants.ts';
import { appsOfSessions, type SessionApp } from '../storage/oidc-models/session-apps.ts';
import { enqueue } from '../storage/outbox.ts';
import { announce, type Initiator } from './announce.ts';

export const logoutMessage = 'backchannel-logout';

/** Sessions of an account: one, all but one, or all. */
export interface WhichSessions {
  readonly uid?: string;
  readonly except?: string;
}

/**
 * Before sessions end: each app they reached will hear of it by a logout token (OpenID Connect Back-Channel Logout 1.0)
 * and, if it asked, by `session-revoked`; its grants end. All of it in the transaction that ends the sessions, so an app
 * that is away, or a crash of ours, delays the message and never loses it.
 */
export async function tellApps(
  tx: Db,
  keyring: Keyring,
  input: { accountId: string; which: WhichSessions; at: Date; initiator: Initiator },
): Promise<void> {
  const { accountId, which, at, initiator } = input;
  const apps = await appsOfSessions(tx, accountId, which);
  if (apps.length === 0) return;
  for (const sids of which.uid === undefined && which.except === undefined ? [undefined] : sidsBySession(apps)) {
    await announce(tx, keyring, {
      accountId,
      event: 'session-revoked',
      at,
      initiator,
      ...(sids === undefined ? undefined : { sids }),
    });
  }
  for (const { clientId, sid, grantId } of apps) {
    if (sid !== null) {
      const payload = { clientId, accountId, sid };
      await enqueue(tx, { kind: logoutMessage, target: clientId, payload, at }, keyring);
    }
    // A refresh token being made at this moment hangs on its grant too.
    if (grantId !== null) await revokeGrant(tx, grantId);
  }
}

/** What the apps of each session call it. */
function sidsBySession(apps: readonly SessionApp[]): Record<string, string>[] {
  const sessions = new Map<string, Record<string, string>>();
  for (const { uid, clientId, sid } of apps) {
    if (sid !== null) sessions.set(uid, { ...sessions.get(uid), [clientId]: sid });
  }
  return [...sessions.values()];
}
