import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/commands/throttles.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Db } from '../../src/storage/db.ts';
import {
  admitAtLevelOne,
  knownCitizen,
  type RelyingParty,
  relyingParty,
  residents,
  signIn,
} from '../signals/citizens.ts';
import { appSecret, prepareTransmitter, registerReceiver, type Transmitter } from '../signals/support.ts';
import { databaseKinds } from '../support/databases.ts';
import { Jar } from '../support/jar.ts';

describe.each(databaseKinds)('what strangers leave unfinished is bounded [%s]', { timeout: 60_000 }, (kind) => {
  let city: Transmitter;
  let db: Db;
  let app: RelyingParty;
  beforeAll(async () => {
    city = await prepareTransmitter(kind, { SHIMIN_TRUSTED_PROXIES: '1' });
    db = city.database.knex;
    const deps = { db, keyring: city.keyring, clock: systemClock };
    await registerReceiver(deps, 'receiver');
    await registerReceiver(deps, 'phone-app', {
      token_endpoint_auth_method: 'none',
      client_secret: undefined,
      grant_types: ['authorization_code', 'refresh_token'],
      scope: 'openid',
    });
    await admitAtLevelOne(deps, 'receiver', 'phone-app');
    await city.start();
    app = relyingParty(city.issuer, 'receiver');
  });
  afterAll(() => city?.close());

  const count = async (table: string, where: object = {}) =>
    Number((await db(table).where(where).count({ n: '*' }).first())?.n);
  const interactions = () => count('oidc_models', { model: 'Interaction' });
  const newcomer = (from: string) => new Jar(city.issuer, { from });

  it('one page looked at a hundred times leaves one row', async () => {
    const browser = newcomer('198.51.100.1');
    const { at } = await browser.follow(app.authorizePath());
    const [before, models] = [await count('pending'), await count('oidc_models')];
    const seen = new Set<string>();
    for (let i = 0; i < 100; i += 1) {
      const page = await browser.get(`${at.pathname}?show=sign-in`);
      expect(page.status).toBe(200);
      seen.add(/name="ceremony" value="([^"]*)"/.exec(page.body)?.[1] ?? '');
    }
    expect(await count('pending')).toBe(before);
    expect(await count('oidc_models')).toBe(models);
    expect(seen.size).toBe(1);
  });

  it('requests that nobody ends are refused by address, with a page or JSON, and leave nothing; other addresses go on', async () => {
    const { limit } = limits.openAddress;
    const answers: number[] = [];
    for (let i = 0; i < limit + 20; i += 1)
      answers.push((await newcomer('198.51.100.2').get(app.authorizePath())).status);
    expect(answers.slice(0, limit)).toEqual(Array(limit).fill(303));
    expect(answers.slice(limit)).toEqual(Array(20).fill(429));
    const before = await interactions();
    const page = await newcomer('198.51.100.2').get(app.authorizePath());
    expect(Number(page.headers['retry-after'])).toBeGreaterThan(0);
    expect(page.headers['content-type']).toContain('text/html');
    expect(page.headers['set-cookie']).toBeUndefined();
    const json = await newcomer('198.51.100.2').get(app.authorizePath(), { accept: 'application/json' });
    expect([json.status, JSON.parse(json.body).error]).toEqual([429, 'too_many_requests']);
    expect((await newcomer('198.51.100.2').get('/account')).status).toBe(429);
    expect(await interactions()).toBe(before);
    expect((await newcomer('198.51.100.3').get(app.authorizePath())).status).toBe(303);
  });

  it('one browser has a bound of its own, and a secret that it made up itself is none', async () => {
    const browser = newcomer('198.51.100.4');
    await browser.get(app.authorizePath());
    const answers: number[] = [];
    for (let i = 0; i < limits.openBrowser.limit + 2; i += 1)
      answers.push((await browser.get(app.authorizePath())).status);
    expect(answers.slice(-3)).toEqual([303, 429, 429]);
    const forged = newcomer('198.51.100.2');
    forged.cookies = [{ name: 'shimin_browser', value: 'made-up.by-myself', path: '/' }];
    expect((await forged.get(app.authorizePath())).status).toBe(429);
  });

  it('a request that came to its end is given back to the address', async () => {
    const deps = { db, keyring: city.keyring, clock: systemClock };
    const [resident] = residents(1);
    if (!resident) throw new Error('nobody is there');
    const known = await knownCitizen(deps, resident, 1);
    await db('throttles').where('bucket', 'like', 'openAddress:%').delete();
    for (let i = 0; i < 3; i += 1) await signIn(city.issuer, app, known);
    const rows = await db('throttles').where('bucket', 'like', 'openAddress:%');
    expect(rows.map(({ hits }) => hits)).toEqual([0]);
  });

  it('pushed requests are bounded in size, by app and by address of apps that have no secret', async () => {
    const push = (form: Record<string, string>, headers: Record<string, string> = {}) =>
      fetch(`${city.issuer}/request`, {
        method: 'POST',
        headers: { 'x-forwarded-for': '198.51.100.5', ...headers },
        body: new URLSearchParams({
          client_id: 'receiver',
          response_type: 'code',
          scope: 'openid',
          redirect_uri: 'http://localhost:9/callback',
          code_challenge: 'a'.repeat(43),
          code_challenge_method: 'S256',
          ...form,
        }),
      });
    const basic = { authorization: `Basic ${Buffer.from(`receiver:${appSecret}`).toString('base64')}` };
    const large = await push({ state: 's'.repeat(17_000) }, basic);
    expect([large.status, (await large.json()).error]).toEqual([413, 'invalid_request']);
    const pushed = () => count('oidc_models', { model: 'PushedAuthorizationRequest' });
    const before = await pushed();
    const answers: number[] = [];
    for (let i = 0; i < 260; i += 1) answers.push((await push({ state: 's'.repeat(12_000) }, basic)).status);
    const taken = answers.filter((status) => status === 201).length;
    expect(answers.at(-1)).toBe(429);
    expect(taken).toBeLessThan(260);
    expect(taken).toBeGreaterThan(200);
    expect(await pushed()).toBe(before + taken);
    const open: number[] = [];
    for (let i = 0; i < limits.pushedAddress.limit + 2; i += 1)
      open.push((await push({ client_id: 'phone-app' })).status);
    expect(open.slice(-3)).toEqual([201, 429, 429]);
    const refused = await push({ client_id: 'phone-app' });
    expect((await refused.json()).error).toBe('too_many_requests');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('a request whose length is not told is not read', async () => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('client_id=receiver'));
        controller.close();
      },
    });
    const init = {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    };
    expect((await fetch(`${city.issuer}/request`, init)).status).toBe(411);
  });
});
