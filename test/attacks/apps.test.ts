import { createServer } from 'node:http';
import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { settingsForm } from '../../src/admin/apps-settings-form.ts';
import { settingsOf } from '../../src/commands/app-metadata.ts';
import type { CommandDeps } from '../../src/commands/command.ts';
import { endOwnSessions } from '../../src/commands/end-sessions.ts';
import { revisionOf } from '../../src/commands/manage-app.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { closed, listen } from '../../src/server.ts';
import { findApp } from '../../src/storage/apps.ts';
import {
  admitAtLevelOne,
  type Known,
  knownCitizen,
  parkSignIn,
  type RelyingParty,
  redirectUri,
  relyingParty,
  residents,
  signIn,
} from '../signals/citizens.ts';
import {
  accessToken,
  apiOf,
  caep,
  prepareTransmitter,
  registerReceiver,
  startReceiver,
  type Transmitter,
} from '../signals/support.ts';
import { databaseKinds } from '../support/databases.ts';
import { type Desk, openStaffroom, type Staffroom } from '../support/staff-http.ts';

const other = 'http://localhost:9/other';
const inFour = Object.fromEntries(
  ['zh-Hans', 'zh-Hant', 'en', 'pt'].flatMap((locale) => [
    [`name-${locale}`, 'Receiver'],
    [`purpose-${locale}`, 'to receive'],
  ]),
);
const isDead = { status: 400, body: expect.objectContaining({ error: 'invalid_grant' }) };

