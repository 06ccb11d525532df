import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../../bench/browser.ts';
import { assertion } from '../../bench/citizens.ts';
import type { CommandDeps } from '../../src/commands/command.ts';
import account from '../../src/i18n/zh-Hans/account.json' with { type: 'json' };
import texts from '../../src/i18n/zh-Hans/apps.json' with { type: 'json' };
import { systemClock } from '../../src/lib/clock.ts';
import { findApp } from '../../src/storage/apps.ts';
import {
  admitAtLevelOne,
  type Known,
  knownCitizen,
  type RelyingParty,
  relyingParty,
  residents,
  showPasskey,
  type Tokens,
} from '../signals/citizens.ts';
import { prepareTransmitter, registerReceiver, type Transmitter } from '../signals/support.ts';
import { databaseKinds } from '../support/databases.ts';
import { csrfOf, inPage, Jar } from '../support/jar.ts';

const verification = { trust_framework: null };
const verified = (...names: string[]) => ({
  verification,
  claims: Object.fromEntries(names.map((name) => [name, null])),
});
const userinfo = (claims: object) => ({ claims: JSON.stringify({ userinfo: claims }) });
const scope = 'openid profile phone offline_access';

/** What a line of the page stands for. */
const idOf = new Map(
  Object.entries(texts).flatMap(([key, text]) => (key.startsWith('item.') ? [[text, key.slice(5)] as const] : [])),
);

/** A text of the citizen's pages, with whatever date is in it. */
const words = (key: keyof typeof account) => new RegExp(account[key].replace('{date}', '.{4,20}'));

const shownIn = (html: string) => inPage(html, /name="shown" value="([^"]*)"/);

/** Where a request led: out to the app, or to a page of ours. */
type Landed = Awaited<ReturnType<Browser['follow']>>;

