import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertion, password } from '../../bench/citizens.ts';
import type { CommandDeps } from '../../src/commands/command.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { assignRole } from '../../src/storage/staff.ts';
import {
  admitAtLevelOne,
  type Known,
  knownCitizen,
  type RelyingParty,
  relyingParty,
  residents,
} from '../signals/citizens.ts';
import { prepareTransmitter, registerReceiver, type Transmitter } from '../signals/support.ts';
import { databaseKinds } from '../support/databases.ts';
import { csrfOf, inPage, Jar } from '../support/jar.ts';

/** Cookies that a host beside ours may set for the domain that both share. */
const plantable = [
  ['shimin_interaction', 'shimin_interaction.sig'],
  ['shimin_resume', 'shimin_resume.sig'],
  ['shimin_csrf'],
  ['shimin_browser'],
  ['shimin_session', 'shimin_session.sig', 'shimin_account', 'shimin_account_login', 'shimin_admin_login'],
];
const subsets = Array.from({ length: 2 ** plantable.length }, (_, bits) =>
  plantable.filter((_names, place) => (bits >> place) % 2 === 1).flat(),
);
const startAgain = 'Go back to the app you came from and sign in again';
const asksFor = /name="(password|phone|ceremony|code)"/;

/** Puts cookies of one browser into another. */
function plant(from: Jar, into: Jar, names: readonly string[]): void {
  into.planted = from.cookies.filter(({ name }) => names.includes(name));
}

async function showPasskey(jar: Jar, html: string, base: string, { citizen }: Known, issuer: string) {
  const options = JSON.parse(inPage(html, /data-options="([^"]*)"/));
  return jar.post(`${base}/passkey/verify`, {
    _csrf: csrfOf(html),
    ceremony: inPage(html, /name="ceremony" value="([^"]*)"/),
    response: JSON.stringify(assertion(citizen, { rpId: new URL(issuer).hostname, ...options }, issuer)),
  });
}