describe.each(databaseKinds)('what an app was given ends with what it rested on [%s]', { timeout: 60_000 }, (kind) => {
  let transmitter: Transmitter;
  let deps: CommandDeps;
  let room: Staffroom;
  let wei: Desk;
  let second: Desk;
  let app: RelyingParty;
  const people: Known[] = [];
  const logouts: string[] = [];
  const logoutServer = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      logouts.push(new URLSearchParams(body).get('logout_token') ?? '');
      response.writeHead(200).end();
    });
  });

  beforeAll(async () => {
    transmitter = await prepareTransmitter(kind);
    const { issuer, database, keyring, env } = transmitter;
    deps = { db: database.knex, keyring, clock: systemClock };
    await listen(logoutServer, 0, 'localhost');
    const address = logoutServer.address();
    await registerReceiver(deps, 'receiver', {
      redirect_uris: [redirectUri, other],
      scope: 'openid phone ssf.manage ssf.read',
      backchannel_logout_uri: `http://localhost:${typeof address === 'object' ? address?.port : 0}/logout`,
      backchannel_logout_session_required: true,
    });
    await admitAtLevelOne(deps, 'receiver');
    await transmitter.start();
    room = await openStaffroom({ issuer, env, databaseUrl: env.SHIMIN_DATABASE_URL ?? '' });
    [wei, second] = [await room.desk(['app_admin']), await room.desk(['owner'])];
    app = relyingParty(issuer, 'receiver');
    for (const [number, resident] of residents(6).entries()) people.push(await knownCitizen(deps, resident, number));
  }, 120_000);
  afterAll(async () => {
    await room?.close();
    await transmitter?.close();
    await closed(logoutServer, () => logoutServer.closeAllConnections());
  });

  const person = (number: number): Known => {
    const known = people[number];
    if (!known) throw new Error(`no person ${number}`);
    return known;
  };
  afterEach(async () => {
    await wei.post('/admin/apps/receiver/enable');
  });
  const turn = async (to: 'disable' | 'enable') => {
    const answer = await wei.post(`/admin/apps/receiver/${to}`);
    expect([answer.status, await answer.text()]).toEqual([303, expect.any(String)]);
  };
  const exchange = (code: string, redirect_uri = redirectUri) =>
    app.post('/token', { grant_type: 'authorization_code', code, redirect_uri, code_verifier: 'v'.repeat(43) });
  const refresh = (token: string) => app.post('/token', { grant_type: 'refresh_token', refresh_token: token });

  /** Proposed by one, approved by another, over HTTP. */
  async function change(changes: Record<string, string | string[]>): Promise<void> {
    const found = await findApp(deps.db, 'receiver');
    if (found === null) throw new Error('no app');
    const { values, scopes } = settingsForm(settingsOf(found));
    const form = { ...values, ...inFour, scopes: [...scopes], revision: revisionOf(found), ...changes };
    const posted = await wei.post('/admin/apps/receiver/settings/save', form);
    const page = /^\/admin\/approvals\/[0-9a-f-]{36}/.exec(posted.headers.get('location') ?? '')?.[0];
    if (page === undefined) throw new Error(`nothing proposed: ${posted.status} ${await posted.text()}`);
    const decided = await second.post(`${page}/decide`, { decision: 'approve', revision: '1' });
    expect(decided.headers.get('location')).toContain('done=approved');
  }

  it('switched off and on again: codes, refresh tokens, access tokens and its own tokens stay dead; people sign in anew', async () => {
    const { browser, tokens } = await signIn(transmitter.issuer, app, person(0));
    const { outside } = await browser.follow(app.authorizePath({ prompt: 'none' }));
    const code = outside?.searchParams.get('code') ?? '';
    const own = await accessToken(transmitter.issuer, 'receiver');
    const ssf = () => apiOf(transmitter.issuer, own)('GET', '/ssf/stream');
    expect((await ssf()).status).toBe(200);
    await turn('disable');
    expect(
      (await app.post('/token', { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })).status,
    ).toBe(401);
    expect((await browser.follow(app.authorizePath({ prompt: 'none' }))).page?.status).toBe(400);
    await turn('enable');
    expect(await exchange(code)).toEqual(isDead);
    expect(await refresh(tokens.refresh_token)).toEqual(isDead);
    expect((await app.userinfo(tokens.access_token)).status).toBe(401);
    for (const token of [tokens.access_token, tokens.refresh_token])
      expect(await app.introspect(token)).toEqual({ active: false });
    expect((await ssf()).status).toBe(401);
    const again = await app.again(browser);
    expect((await app.userinfo(again.access_token)).status).toBe(200);
  });

  it('a sign-in that is open when its app is switched off ends in a page, before anything is asked', async () => {
    const { Browser } = await import('../../bench/browser.ts');
    const browser = new Browser(transmitter.issuer);
    const { at, page } = await browser.follow(app.authorizePath());
    expect(page?.status).toBe(200);
    await turn('disable');
    const closedNow = await browser.send('GET', at.pathname);
    expect(closedNow.status).toBe(400);
    expect(closedNow.body).not.toContain('data-options');
    await turn('enable');
  });

  it('what is owed to an app that is off is not lost: sign-outs are told, events wait', async () => {
    const { issuer } = transmitter;
    const receiver = await startReceiver(issuer, 'receiver');
    const api = apiOf(issuer, await accessToken(issuer, 'receiver'));
    const delivery = { method: 'urn:ietf:rfc:8935', endpoint_url: receiver.url };
    expect((await api('POST', '/ssf/stream', { delivery })).status).toBe(201);
    const { accountId } = person(1);
    await signIn(issuer, relyingPartyWith('openid phone'), person(1));
    const before = logouts.length;
    await turn('disable');
    await endOwnSessions(deps, { accountId, which: {}, cause: { requestId: null, clientId: 'account' } });
    await vi.waitFor(() => expect(logouts.length).toBe(before + 1), { timeout: 10_000 });
    expect(decodeJwt(logouts.at(-1) ?? '')).toMatchObject({ aud: 'receiver', sid: expect.any(String) });
    // Made into an event of the stream, and not sent to anybody yet.
    await vi.waitFor(async () => expect(await deps.db('signal_events')).not.toEqual([]), { timeout: 10_000 });
    expect(receiver.effects.size).toBe(0);
    await turn('enable');
    await receiver.next(caep('session-revoked'), 0, 15_000);
    expect(receiver.faults).toEqual([]);
    await receiver.close();
  });

  const relyingPartyWith = (scope: string): RelyingParty => {
    const { authorizePath, ...rest } = relyingParty(transmitter.issuer, 'receiver');
    return { ...rest, authorizePath: (extra = {}) => authorizePath({ scope, ...extra }) };
  };

  it('a redirect address that is taken away: its codes are dead, its open sign-ins end in a page of ours', async () => {
    const { Browser } = await import('../../bench/browser.ts');
    const there = (extra: Record<string, string> = {}) => app.authorizePath({ redirect_uri: other, ...extra });
    const { browser } = await signIn(transmitter.issuer, app, person(2));
    const { outside } = await browser.follow(there({ prompt: 'none' }));
    const code = outside?.searchParams.get('code') ?? '';
    expect(code).not.toBe('');
    const stranger = new Browser(transmitter.issuer);
    const { at } = await stranger.follow(there());
    await change({ redirectUris: redirectUri });
    expect(await exchange(code, other)).toEqual(isDead);
    const page = await stranger.send('GET', at.pathname);
    expect([page.status, page.location]).toEqual([400, undefined]);
    const again = await browser.follow(there({ prompt: 'none' }));
    expect([again.outside, again.page?.status]).toEqual([undefined, 400]);
    // The other address goes on.
    expect((await app.again(browser)).access_token).toMatch(/^[\w.-]{20,}$/);
  });

  it('a scope that is taken away: refresh, userinfo, ID token and introspection know it no more, also once it is given again', async () => {
    const wide = relyingPartyWith('openid phone');
    const { browser, tokens } = await signIn(transmitter.issuer, wide, person(3));
    expect((await app.userinfo(tokens.access_token)).body).toHaveProperty('phone_number');
    const { outside } = await browser.follow(wide.authorizePath({ prompt: 'none' }));
    const code = outside?.searchParams.get('code') ?? '';
    await change({ scopes: ['ssf.manage', 'ssf.read'] });
    expect((await app.userinfo(tokens.access_token)).body).not.toHaveProperty('phone_number');
    expect((await app.introspect(tokens.access_token)).scope).toBe('openid');
    const fromCode = await exchange(code);
    expect([fromCode.status, fromCode.body.scope]).toEqual([200, 'openid']);
    expect(decodeJwt(fromCode.body.id_token)).not.toHaveProperty('phone_number');
    const next = await refresh(tokens.refresh_token);
    expect([next.status, next.body.scope]).toEqual([200, 'openid']);
    const asked = await app.post('/token', {
      ...{ grant_type: 'refresh_token', refresh_token: next.body.refresh_token },
      scope: 'openid phone',
    });
    expect([asked.status, asked.body.error]).toEqual([400, 'invalid_scope']);
    await change({ scopes: ['phone', 'ssf.manage', 'ssf.read'] });
    const later = await refresh(next.body.refresh_token);
    expect([later.status, later.body.scope]).toEqual([200, 'openid']);
    expect((await app.userinfo(later.body.access_token)).body).not.toHaveProperty('phone_number');
  });

  it('a sign-in that asked for a scope that is taken away meanwhile gives no code', async () => {
    const wide = relyingPartyWith('openid phone');
    const { browser, next } = await parkSignIn(transmitter.issuer, wide, person(4));
    await change({ scopes: ['ssf.manage', 'ssf.read'] });
    const { outside } = await browser.follow(next);
    expect(outside?.searchParams.get('error')).toBe('invalid_scope');
    expect(outside?.searchParams.has('code')).toBe(false);
    await change({ scopes: ['phone', 'ssf.manage', 'ssf.read'] });
  });
});
