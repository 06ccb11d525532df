import { randomBytes } from 'node:crypto';
import type { Context } from 'koa';
import type { LevelName } from './config.ts';
import type { TextKey } from './language.ts';

/** What was promised to the person before they left for the provider. */
export interface Pending {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly level: LevelName;
  /** What the sign-in's requests are bound to, where the app does that. */
  readonly proofKeys?: CryptoKeyPair | undefined;
  readonly createdAt: number;
  /** Only this person may come back (step-up); undefined when anyone may sign in. */
  readonly expectedSub?: string;
  readonly withdraw?: { readonly id: string; readonly amount: number };
}

export interface Tokens {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in?: number | undefined;
  readonly scope?: string | undefined;
  readonly refresh_token?: string | undefined;
}

export interface SignedIn {
  readonly sub: string;
  readonly acr: string | undefined;
  readonly amr: readonly string[];
  readonly authTime: number | undefined;
  /** The provider's session, named by back-channel logout. */
  readonly sid: string | undefined;
  readonly idToken: string;
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly tokens: Tokens;
  readonly proofKeys?: CryptoKeyPair | undefined;
  readonly userinfo: Readonly<Record<string, unknown>> | undefined;
}

export interface Session {
  readonly id: string;
  readonly csrf: string;
  readonly pending: Map<string, Pending>;
  touchedAt: number;
  person?: SignedIn;
  notice?: { readonly key: TextKey; readonly params?: Readonly<Record<string, string>>; readonly id?: string };
  /** The refresh under way: two at once would spend a rotated refresh token twice, which revokes the grant. */
  refreshing?: Promise<void>;
}

const IDLE_MS = 8 * 3600 * 1000;
const PENDING_MS = 3600 * 1000;
const MOST_SESSIONS = 10_000;
const MOST_PENDING = 10;

export interface SessionStore {
  find(ctx: Context): Session | undefined;
  open(ctx: Context): Session;
  /** A fresh identifier at each sign-in, against session fixation; what was pending in other tabs moves along. */
  renew(ctx: Context, old: Session, person: SignedIn): Session;
  end(session: Session, notice?: Session['notice']): void;
  /** Ends what a logout token names (Back-Channel Logout 1.0 2.7); answers how many. */
  endByProvider(target: { sid?: string | undefined; sub?: string | undefined }): number;
  signedInCount(): number;
}

export function createSessionStore(cookie: { name: string; secure: boolean }): SessionStore {
  const all = new Map<string, Session>();

  function fresh(ctx: Context): Session {
    const session: Session = {
      id: randomBytes(32).toString('base64url'),
      csrf: randomBytes(32).toString('base64url'),
      pending: new Map(),
      touchedAt: Date.now(),
    };
    // Map keeps insertion order, so the first entry is the oldest: memory stays bounded under a flood of visitors.
    const oldest = all.keys().next();
    if (all.size >= MOST_SESSIONS && oldest.done !== true) all.delete(oldest.value);
    all.set(session.id, session);
    ctx.cookies.secure = cookie.secure;
    ctx.cookies.set(cookie.name, session.id, { httpOnly: true, sameSite: 'lax', path: '/', secure: cookie.secure });
    return session;
  }

  function find(ctx: Context): Session | undefined {
    const session = all.get(ctx.cookies.get(cookie.name) ?? '');
    if (session === undefined) return undefined;
    if (Date.now() - session.touchedAt > IDLE_MS) {
      all.delete(session.id);
      return undefined;
    }
    session.touchedAt = Date.now();
    return session;
  }

  function end(session: Session, notice?: Session['notice']): void {
    delete session.person;
    if (notice !== undefined) session.notice = notice;
  }

  return {
    find,
    open: (ctx) => find(ctx) ?? fresh(ctx),
    renew(ctx, old, person) {
      all.delete(old.id);
      const session = fresh(ctx);
      for (const [state, pending] of old.pending) session.pending.set(state, pending);
      session.person = person;
      return session;
    },
    end,
    endByProvider({ sid, sub }) {
      let ended = 0;
      for (const session of all.values()) {
        const { person } = session;
        if (person === undefined) continue;
        if (sid !== undefined && person.sid !== sid) continue;
        if (sub !== undefined && person.sub !== sub) continue;
        end(session, { key: 'notice.signed-out-elsewhere' });
        ended += 1;
      }
      return ended;
    },
    signedInCount: () => [...all.values()].filter((session) => session.person !== undefined).length,
  };
}

export function remember(session: Session, pending: Pending): void {
  const oldest = session.pending.keys().next();
  if (session.pending.size >= MOST_PENDING && oldest.done !== true) session.pending.delete(oldest.value);
  session.pending.set(pending.state, pending);
}

/** The request this answer belongs to; taken once, so that a replayed callback finds nothing. */
export function takePending(session: Session | undefined, state: unknown): Pending | undefined {
  if (session === undefined || typeof state !== 'string') return undefined;
  const pending = session.pending.get(state);
  session.pending.delete(state);
  return pending !== undefined && Date.now() - pending.createdAt <= PENDING_MS ? pending : undefined;
}