describe.each(databaseKinds)('one browser begins, another goes on [%s]', { timeout: 60_000 }, (kind) => {
  let city: Transmitter;
  let deps: CommandDeps;
  let app: RelyingParty;
  let thief: Known;
  let victim: Known;
  const english = { name: 'lang', value: 'en', path: '/' };
  const jar = () => {
    const made = new Jar(city.issuer);
    made.cookies = [english];
    return made;
  };
  /** Somebody who was here before, as most people were. */
  const visitor = async () => {
    const made = jar();
    await made.follow(app.authorizePath());
    return made;
  };
  const count = async (table: string) => Number((await deps.db(table).count({ n: '*' }).first())?.n);

  beforeAll(async () => {
    city = await prepareTransmitter(kind);
    deps = { db: city.database.knex, keyring: city.keyring, clock: systemClock };
    await registerReceiver(deps, 'receiver');
    await admitAtLevelOne(deps, 'receiver');
    const [one, two] = residents(2);
    if (!one || !two) throw new Error('nobody is there');
    thief = await knownCitizen(deps, one, 1);
    victim = await knownCitizen(deps, two, 2);
    await assignRole(deps.db, { accountId: thief.accountId, role: 'auditor', grantedBy: 'test', at: new Date() });
    await assignRole(deps.db, { accountId: victim.accountId, role: 'owner', grantedBy: 'test', at: new Date() });
    await city.start();
    app = relyingParty(city.issuer, 'receiver');
  });
  afterAll(() => city?.close());

  it('a request whose cookies were planted asks for no credential, whatever was planted: start again', async () => {
    const attacker = jar();
    const { at } = await attacker.follow(app.authorizePath());
    for (const names of subsets) {
      const person = await visitor();
      const asked = await count('pending');
      plant(attacker, person, names);
      for (const show of ['', '?show=password', '?show=register', '?show=qr', '/qr']) {
        const page = await person.get(at.pathname + show);
        expect([names, show, page.status]).toEqual([names, show, 400]);
        expect(page.body).toContain(startAgain);
        expect(page.body).not.toMatch(asksFor);
      }
      expect(await count('pending')).toBe(asked);
    }
    // Where nobody was before there is no secret of the browser's own; all but that one can be planted under TLS.
    for (const names of subsets.filter((each) => !each.includes('shimin_browser'))) {
      const person = jar();
      plant(attacker, person, names);
      const page = await person.get(at.pathname);
      expect([names, page.status]).toEqual([names, 400]);
      expect(page.body).not.toMatch(asksFor);
    }
    // The browser that began it goes on.
    expect((await attacker.get(at.pathname)).body).toMatch(asksFor);
  });

  it('no form of a request is taken from another browser, and what it would prove comes to nobody', async () => {
    const attacker = jar();
    const { at, body } = await attacker.follow(app.authorizePath());
    const map: { actions: Record<string, { method: string; path: string }> } = JSON.parse(
      readFileSync(new URL('../../docs/http-map.json', import.meta.url), 'utf8'),
    );
    const paths = Object.values(map.actions).filter(({ path }) => path.startsWith('/interaction/:uid'));
    expect(paths.length).toBeGreaterThan(20);
    const person = await visitor();
    const own = await person.follow(app.authorizePath());
    for (const names of subsets) {
      plant(attacker, person, names);
      const path = `${at.pathname}/passkey/verify`;
      const options = JSON.parse(inPage(body, /data-options="([^"]*)"/));
      const response = JSON.stringify(assertion(victim.citizen, { rpId: 'localhost', ...options }, city.issuer));
      const ceremony = inPage(body, /name="ceremony" value="([^"]*)"/);
      const sent = await person.post(path, { _csrf: csrfOf(own.body), ceremony, response });
      expect([400, 403]).toContain(sent.status);
    }
    const other = await visitor();
    const page = await other.follow(app.authorizePath());
    plant(attacker, other, plantable.slice(0, 2).flat());
    for (const { method, path } of paths) {
      const to = path.replace(':uid', at.pathname.split('/')[2] ?? '').replaceAll(/:\w+/g, 'wechat');
      const form = { _csrf: csrfOf(page.body), phone: '13800000001', password, code: '123456' };
      const answer = method === 'GET' ? await other.get(to) : await other.post(to, form);
      expect([method, to, answer.status]).toEqual([method, to, 400]);
      expect(answer.body).toContain(startAgain);
    }
    const after = await attacker.follow(at.pathname);
    expect(after.at.pathname).toBe(at.pathname);
    expect(after.body).toMatch(asksFor);
  });

  it('a sign-in parked before its last redirect signs in no other browser, with any cookies (login CSRF)', async () => {
    for (const names of subsets) {
      const attacker = jar();
      const { at, body } = await attacker.follow(app.authorizePath());
      const sent = await showPasskey(attacker, body, at.pathname, thief, city.issuer);
      const parked = await attacker.follow(`${sent.to?.href}`, ({ pathname }) => pathname.startsWith('/auth/'));
      const person = await visitor();
      const before = person.value('shimin_session');
      plant(attacker, person, names);
      const answer = await person.get(parked.at.pathname);
      expect([names, answer.status, answer.to]).toEqual([names, 400, null]);
      expect(answer.body).toContain(startAgain);
      expect(person.value('shimin_session')).toBe(before);
      // Whose it is goes on undisturbed.
      expect((await attacker.get(parked.at.pathname)).to?.searchParams.get('code')).toBeTypeOf('string');
    }
  });

  it('a planted way back that names another request than the address does leads nowhere', async () => {
    const attacker = jar();
    const { at, body } = await attacker.follow(app.authorizePath());
    const sent = await showPasskey(attacker, body, at.pathname, thief, city.issuer);
    const parked = await attacker.follow(`${sent.to?.href}`, ({ pathname }) => pathname.startsWith('/auth/'));
    const person = jar();
    const own = await person.follow(app.authorizePath());
    const path = own.at.pathname.replace('/interaction/', '/auth/');
    person.cookies = person.cookies.filter(({ name }) => !name.startsWith('shimin_resume'));
    person.planted = attacker.cookies
      .filter(({ name }) => name.startsWith('shimin_resume'))
      .map((cookie) => ({ ...cookie, path }));
    const answer = await person.get(path);
    expect([answer.status, answer.to]).toEqual([400, null]);
    expect(parked.at.pathname).not.toBe(path);
  });

  it.each(['/account', '/admin'])(
    '%s: an answer of the issuer makes a session only where it was asked for',
    async (area) => {
      const attacker = jar();
      const { at, body } = await attacker.follow(area);
      const sent = await showPasskey(attacker, body, at.pathname, thief, city.issuer);
      const callback = ({ pathname }: URL) => pathname === `${area}/callback`;
      const parked = await attacker.follow(`${sent.to?.href}`, callback);
      expect(parked.at.searchParams.get('code')).toBeTypeOf('string');
      const session = `shimin${area.replace('/', '_')}`;
      for (const names of subsets) {
        const person = await visitor();
        await person.get(area);
        plant(
          attacker,
          person,
          names.filter((name) => name !== session),
        );
        const answer = await person.get(parked.at.pathname + parked.at.search);
        expect([names, answer.status]).toEqual([names, 400]);
        expect(answer.body).toContain(startAgain);
        expect(person.value(session)).toBeNull();
      }
      expect((await attacker.get(parked.at.pathname + parked.at.search)).status).toBe(303);
      expect(attacker.value(session)).not.toBeNull();
    },
  );

  it.each(['/account', '/admin'])(
    '%s: the request for a sign-in that another browser began is not answered here',
    async (area) => {
      // The thief's own login of the area is sent to the victim, who would sign in for it.
      const attacker = jar();
      const login = await attacker.get(area);
      const person = await visitor();
      const { at, body } = await person.follow(`${login.to?.href}`);
      const sent = await showPasskey(person, body, at.pathname, victim, city.issuer);
      const parked = await person.follow(`${sent.to?.href}`, ({ pathname }) => pathname === `${area}/callback`);
      const answer = await person.get(parked.at.pathname + parked.at.search);
      expect(answer.status).toBe(400);
      expect(answer.body).toContain(startAgain);
      expect(person.value(`shimin${area.replace('/', '_')}`)).toBeNull();
    },
  );
});

