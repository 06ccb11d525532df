import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { z } from 'zod';
import { ShiminError } from '../lib/errors.ts';
import { type Db, transaction } from '../storage/db.ts';
import { endSessions, sessionRecordsOf } from '../storage/sessions.ts';
import { clientEvenIfOff } from './clients.ts';

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

/** Whether the browser's own session cookie names a session in which somebody is signed in. */
export async function isSignedIn(
  provider: Provider,
  { req, res }: { req: IncomingMessage; res: ServerResponse },
): Promise<boolean> {
  const session = await provider.Session.get(provider.createContext(req, res));
  return session.accountId !== undefined;
}

const logout = z.object({ clientId: z.string(), accountId: z.string(), sid: z.string() });

/**
 * Sends one logout token (OpenID Connect Back-Channel Logout 1.0, 2.5). An app that takes none, or is gone, is done with;
 * one that is switched off has sessions of its own, which are over too.
 */
export async function deliverLogout(provider: Provider, db: Db, payload: unknown): Promise<void> {
  const { clientId, accountId, sid } = logout.parse(payload);
  const client = await clientEvenIfOff(provider, db, clientId);
  if (client?.backchannelLogoutUri) await tellOfLogout(client, accountId, sid);
}

type SendLogout = (accountId: string, sid: string) => Promise<void>;

/** The engine's own senders of logout tokens, by what its clients inherit from. */
const senders = new WeakMap<object, SendLogout>();

async function tellOfLogout(client: object, accountId: string, sid: string): Promise<void> {
  const send = senders.get(Object.getPrototypeOf(client));
  if (!send) throw new ShiminError('internal', { status: 500, message: 'engine without back-channel logout' });
  await send.call(client, accountId, sid);
}

export interface SignOut {
  /** An app with a back-channel logout address is to hear that its session is over. */
  logout(app: { clientId: string; accountId: string; sid: string }): Promise<void>;
  /** A whole SSO session is about to be destroyed; `sids`: what its apps call it. */
  ending(session: { accountId: string; sids: Readonly<Record<string, string>> }): Promise<void>;
}

/**
 * What the engine does at its end-session endpoint goes through us: it would send logout tokens once, while the browser
 * waits, and lose them where the app is away (OpenID Connect RP-Initiated Logout 1.0; Back-Channel Logout 1.0, 2.7).
 */
export function interceptSignOut(provider: Provider, { logout, ending }: SignOut): void {
  const clients: object = provider.Client.prototype;
  const sessions: object = provider.Session.prototype;
  const send: unknown = Reflect.get(clients, 'backchannelLogout');
  const destroy: unknown = Reflect.get(sessions, 'destroy');
  if (typeof send !== 'function' || typeof destroy !== 'function')
    throw new ShiminError('internal', { status: 500, message: 'engine without back-channel logout' });
  senders.set(clients, async function (this: unknown, accountId, sid) {
    await send.call(this, accountId, sid);
  });
  Object.defineProperty(clients, 'backchannelLogout', {
    value(this: { clientId: string }, accountId: string, sid: string) {
      return logout({ clientId: this.clientId, accountId, sid });
    },
  });
  Object.defineProperty(sessions, 'destroy', {
    async value(this: InstanceType<Provider['Session']>) {
      const { accountId, authorizations = {} } = this;
      const sids = Object.entries(authorizations).flatMap(([clientId, { sid }]) => (sid ? [[clientId, sid]] : []));
      if (accountId) await ending({ accountId, sids: Object.fromEntries(sids) });
      // The engine tells the apps it knows; one that is switched off is told by us.
      for (const [clientId = '', sid = ''] of accountId ? sids : [])
        if (!(await provider.Client.find(clientId))) await logout({ clientId, accountId: accountId ?? '', sid });
      await destroy.call(this);
    },
  });
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
