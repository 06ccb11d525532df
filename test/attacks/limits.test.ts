import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertion, type Citizen, newCitizen, password, totpCode } from '../../bench/citizens.ts';
import { createHashQueue, hashPassword } from '../../src/authenticators/password.ts';
import { hashRecoveryCodes, makeRecoveryCodes } from '../../src/authenticators/recovery-code.ts';
import { newTotpSecret } from '../../src/authenticators/totp.ts';
import { issueRecoveryCodes } from '../../src/commands/change-authenticators.ts';
import type { CommandDeps } from '../../src/commands/command.ts';
import { registerCitizen } from '../../src/commands/register-citizen.ts';
import { type LimitName, limits } from '../../src/commands/throttles.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { newId } from '../../src/lib/crypto.ts';
import { readSecrets } from '../../src/secrets.ts';
import { insertPasskey, setPassword } from '../../src/storage/authenticators.ts';
import { connect, type Database } from '../../src/storage/db.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { databaseKinds, type FreshDatabase, freshDatabase } from '../support/databases.ts';
import { csrfOf, inPage, Jar } from '../support/jar.ts';
import { codeFor } from '../support/journey.ts';
import { signedInFor } from '../support/rows.ts';

interface Somebody {
  readonly accountId: string;
  readonly citizen: Citizen;
  readonly codes: readonly string[];
}

