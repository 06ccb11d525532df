import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openIdProvider } from '../../simulators/oidc/provider.ts';
import { type TokenFault, tokenFaults } from '../../simulators/oidc/tokens.ts';
import type { BridgeStart } from '../../src/bridges/bridge.ts';
import { oidcBridge } from '../../src/bridges/oidc.ts';
import { createUpstream } from '../../src/lib/upstream.ts';

let server: Server;
let origin = '';
const people = [
  {
    sub: 'mo-1',
    label: '何家輝',
    acr: 'verified',
    amr: ['pwd', 'otp'],
    claims: { name: '何家輝', document_type: 'mo_bir', document_number: '1234567(8)', birthdate: '1985-03-02' },
  },
  {
    sub: 'mo-3',
    label: '林小明',
    acr: 'verified',
    amr: ['pwd'],
    untold: true,
    claims: { name: '林小明', acr: 'verified', amr: ['pwd', 'otp'], auth_time: Math.floor(Date.now() / 1000) },
  },
  { sub: 'mo-2', label: '陳美儀', acr: 'registered', amr: ['pwd'], claims: { name: '陳美儀' } },
];

beforeAll(async () => {
  const provider = await openIdProvider({
    prefix: '/macao',
    title: '一戶通（模擬）',
    origin: () => origin,
    client: { id: 'shimin', secret: 'a-secret-of-the-simulated-provider' },
    redirectHosts: ['localhost'],
    levels: ['registered', 'verified'],
    people,
  });
  const app = new Koa();
  app.silent = true;
  app.use(provider.router.routes());
  server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  origin = `http://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
const control = (body: object) => fetch(`${origin}/macao/_control`, { method: 'PUT', body: JSON.stringify(body) });
const person = (sub: string, body: object) =>
  fetch(`${origin}/macao/_control/people/${sub}`, { method: 'PUT', body: JSON.stringify(body) });
afterEach(async () => {
  await control({ fault: 'none' });
  for (const { sub } of people) await person(sub, {});
});

function bridge(more: Partial<Parameters<typeof oidcBridge>[0]> = {}) {
  return oidcBridge({
    issuer: `${origin}/macao`,
    clientId: 'shimin',
    clientSecret: 'a-secret-of-the-simulated-provider',
    scope: 'openid profile',
    algorithm: 'ES256',
    asksLevel: true,
    allowLoopback: true,
    timeoutMs: 600,
    upstream: createUpstream('macao', { breakAfter: 1_000 }),
    claims: ({ name, document_type: documentType, document_number: documentNumber, birthdate }) => ({
      ...(typeof name === 'string' ? { name } : {}),
      ...(typeof documentType === 'string' ? { documentType } : {}),
      ...(typeof documentNumber === 'string' ? { documentNumber } : {}),
      ...(typeof birthdate === 'string' ? { birthDate: birthdate } : {}),
      category: 'macao',
    }),
    ...more,
  });
}

const request: BridgeStart = {
  redirectUri: 'http://localhost:1/bridge/macao/callback',
  state: 'a'.repeat(32),
  level: null,
  locale: 'zh-Hant',
  fresh: false,
  sameDevice: true,
  input: {},
};

/** What the browser does there: chooses a person, and is sent back. */
async function visit(url: string, sub: string): Promise<URL> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams({ person: sub }), redirect: 'manual' });
  expect(response.status).toBe(303);
  return new URL(response.headers.get('location') ?? '');
}

async function signIn(sub = 'mo-1', more: Partial<BridgeStart> = {}, own = bridge()) {
  const started = await own.start({ ...request, ...more });
  if (started.outcome !== 'started') throw new Error('not started');
  const callback = await visit(started.url, sub);
  return { own, callback, keep: structuredClone(started.keep), result: () => own.finish(callback, started.keep) };
}

describe('a sign-in there', () => {
  it('says nothing of how and when that only userinfo, which nobody signed, says', async () => {
    const heard: Readonly<Record<string, unknown>>[] = [];
    const own = bridge({
      claims: (claims) => {
        heard.push(claims);
        return { name: String(claims.name) };
      },
    });
    const found = await (await signIn('mo-3', {}, own)).result();
    expect(found).toMatchObject({ outcome: 'identified', identity: { claims: { name: '林小明' } } });
    expect(found).toMatchObject({ identity: { level: null, methods: [], authTime: null } });
    expect(heard).toMatchObject([{ acr: undefined, amr: undefined, auth_time: undefined }]);
  });

  it('says who, how strongly and when, and what is known of them', async () => {
    const { result } = await signIn();
    const found = await result();

    expect(found).toMatchObject({
      outcome: 'identified',
      identity: {
        subjects: [{ part: 'sub', of: [`${origin}/macao`, 'shimin', 'mo-1'] }],
        level: 'verified',
        methods: ['pwd', 'otp'],
        claims: {
          name: '何家輝',
          documentType: 'mo_bir',
          documentNumber: '1234567(8)',
          birthDate: '1985-03-02',
          category: 'macao',
        },
      },
    });
    const at = found.outcome === 'identified' ? found.identity.authTime : null;
    expect(Math.abs((at?.getTime() ?? 0) - Date.now())).toBeLessThan(5_000);
  });

  it('the page there is in the person’s language and carries what the standard asks for', async () => {
    const started = await bridge().start({ ...request, level: 'verified', fresh: true });
    if (started.outcome !== 'started') throw new Error('not started');
    const query = new URL(started.url).searchParams;
    expect(Object.fromEntries(query)).toMatchObject({
      state: request.state,
      prompt: 'login',
      max_age: '0',
      ui_locales: 'zh-Hant',
      code_challenge_method: 'S256',
      claims: JSON.stringify({ id_token: { acr: { essential: true, values: ['verified'] } } }),
    });
    expect(query.get('nonce')?.length).toBeGreaterThan(20);
    expect(await (await fetch(started.url)).text()).toContain('一戶通');
    const quiet = await bridge({ asksLevel: false }).start({ ...request, level: 'verified' });
    expect(quiet.outcome === 'started' && quiet.url).not.toContain('claims=');
  });

  it('keys that were rotated there are taken up', async () => {
    const own = bridge();
    expect((await (await signIn('mo-1', {}, own)).result()).outcome).toBe('identified');
    await fetch(`${origin}/macao/_control/rotate`, { method: 'POST' });
    expect((await (await signIn('mo-1', {}, bridge())).result()).outcome).toBe('identified');
  });

  it('a level that the person does not have there is no sign-in, and one that sank is told as it is', async () => {
    expect(await (await signIn('mo-2', { level: 'verified' })).result()).toMatchObject({
      outcome: 'refused',
      reason: 'denied',
    });
    await person('mo-1', { acr: 'registered' });
    expect(await (await signIn('mo-1')).result()).toMatchObject({ identity: { level: 'registered' } });
  });
});

/** Each fault, and that it is refused for what it is. */
const reasons: Readonly<Record<Exclude<TokenFault, 'replay'> | 'auth_time_future' | 'not_fresh', RegExp>> = {
  iss: /"iss"/,
  aud: /"aud"/,
  aud_twice: /additional untrusted audiences/,
  azp: /"azp"/,
  expired: /"exp"/,
  iat_future: /iat is in the future/,
  nonce: /"nonce"/,
  nonce_missing: /"nonce".*missing/,
  alg_none: /"alg"/,
  hs256: /"alg"/,
  kid_unknown: /no applicable keys/,
  signature: /signature verification failed/,
  sub_missing: /"sub".*missing/,
  auth_time_future: /auth_time is in the future/,
  not_fresh: /not signed in anew/,
};

describe('D09: each fault of an ID token is refused, for what it is', () => {
  it('all that the simulator can play are in the table', () => {
    expect(Object.keys(reasons).toSorted()).toEqual(tokenFaults.filter((fault) => fault !== 'replay').toSorted());
  });
  it.each(Object.entries(reasons))('%s', async (fault, reason) => {
    const { result } = await signIn('mo-1', { fresh: true });
    expect((await result()).outcome).toBe('identified');
    await control({ fault });
    const spoilt = await (await signIn('mo-1', { fresh: true })).result();
    expect(spoilt).toMatchObject({ outcome: 'refused', reason: 'answer_invalid' });
    const cause = spoilt.outcome === 'refused' ? spoilt.cause : null;
    expect(`${cause} ${cause instanceof Error ? cause.cause : ''}`).toMatch(reason);
  });
  it('replay: the token of the sign-in before', async () => {
    expect((await (await signIn('mo-1')).result()).outcome).toBe('identified');
    await control({ fault: 'replay' });
    expect(await (await signIn('mo-1')).result()).toMatchObject({ outcome: 'refused', reason: 'answer_invalid' });
  });
  it.each(['userinfo_sub', 'iss_parameter', 'state'])('%s', async (fault) => {
    await control({ fault });
    expect(await (await signIn()).result()).toMatchObject({ outcome: 'refused', reason: 'answer_invalid' });
  });
});

describe('callbacks', () => {
  it('D08: a second time, by the same or another process, has no effect', async () => {
    const { own, callback, keep, result } = await signIn();
    expect((await result()).outcome).toBe('identified');
    expect(await own.finish(callback, keep)).toMatchObject({ outcome: 'refused', reason: 'expired' });
    expect(await bridge().finish(callback, keep)).toMatchObject({ outcome: 'refused', reason: 'expired' });
  });
  it('in parallel: one of many', async () => {
    const { own, callback, keep } = await signIn();
    const all = await Promise.all(Array.from({ length: 8 }, () => own.finish(callback, keep)));
    expect(all.filter(({ outcome }) => outcome === 'identified')).toHaveLength(1);
  });
  it('D07: a code of another sign-in does not fit this one', async () => {
    const theirs = await signIn('mo-2');
    const ours = await signIn('mo-1', { state: 'b'.repeat(32) });
    const swapped = new URL(ours.callback);
    swapped.searchParams.set('code', theirs.callback.searchParams.get('code') ?? '');
    expect(await ours.own.finish(swapped, ours.keep)).toMatchObject({ outcome: 'refused', reason: 'expired' });
    expect(await ours.own.finish(theirs.callback, ours.keep)).toMatchObject({
      outcome: 'refused',
      reason: 'answer_invalid',
    });
  });
  it.each(['code', 'state', 'iss'])('without %s', async (name) => {
    const { own, callback, keep } = await signIn();
    callback.searchParams.delete(name);
    expect(await own.finish(callback, keep)).toMatchObject({ outcome: 'refused', reason: 'answer_invalid' });
  });
});

describe('the person or the provider says no', () => {
  it('cancelled, disabled, not for us, out of order', async () => {
    expect(await (await signIn('')).result()).toMatchObject({ outcome: 'refused', reason: 'cancelled' });
    await person('mo-1', { disabled: true });
    expect(await (await signIn('mo-1')).result()).toMatchObject({ outcome: 'refused', reason: 'denied' });
    await control({ fault: 'denied' });
    expect(await (await signIn('mo-2')).result()).toMatchObject({ outcome: 'refused', reason: 'denied' });
    await control({ fault: 'server_error' });
    expect(await (await signIn('mo-2')).result()).toMatchObject({ outcome: 'unavailable' });
  });
  it('disabled between sign-in and userinfo: nobody', async () => {
    const { result } = await signIn();
    await person('mo-1', { disabled: true });
    expect((await result()).outcome).toBe('refused');
  });
  it('our own secret is wrong: refused, and not the person’s fault to try again', async () => {
    const { result } = await signIn('mo-1', {}, bridge({ clientSecret: 'another' }));
    expect(await result()).toMatchObject({ outcome: 'refused', reason: 'denied' });
  });
});

describe('the line fails', () => {
  it.each(['down', 'hang', 'http500', 'garbage', 'empty'])(
    '%s: unavailable, at the start and at the end',
    async (fault) => {
      const { result } = await signIn();
      await control({ fault });
      expect((await bridge().start(request)).outcome).toBe('unavailable');
      expect(await result()).toMatchObject({ outcome: 'unavailable' });
      await control({ fault: 'none' });
      expect((await bridge().start(request)).outcome).toBe('started');
    },
  );
  it('slow but in time is fine', async () => {
    await control({ fault: 'slow', delayMs: 50 });
    expect((await (await signIn()).result()).outcome).toBe('identified');
  });
});