describe.each(databaseKinds)('what is shown is what is given [%s]', { timeout: 60_000 }, (kind) => {
  let transmitter: Transmitter;
  let deps: CommandDeps;
  let shop: RelyingParty;
  let office: RelyingParty;
  const people: Known[] = [];
  let used = 0;

  beforeAll(async () => {
    transmitter = await prepareTransmitter(kind);
    const { issuer, database, keyring } = transmitter;
    deps = { db: database.knex, keyring, clock: systemClock };
    await registerReceiver(deps, 'shop', { scope, shimin_first_party: undefined });
    await registerReceiver(deps, 'office', { scope });
    await admitAtLevelOne(deps, 'shop', 'office');
    await transmitter.start();
    [shop, office] = [relyingParty(issuer, 'shop'), relyingParty(issuer, 'office')];
    for (const [number, resident] of residents(20).entries()) people.push(await knownCitizen(deps, resident, number));
  }, 120_000);
  afterAll(async () => {
    await transmitter?.close();
  });

  /** Somebody who has agreed to nothing yet. */
  function anybody(): Known {
    const known = people[used];
    used += 1;
    if (!known) throw new Error('nobody is left');
    return known;
  }

  const asking = (app: RelyingParty, more: Record<string, string>): RelyingParty => ({
    ...app,
    authorizePath: (extra = {}) => app.authorizePath({ ...more, ...extra }),
  });
  const signInTo = (app: RelyingParty, more: Record<string, string>, known: Known) =>
    showPasskey(transmitter.issuer, asking(app, more), known);

  /** What stands in the list of what the app receives, but for what every app receives. */
  const listed = ({ page }: Landed): string[] => idsIn(page?.body ?? '');
  const idsIn = (html: string): string[] =>
    [...inPage(html, /<ul class="receives">([\s\S]*?)<\/ul>/).matchAll(/<li>([\s\S]*?)(?:<span|<\/li>)/g)]
      .map(([, text = '']) => idOf.get(text.trim()) ?? text.trim())
      .filter((id) => id !== 'sub' && id !== 'assurance');

  async function decide(browser: Browser, landed: Landed, decision: 'allow' | 'deny'): Promise<Landed> {
    const html = landed.page?.body ?? '';
    const form = { _csrf: csrfOf(html), shown: shownIn(html), decision };
    const sent = await browser.send('POST', `${landed.at.pathname}/consent`, {
      headers: { origin: transmitter.issuer },
      body: `${new URLSearchParams(form)}`,
    });
    if (sent.location === undefined) throw new Error(`consent: ${sent.status}`);
    const to = new URL(sent.location, transmitter.issuer);
    return to.origin === transmitter.issuer ? browser.follow(to.href) : { outside: to, at: to };
  }

  const codeOf = ({ outside, page }: Landed): string => {
    const code = outside?.searchParams.get('code');
    if (!code) throw new Error(`no code: ${outside?.search ?? page?.body.replace(/<[^>]*>/g, ' ')}`);
    return code;
  };
  const errorOf = ({ outside }: Landed): string | null => outside?.searchParams.get('error') ?? null;

  /** Signs in, and agrees to what the page says. */
  async function agreeTo(more: Record<string, string>, known = anybody()) {
    const { browser, ...landed } = await signInTo(shop, more, known);
    const items = listed(landed);
    const tokens = await shop.exchange(codeOf(await decide(browser, landed, 'allow')));
    return { browser, items, tokens, known };
  }
  const ask = (browser: Browser, more: Record<string, string>) => browser.follow(shop.authorizePath(more));
  const silently = (browser: Browser, more: Record<string, string>) => ask(browser, { ...more, prompt: 'none' });
  const told = async (app: RelyingParty, { access_token }: Pick<Tokens, 'access_token'>) =>
    (await app.userinfo(access_token)).body;
  const auditOf = (accountId: string) =>
    deps.db('audit').where({ account_id: accountId }).orderBy('seq').select('type', 'reason', 'data');

  it('a verified claim that was not on the page does not leave with one that was', async () => {
    const { browser, items, tokens, known } = await agreeTo(userinfo({ verified_claims: verified('name') }));
    expect(items).toEqual(['verified_claims.name']);
    expect((await told(shop, tokens)).verified_claims.claims).toEqual({ name: known.resident.name });

    const more = userinfo({ verified_claims: verified('name', 'birthdate') });
    expect(errorOf(await silently(browser, more))).toBe('consent_required');
    const page = await ask(browser, more);
    expect(listed(page)).toEqual(['verified_claims.birthdate']);
    expect(errorOf(await decide(browser, page, 'deny'))).toBe('access_denied');
    expect(errorOf(await silently(browser, more))).toBe('consent_required');
    const agreed = await shop.exchange(codeOf(await decide(browser, await ask(browser, more), 'allow')));
    expect((await told(shop, agreed)).verified_claims.claims).toEqual({
      name: known.resident.name,
      birthdate: known.resident.birthDate,
    });
    expect((await told(shop, tokens)).verified_claims.claims).toEqual({ name: known.resident.name });
  });

  it('by what a claim was checked is a claim of its own', async () => {
    const wants = (more: object) => userinfo({ verified_claims: { ...verified('name'), verification: more } });
    const { browser, tokens } = await agreeTo(wants({ trust_framework: null, time: null, assurance_level: null }));
    expect(Object.keys((await told(shop, tokens)).verified_claims.verification).sort()).toEqual([
      'assurance_level',
      'time',
      'trust_framework',
    ]);
    const evidence = wants({ trust_framework: null, evidence: [{ type: { value: 'electronic_record' } }] });
    expect(errorOf(await silently(browser, evidence))).toBe('consent_required');
    const page = await ask(browser, evidence);
    expect(listed(page)).toEqual(['verified_claims.evidence']);
    const agreed = await shop.exchange(codeOf(await decide(browser, page, 'allow')));
    expect((await told(shop, agreed)).verified_claims.verification.evidence).toHaveLength(3);
  });

  it('a list of verified claims, or a wish that is no object, is refused before anything is asked', async () => {
    const { browser } = await agreeTo(userinfo({ verified_claims: verified('name') }));
    const lists = [[verified('name'), verified('birthdate')], [], 'name', true].map((list) => ({
      verified_claims: list,
    }));
    for (const claims of [...lists, { name: 'yes' }])
      for (const more of [{}, { prompt: 'none' }])
        expect(errorOf(await ask(browser, { ...userinfo(claims), ...more }))).toBe('invalid_request');
  });

  it('what is asked for in the ID token is asked about like what is asked for at userinfo', async () => {
    const claims = (idToken: object, info: object) => ({
      claims: JSON.stringify({ id_token: idToken, userinfo: info }),
    });
    const { browser, items, tokens, known } = await agreeTo(
      claims({ phone_number: null }, { verified_claims: verified('name') }),
    );
    expect(items).toEqual(['phone_number', 'verified_claims.name']);
    expect(decodeJwt(tokens.id_token)).toMatchObject({ phone_number: known.citizen.phone });
    expect(decodeJwt(tokens.id_token)).not.toHaveProperty('verified_claims');
    expect(await told(shop, tokens)).not.toHaveProperty('phone_number');
    const moved = claims({ verified_claims: verified('name') }, { phone_number: null });
    const again = await shop.exchange(codeOf(await silently(browser, moved)));
    expect(decodeJwt(again.id_token)).toMatchObject({ verified_claims: { claims: { name: known.resident.name } } });
    const wider = claims({ verified_claims: verified('birthdate') }, { verified_claims: verified('name') });
    expect(errorOf(await silently(browser, wider))).toBe('consent_required');
  });

  it('names that nobody here knows are neither shown, asked about nor answered', async () => {
    const strange = {
      claims: JSON.stringify({
        userinfo: {
          ...{ shoe_size: { essential: true }, assurance: null, locale: null, ['__proto__']: null },
          verified_claims: { verification, claims: { name: null, nationalities: null, 'name.birthdate': null } },
        },
        id_token: { sid: null, birthdate: null, evidence: null, 'verified_claims.birthdate': null },
        elsewhere: { phone_number: null },
      }),
    };
    const { browser, items, tokens, known } = await agreeTo(strange);
    expect(items).toEqual(['locale', 'verified_claims.name']);
    const answered = await told(shop, tokens);
    expect(Object.keys(answered).sort()).toEqual([
      ...['acr', 'amr', 'assurance', 'auth_time', 'locale', 'sub', 'verified_claims'],
    ]);
    expect(answered.verified_claims.claims).toEqual({ name: known.resident.name });
    expect(codeOf(await silently(browser, strange))).toMatch(/^[\w-]{43}$/);
  });

  it('an essential claim, or one of a certain value, is no way around the question', async () => {
    const { browser } = await agreeTo(userinfo({ verified_claims: verified('name') }));
    for (const wish of [{ essential: true }, { value: '1990-01-01' }, { values: ['1990-01-01'] }, {}]) {
      const request = userinfo({ verified_claims: { verification, claims: { name: null, birthdate: wish } } });
      expect(errorOf(await silently(browser, request))).toBe('consent_required');
    }
    for (const claims of [{ phone_number: { essential: true } }, { phone_number_verified: null }, { name: null }])
      expect(errorOf(await silently(browser, userinfo(claims)))).toBe('consent_required');
  });

  it('one claim of a scope is not the scope, and a scope is shown as its claims', async () => {
    const { browser, items } = await agreeTo(userinfo({ name: null }));
    expect(items).toEqual(['name']);
    expect(errorOf(await silently(browser, { scope: 'openid profile' }))).toBe('consent_required');
    const page = await ask(browser, { scope: 'openid profile phone' });
    expect(listed(page)).toEqual(['locale', 'phone_number', 'phone_number_verified']);
    const tokens = await shop.exchange(codeOf(await decide(browser, page, 'allow')));
    expect(await told(shop, tokens)).toMatchObject({
      name: expect.any(String),
      locale: 'en',
      phone_number_verified: true,
    });
    // What was agreed to by the scope covers its claims, one by one.
    expect(codeOf(await silently(browser, userinfo({ phone_number: null, locale: null })))).toMatch(/^[\w-]{43}$/);
  });

  it('use while the person is away stands on the page', async () => {
    const { items, tokens } = await agreeTo({ scope: 'openid offline_access', prompt: 'consent' });
    expect(items).toEqual(['offline_access']);
    expect(tokens.refresh_token).toMatch(/^[\w-]{43}$/);
  });

  it('two tabs: agreeing in one gives no more than was shown in it', async () => {
    const { jar, known } = await inTabs();
    const open = async (more: Record<string, string>) => {
      const { at, body, to } = await jar.follow(
        shop.authorizePath(more),
        ({ origin }) => origin !== transmitter.issuer,
      );
      return { at, page: { body }, outside: to === null ? undefined : at };
    };
    const answer = async ({ at, page }: Awaited<ReturnType<typeof open>>, decision: string) => {
      const form = { _csrf: csrfOf(page.body), shown: shownIn(page.body), decision };
      const { to } = await jar.post(`${at.pathname}/consent`, form);
      return jar.follow(`${to?.pathname}${to?.search}`);
    };
    const [small, large] = [userinfo({ verified_claims: verified('name') }), { scope: 'openid phone' }];
    const [first, second] = [await open(small), await open(large)];
    expect(idsIn(first.page.body)).toEqual(['verified_claims.name']);
    expect(idsIn(second.page.body)).toEqual(['phone_number', 'phone_number_verified']);
    const { at } = await answer(first, 'allow');
    const tokens = await shop.exchange(at.searchParams.get('code') ?? '');
    expect((await told(shop, tokens)).verified_claims.claims).toEqual({ name: known.resident.name });
    for (const more of [large, { ...small, ...large }])
      expect((await open({ ...more, prompt: 'none' })).at.searchParams.get('error')).toBe('consent_required');
  });

  /** Signed in, in a browser that keeps the cookies of each tab, with nothing agreed to but the sign-in. */
  async function inTabs() {
    const known = anybody();
    const jar = new Jar(transmitter.issuer);
    const { at, body } = await jar.follow(shop.authorizePath());
    const options = JSON.parse(inPage(body, /data-options="([^"]*)"/));
    const response = JSON.stringify(assertion(known.citizen, { rpId: 'localhost', ...options }, transmitter.issuer));
    const ceremony = inPage(body, /name="ceremony" value="([^"]*)"/);
    await jar.post(`${at.pathname}/passkey/verify`, { _csrf: csrfOf(body), ceremony, response });
    const page = await jar.follow(at.pathname);
    const { to } = await jar.post(`${page.at.pathname}/consent`, { _csrf: csrfOf(page.body), decision: 'allow' });
    const back = await jar.follow(`${to?.pathname}${to?.search}`);
    expect(back.at.searchParams.get('code')).toMatch(/^[\w-]{43}$/);
    return { jar, known };
  }

  it('a page that was shown before consent was taken back does not bring back what it did not show', async () => {
    const { browser, known } = await agreeTo({ scope: 'openid phone' });
    const wide = { scope: 'openid phone profile' };
    const stale = await ask(browser, wide);
    expect(listed(stale)).toEqual(['name', 'locale']);
    await withdraw(browser, 'shop');
    const next = await decide(browser, stale, 'allow');
    expect(listed(next)).toEqual(['phone_number', 'phone_number_verified']);
    const [consent] = await deps.db('consents').where({ account_id: known.accountId, client_id: 'shop' });
    expect(JSON.parse(consent.claims).sort()).toEqual(['locale', 'name']);
  });

  it('a pushed request that is changed on its way to the page is the pushed one', async () => {
    const { browser } = await agreeTo({});
    const pushed = await shop.post('/request', {
      ...Object.fromEntries(new URL(shop.authorizePath(), transmitter.issuer).searchParams),
      ...userinfo({ locale: null }),
    });
    expect(pushed.status).toBe(201);
    const more = { request_uri: pushed.body.request_uri, ...userinfo({ phone_number: null }), scope };
    const page = await browser.follow(`/auth?${new URLSearchParams({ client_id: 'shop', ...more })}`);
    if (page.page === undefined) return expect(errorOf(page)).toBe('invalid_request');
    expect(listed(page)).toEqual(['locale']);
    const tokens = await shop.exchange(codeOf(await decide(browser, page, 'allow')));
    expect(await told(shop, tokens)).not.toHaveProperty('phone_number');
  });

  /** As the citizen does, on the page of their own. */
  async function withdraw(browser: Browser, app: string): Promise<void> {
    const { page } = await browser.follow('/account/apps');
    const sent = await browser.send('POST', `/account/apps/${app}/withdraw`, {
      headers: { origin: transmitter.issuer },
      body: `${new URLSearchParams({ _csrf: csrfOf(page?.body ?? '') })}`,
    });
    expect(sent.status).toBe(303);
  }

  it('taken back: access and refresh tokens, a code, and prompt=none are refused at once', async () => {
    const { browser, tokens, known } = await agreeTo({ ...userinfo({ name: null }), scope: 'openid phone' });
    const code = codeOf(await silently(browser, { scope: 'openid phone' }));
    await withdraw(browser, 'shop');
    const at = Date.now();
    expect((await shop.userinfo(tokens.access_token)).status).toBe(401);
    for (const token of [tokens.access_token, tokens.refresh_token])
      expect(await shop.introspect(token)).toEqual({ active: false });
    for (const form of [
      { grant_type: 'refresh_token', refresh_token: tokens.refresh_token },
      {
        grant_type: 'authorization_code',
        code,
        redirect_uri: 'http://localhost:9/callback',
        code_verifier: 'v'.repeat(43),
      },
    ])
      expect((await shop.post('/token', form)).body.error).toBe('invalid_grant');
    expect(errorOf(await silently(browser, {}))).toBe('consent_required');
    expect(Date.now() - at).toBeLessThan(10_000);
    const line = (await auditOf(known.accountId)).findLast(({ type }) => type === 'consent.withdrawn');
    expect(JSON.parse(line.data)).toEqual({
      scopes: ['openid', 'phone'],
      claims: expect.arrayContaining(['name', 'phone_number', 'phone_number_verified']),
    });
    // Given again, and narrower: what was taken back does not come along.
    const page = await ask(browser, userinfo({ name: null }));
    expect(listed(page)).toEqual(['name']);
    expect(codeOf(await decide(browser, page, 'allow'))).toMatch(/^[\w-]{43}$/);
    expect(errorOf(await silently(browser, { scope: 'openid phone' }))).toBe('consent_required');
  });

  it('what a token was given for is cut down to what is agreed to now: ID token, userinfo, refresh, introspection', async () => {
    const wide = {
      ...userinfo({ verified_claims: verified('name', 'birthdate'), phone_number: null }),
      scope: 'openid phone profile',
    };
    const { tokens, known } = await agreeTo(wide);
    expect(await told(shop, tokens)).toHaveProperty('phone_number');
    const narrower = { scopes: JSON.stringify(['openid']), claims: JSON.stringify(['verified_claims.name']) };
    await deps.db('consents').where({ account_id: known.accountId, client_id: 'shop' }).update(narrower);
    const expected = ['acr', 'amr', 'assurance', 'auth_time', 'sub', 'verified_claims'];
    const check = async ({ access_token, id_token, refresh_token }: Tokens) => {
      const body = await told(shop, { access_token });
      expect(Object.keys(body).sort()).toEqual(expected);
      expect(body.verified_claims.claims).toEqual({ name: known.resident.name });
      for (const token of [access_token, refresh_token]) expect((await shop.introspect(token)).scope).toBe('openid');
      return decodeJwt(id_token);
    };
    await check(tokens);
    const refreshed = await check(await shop.refresh(tokens.refresh_token));
    for (const name of ['name', 'locale', 'phone_number', 'phone_number_verified'])
      expect(refreshed).not.toHaveProperty(name);
  });

  it('a department is not asked about; what it is passed is written down as that, on the page and in the log', async () => {
    const known = anybody();
    const { browser, ...landed } = await signInTo(office, { scope: 'openid phone' }, known);
    const tokens = await office.exchange(codeOf(landed));
    expect(await told(office, tokens)).toMatchObject({ phone_number: known.citizen.phone });
    const passed = () =>
      auditOf(known.accountId).then((rows) => rows.filter(({ type }) => /^(consent|claims)\./.test(type)));
    expect((await passed()).map(({ type, reason }) => [type, reason])).toEqual([
      ['claims.passed_on', 'city_department'],
    ]);
    const own = (await browser.follow('/account/apps')).page?.body ?? '';
    expect(own).toMatch(words('apps.passed_since'));
    expect(own).not.toMatch(words('apps.since'));
    expect(own).toContain(texts['item.phone_number']);
    // More is passed on without a question, and written down; the page says so.
    const more = { ...userinfo({ verified_claims: verified('name') }), scope: 'openid phone', prompt: 'none' };
    const wider = await office.exchange(codeOf(await browser.follow(office.authorizePath(more))));
    expect((await told(office, wider)).verified_claims.claims).toEqual({ name: known.resident.name });
    expect((await browser.follow('/account/apps')).page?.body).toContain(texts['item.verified_claims.name']);
    expect((await browser.follow('/account/activity')).page?.body).toContain(account['event.claims.passed_on']);
    await withdraw(browser, 'office');
    expect((await passed()).map(({ type }) => type)).toEqual([
      'claims.passed_on',
      'claims.passed_on',
      'claims.stopped',
    ]);
    expect((await office.userinfo(wider.access_token)).status).toBe(401);
    // From now on it is asked about like any other: what is given then was agreed to, and no more.
    expect(errorOf(await browser.follow(office.authorizePath(more)))).toBe('consent_required');
    const page = await browser.follow(office.authorizePath({ scope: 'openid phone' }));
    expect(listed(page)).toEqual(['phone_number', 'phone_number_verified']);
    expect(codeOf(await decide(browser, page, 'allow'))).toMatch(/^[\w-]{43}$/);
    expect(errorOf(await browser.follow(office.authorizePath(more)))).toBe('consent_required');
    expect((await browser.follow('/account/apps')).page?.body).toMatch(words('apps.since'));
  });

  it('what a department was passed is no agreement with the company that it becomes', async () => {
    await registerReceiver(deps, 'waterworks', { scope });
    await admitAtLevelOne(deps, 'waterworks');
    const waterworks = relyingParty(transmitter.issuer, 'waterworks');
    const { browser, ...landed } = await signInTo(waterworks, { scope: 'openid phone' }, anybody());
    const tokens = await waterworks.exchange(codeOf(landed));
    expect(await told(waterworks, tokens)).toHaveProperty('phone_number');
    const { shimin_first_party: _, ...metadata } = (await findApp(deps.db, 'waterworks'))?.metadata ?? {};
    await deps
      .db('apps')
      .where({ id: 'waterworks' })
      .update({ metadata: JSON.stringify(metadata) });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await told(waterworks, tokens)).not.toHaveProperty('phone_number');
    expect(decodeJwt((await waterworks.refresh(tokens.refresh_token)).id_token)).not.toHaveProperty('phone_number');
    for (const more of [{ scope: 'openid phone' }, {}])
      expect(errorOf(await browser.follow(waterworks.authorizePath({ ...more, prompt: 'none' })))).toBe(
        'consent_required',
      );
    const page = await browser.follow(waterworks.authorizePath({ scope: 'openid phone' }));
    expect(listed(page)).toEqual(['phone_number', 'phone_number_verified']);
  });

  it('the log names what was agreed to, and no value of it', async () => {
    const { known } = await agreeTo({ ...userinfo({ verified_claims: verified('name') }), scope: 'openid phone' });
    const line = (await auditOf(known.accountId)).find(({ type }) => type === 'consent.given');
    expect(JSON.parse(line.data)).toEqual({
      scopes: ['openid', 'phone'],
      claims: ['phone_number', 'phone_number_verified', 'verified_claims.name'],
    });
  });
});