describe.each(databaseKinds)('limits of tries [%s]', { timeout: 60_000 }, (kind) => {
  let fresh: FreshDatabase;
  let city: TestCity;
  let database: Database;
  let deps: CommandDeps;
  const queue = createHashQueue();
  let number = 0;

  beforeAll(async () => {
    fresh = await freshDatabase(kind);
    city = await startCity({ SHIMIN_DATABASE_URL: fresh.url });
    database = connect(fresh.url);
    deps = { db: database.knex, keyring: await readSecrets(city.env.SHIMIN_SECRETS ?? ''), clock: systemClock };
  });
  afterAll(async () => {
    await database?.close();
    await city?.close();
    await fresh?.remove();
  });

  /** Somebody with a password, an authenticator app, recovery codes and a passkey. */
  async function somebody(): Promise<Somebody> {
    number += 1;
    const { citizen, cose } = newCitizen(number, newTotpSecret());
    const accountId = newId();
    const { pepper } = deps.keyring;
    const codes = makeRecoveryCodes();
    await registerCitizen(deps, {
      accountId,
      userHandle: citizen.userHandle,
      phone: citizen.phone,
      locale: 'en',
      interaction: newId(),
      first: {
        kind: 'password',
        hash: await hashPassword({ queue, pepper, password }),
        totpSecret: citizen.totpSecret,
        totpStep: 0,
        recoveryHashes: await hashRecoveryCodes({ queue, pepper, accountId, codes }),
      },
      facts: [],
      cause: { requestId: null, clientId: null },
    });
    await insertPasskey(deps.db, {
      id: newId(),
      accountId,
      credentialId: citizen.credentialId,
      publicKey: cose,
      counter: 0,
      transports: ['internal'],
      backupEligible: false,
      backupState: false,
      userVerifiedAtRegistration: true,
      aaguid: '00000000-0000-0000-0000-000000000000',
      name: 'test',
      createdAt: new Date(),
    });
    return { accountId, citizen, codes };
  }

  const jar = () => {
    const made = new Jar(city.issuer);
    made.cookies = [{ name: 'lang', value: 'en', path: '/' }];
    return made;
  };
  /** A sign-in that an app asks for, up to the page where it begins. */
  async function begin(browser: Jar) {
    const { to } = await new Jar(city.urls.apps.library ?? '').get('/sign-in');
    const { at, body } = await browser.follow(to?.href ?? '');
    return { base: at.pathname, body };
  }
  const post = (browser: Jar, { base, body }: { base: string; body: string }, path: string, form: object) =>
    browser.post(`${base}/${path}`, { _csrf: csrfOf(body), ...form });
  const typePassword = async (browser: Jar, { citizen }: Somebody, typed = password) => {
    const at = await begin(browser);
    return { at, answer: await post(browser, at, 'password', { phone: citizen.phone, password: typed }) };
  };
  const whole = async (browser: Jar, who: Somebody) => {
    const { at, answer } = await typePassword(browser, who);
    if (answer.status !== 303) return answer.status;
    await deps.db('totps').where({ account_id: who.accountId }).update({ last_step: 0 });
    const sent = await post(browser, at, 'totp', { code: totpCode(who.citizen) });
    if (sent.status !== 303) return sent.status;
    return (await browser.follow(sent.to?.href ?? '')).to?.searchParams.has('code') ? 'in' : 'asked more';
  };
  async function passkey(browser: Jar, { citizen }: Somebody, origin = city.issuer) {
    const at = await begin(browser);
    const options = JSON.parse(inPage(at.body, /data-options="([^"]*)"/));
    const response = JSON.stringify(assertion(citizen, { rpId: 'localhost', ...options }, origin));
    const ceremony = inPage(at.body, /name="ceremony" value="([^"]*)"/);
    return post(browser, at, 'passkey/verify', { ceremony, response });
  }
  const used = (name: LimitName, hits: number = limits[name].limit - 1) =>
    deps.db('throttles').where('bucket', 'like', `${name}:%`).update({ hits });
  const failures = (bucket: string, count: number) =>
    deps.db('failures').insert({ bucket, count, last_at: 0 }).onConflict('bucket').merge();
  const audited = async (type: string, { accountId }: Somebody) =>
    (await deps.db('audit').where({ type, account_id: accountId })).length;

  it('who only knows the number locks nobody out: the device that signed in before has its own budget', async () => {
    const who = await somebody();
    const home = jar();
    expect(await whole(home, who)).toBe('in');
    const stranger = jar();
    const answers = [];
    for (let i = 0; i < limits.passwordTarget.limit + 2; i += 1)
      answers.push((await typePassword(stranger, who, `wrong-${i}`)).answer.status);
    expect(answers).toEqual([...Array(limits.passwordTarget.limit).fill(422), 429, 429]);
    // Another browser is no way round, neither for the stranger nor with the right password.
    expect((await typePassword(jar(), who)).answer.status).toBe(429);
    home.cookies = home.cookies.filter(({ name }) => !name.startsWith('shimin_session'));
    expect(await whole(home, who)).toBe('in');
    // Its budget is one, too.
    const own = [];
    for (let i = 0; i < limits.passwordDevice.limit + 1; i += 1) {
      home.cookies = home.cookies.filter(({ name }) => !name.startsWith('shimin_session'));
      own.push((await typePassword(home, who, `wrong-${i}`)).answer.status);
    }
    expect(own).toEqual([...Array(limits.passwordDevice.limit).fill(422), 429]);
    // A stranger's cookie of another account's device gains nothing.
    const other = jar();
    expect(await whole(other, await somebody())).toBe('in');
    other.cookies = other.cookies.filter(({ name }) => !name.startsWith('shimin_session'));
    expect((await typePassword(other, who)).answer.status).toBe(429);
  });

  it('N-33 a password is stopped after 100 failures in a row, whoever failed and however long it took; its holder hears of it', async () => {
    const who = await somebody();
    await failures(`password:${who.accountId}`, 98);
    expect((await typePassword(jar(), who, 'wrong-1')).answer.status).toBe(422);
    expect(await audited('authentication.locked', who)).toBe(0);
    expect((await typePassword(jar(), who, 'wrong-2')).answer.status).toBe(422);
    expect(await audited('authentication.locked', who)).toBe(1);
    const message = await outbox(who.citizen.phone);
    expect(message).toContain('100 times in a row');
    // The right one opens nothing now, and reads as a wrong one does.
    const { answer } = await typePassword(jar(), who);
    expect(answer.status).toBe(422);
    expect(answer.body).toContain('The number or the password is not right');
    expect(answer.body).not.toContain('100 times');
    expect(await audited('authentication.locked', who)).toBe(1);
    // A passkey still works, and the page says what is so.
    const home = jar();
    expect((await passkey(home, who)).status).toBe(303);
    const page = await accountPage(home, who);
    expect(page).toContain('is stopped');
    // Set anew, it works.
    const hash = await hashPassword({ queue, pepper: deps.keyring.pepper, password });
    await setPassword(deps.db, { accountId: who.accountId, hash, createdAt: new Date() });
    expect(await whole(jar(), who)).toBe('in');
  });

  it('N-33 N-34 codes of an authenticator app and recovery codes are stopped likewise, each for itself, and said to who knows the password', async () => {
    const who = await somebody();
    const totp = await deps.db('totps').where({ account_id: who.accountId }).first('id');
    await failures(`totp:${totp.id}`, 99);
    await failures(`recovery_code:${who.accountId}`, 99);
    const browser = jar();
    const { at } = await typePassword(browser, who);
    expect((await post(browser, at, 'totp', { code: '000000' })).status).toBe(422);
    const app = await post(browser, at, 'totp', { code: totpCode(who.citizen) });
    expect([app.status, app.body.includes('100 times in a row')]).toEqual([422, true]);
    expect((await post(browser, at, 'recovery-code', { code: 'AAAA-AAAA-AAAA-AAAA' })).status).toBe(422);
    const code = await post(browser, at, 'recovery-code', { code: who.codes[0] ?? '' });
    expect([code.status, code.body.includes('100 times in a row')]).toEqual([422, true]);
    expect(await audited('authentication.locked', who)).toBe(2);
    expect((await passkey(jar(), who)).status).toBe(303);
    // New codes are bound anew.
    const { pepper } = deps.keyring;
    const codes = makeRecoveryCodes();
    const hashes = await hashRecoveryCodes({ queue, pepper, accountId: who.accountId, codes });
    const ceremony = await signedInFor(deps.db, who.accountId, deps.clock());
    const cause = { requestId: null, clientId: null };
    await issueRecoveryCodes(deps, { accountId: who.accountId, hashes, ceremony, cause });
    expect((await post(browser, at, 'recovery-code', { code: codes[0] ?? '' })).status).toBe(303);
  });

  it('N-36 a success ends the row of what was used, of nothing else', async () => {
    const who = await somebody();
    const totp = await deps.db('totps').where({ account_id: who.accountId }).first('id');
    const rows = [`password:${who.accountId}`, `totp:${totp.id}`, `recovery_code:${who.accountId}`];
    for (const bucket of rows) await failures(bucket, 50);
    const left = async () =>
      (await deps.db('failures').whereIn('bucket', rows)).map(({ bucket }) => bucket.split(':')[0]).toSorted();
    expect((await passkey(jar(), who)).status).toBe(303);
    expect(await left()).toEqual(['password', 'recovery_code', 'totp']);
    expect(await whole(jar(), who)).toBe('in');
    expect(await left()).toEqual(['recovery_code']);
  });

  it('behind one address good sign-ins have no end; failures have', async () => {
    const who = await somebody();
    expect((await passkey(jar(), who)).status).toBe(303);
    for (const name of ['passkeyAddress', 'passwordAddress'] as const) await used(name);
    for (let i = 0; i < 3; i += 1) {
      expect((await passkey(jar(), who)).status).toBe(303);
      expect(await whole(jar(), who)).toBe('in');
    }
    expect((await passkey(jar(), who, 'http://evil.example')).status).toBe(400);
    const stopped = await passkey(jar(), who);
    expect(stopped.status).toBe(429);
    expect(Number(stopped.headers['retry-after'])).toBeGreaterThan(0);
    await deps.db('throttles').delete();
  });

  it('behind one address registrations that are completed have no end of an hour', async () => {
    const register = async (phone: string, confirm: boolean) => {
      const browser = jar();
      const at = await begin(browser);
      const asked = await post(browser, at, 'register/phone', { phone, region: 'CN' });
      if (asked.status !== 303 || !confirm) return asked.status;
      const code = await codeFor(city, `+86${phone}`);
      return (await post(browser, at, 'register/code', { code })).status;
    };
    expect(await register('13900000001', true)).toBe(303);
    await used('smsAddress');
    for (const phone of ['13900000002', '13900000003', '13900000004']) expect(await register(phone, true)).toBe(303);
    expect(await register('13900000005', false)).toBe(303);
    expect(await register('13900000006', false)).toBe(429);
    await deps.db('throttles').delete();
  });

  async function outbox(phone: string): Promise<string> {
    await expect.poll(() => messages(phone), { timeout: 10_000 }).not.toBe('[]');
    return messages(phone);
  }
  async function messages(phone: string): Promise<string> {
    const url = `${city.urls.simulators}/outbox?to=${encodeURIComponent(phone)}`;
    return (await fetch(url, { headers: { accept: 'application/json' } })).text();
  }
  async function accountPage(browser: Jar, who: Somebody): Promise<string> {
    const { at, body } = await browser.follow('/account/authenticators');
    if (at.pathname === '/account/authenticators') return body;
    const options = JSON.parse(inPage(body, /data-options="([^"]*)"/));
    const response = JSON.stringify(assertion(who.citizen, { rpId: 'localhost', ...options }, city.issuer));
    const ceremony = inPage(body, /name="ceremony" value="([^"]*)"/);
    const sent = await post(browser, { base: at.pathname, body }, 'passkey/verify', { ceremony, response });
    return (await browser.follow(sent.to?.href ?? '')).body;
  }
});