describe('under TLS', () => {
  it('the secret of the browser has a name that no other host can set, and no other is taken', async () => {
    const city = await prepareTransmitter('sqlite', {
      SHIMIN_ISSUER: 'https://id.city.test',
      SHIMIN_TRUSTED_PROXIES: '1',
    });
    try {
      const deps = { db: city.database.knex, keyring: city.keyring, clock: systemClock };
      await registerReceiver(deps, 'receiver');
      await city.start();
      const app = relyingParty(city.issuer, 'receiver');
      const port = city.env.SHIMIN_PORT ?? '';
      const attacker = new Jar(city.issuer, { port });
      const first = await attacker.get(app.authorizePath());
      const line = [first.headers['set-cookie'] ?? []].flat().find((each) => each.startsWith('__Host-shimin_browser='));
      expect(line).toMatch(/; Path=\/;.*HttpOnly.*; Secure$/);
      expect(line).not.toMatch(/domain=/i);
      const at = first.to?.pathname ?? '';
      expect((await attacker.get(at)).status).toBe(200);
      const person = new Jar(city.issuer, { port });
      person.planted = attacker.cookies.map((cookie) => ({ ...cookie, name: cookie.name.replace('__Host-', '') }));
      const page = await person.get(at);
      expect(page.status).toBe(400);
      expect(page.body).not.toMatch(asksFor);
    } finally {
      await city.close();
    }
  });
});
