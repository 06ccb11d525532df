import { type Role, roles } from '../../src/commands/permissions.ts';
import { type Keyring, randomToken, sha256b64u } from '../../src/lib/crypto.ts';
import { readSecrets } from '../../src/secrets.ts';
import { areaSessionStore } from '../../src/storage/area-sessions.ts';
import { connect, type Database, type Db } from '../../src/storage/db.ts';
import { assignRole } from '../../src/storage/staff.ts';
import type { TestCity } from './city.ts';
import { storedAccount } from './rows.ts';

/** One member of staff, signed in to the console of a running city. */
export interface Desk {
  readonly accountId: string;
  get(path: string, accept?: string): Promise<Response>;
  /** Takes a cookie up as this desk's browser would; those of its own answers to forms it keeps by itself. */
  keep(setCookie: string): void;
  /** A form; `_csrf` is added unless the form has one of its own. */
  post(path: string, form?: Readonly<Record<string, string | readonly string[]>>): Promise<Response>;
}

export interface Staffroom {
  readonly db: Db;
  readonly keyring: Keyring;
  /** Somebody with these roles; `signedOut` without a session. */
  desk(held: readonly Role[], options?: { signedOut?: boolean }): Promise<Desk>;
  close(): Promise<void>;
}

/**
 * Staff over real HTTP. Signing in is not what these tests are about (test/journeys/console.test.ts does it in a browser):
 * the session that it would leave behind is written to the database.
 */
export async function openStaffroom(city: Pick<TestCity, 'issuer' | 'databaseUrl' | 'env'>): Promise<Staffroom> {
  const database: Database = connect(city.databaseUrl);
  const db = database.knex;
  const keyring = await readSecrets(city.env.SHIMIN_SECRETS ?? '');
  const browser = randomToken();
  let csrf = '';

  async function desk(held: readonly Role[], { signedOut = false } = {}): Promise<Desk> {
    const { id: accountId } = await storedAccount(db);
    for (const role of held) await assignRole(db, { accountId, role, grantedBy: 'test', at: new Date() });
    const session = randomToken();
    if (!signedOut) await signIn(db, keyring, accountId, session);
    const cookies = [`shimin_admin=${session}`, `shimin_csrf=${browser}`, 'shimin_lang=en'];
    const headersOf = (accept: string) => ({ cookie: cookies.join('; '), accept });
    const keep = (setCookie: string) => void cookies.push(setCookie.split(';')[0] ?? '');
    const url = (path: string) => `${city.issuer}${path}`;
    return {
      accountId,
      get: (path, accept = 'application/json') => fetch(url(path), { headers: headersOf(accept), redirect: 'manual' }),
      keep,
      async post(path, form = {}) {
        const body = new URLSearchParams();
        for (const [name, value] of Object.entries({ _csrf: csrf, ...form }))
          for (const each of [value].flat()) body.append(name, each);
        const init = { method: 'POST', headers: headersOf('application/json'), body, redirect: 'manual' } as const;
        const response = await fetch(url(path), init);
        // Not the area's own: a session that was ended stays so here.
        for (const cookie of response.headers.getSetCookie()) if (cookie.startsWith('shimin_seat=')) keep(cookie);
        return response;
      },
    };
  }

  // The token belongs to the browser's cookie, so one page yields it for all desks.
  const page = await (await (await desk(roles)).get('/admin', 'text/html')).text();
  csrf = /name="_csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
  if (csrf === '') throw new Error('the console showed no form');
  return { db, keyring, desk, close: () => database.close() };
}

async function signIn(db: Db, keyring: Keyring, accountId: string, session: string): Promise<void> {
  const now = Date.now();
  const data = {
    sub: accountId,
    accountId,
    sid: null,
    acr: 'phrh',
    amr: ['hwk', 'user'],
    authTime: Math.floor(now / 1000),
    idToken: 'not used before signing out',
    createdAt: now,
    seenAt: now,
  };
  const id = `admin:session:${sha256b64u(session)}`;
  await areaSessionStore(db, keyring).set(id, data, new Date(now + 3_600_000));
}
