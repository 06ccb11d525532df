import { randomUUID } from 'node:crypto';
import { importJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerReplay } from '../../src/oidc/provider.ts';
import { type Opened, openPostgres, openSqlite } from './oidc-models-databases.ts';
import {
  authorizePath,
  Browser,
  clientKey,
  models,
  onReplay,
  post,
  redeem,
  refresh,
  type Served,
  serve,
  signIn,
} from './oidc-models-support.ts';

type Answer = Awaited<ReturnType<typeof redeem>>;

const rounds = 50;
const parallel = 20;

describe.each([
  ['sqlite', openSqlite],
  ['postgres', openPostgres],
])('a real provider over HTTP on %s', (kind, open) => {
  let opened: Opened;
  let served: Served;
  let browser: Browser;
  beforeAll(async () => {
    opened = await open();
    served = await serve(models(opened.database));
    browser = new Browser(served.issuer);
  }, 120_000);
  afterAll(async () => {
    await served.close();
    await opened.stop();
  });

  const wins = (answers: Answer[]) => answers.filter((answer) => answer.status === 200);
  const active = async (token: string | undefined) =>
    (await post(served.issuer, '/token/introspection', { token: token ?? '' })).json.active as unknown;

  test('twenty parallel redemptions of one code: one wins, and the grant is revoked (A01, A02, B-13, B-14)', async () => {
    for (let round = 0; round < rounds; round += 1) {
      const code = await signIn(new Browser(served.issuer));
      const answers = await Promise.all(Array.from({ length: parallel }, () => redeem(served.issuer, code)));
      expect(wins(answers)).toHaveLength(1);
      expect(answers.filter((answer) => answer.json.error === 'invalid_grant')).toHaveLength(parallel - 1);
      expect(await active(wins(answers)[0]?.json.access_token)).toBe(false);
    }
  }, 240_000);

  test('twenty parallel uses of one refresh token: one wins, and the family is dead (A13, B-19)', async () => {
    for (let round = 0; round < rounds; round += 1) {
      const first = await redeem(served.issuer, await signIn(new Browser(served.issuer)));
      const token = first.json.refresh_token ?? '';
      const answers = await Promise.all(Array.from({ length: parallel }, () => refresh(served.issuer, token)));
      expect(wins(answers)).toHaveLength(1);
      expect(answers.filter((answer) => answer.json.error === 'invalid_grant')).toHaveLength(parallel - 1);
      const heir = await refresh(served.issuer, wins(answers)[0]?.json.refresh_token ?? '');
      expect(heir.json.error).toBe('invalid_grant');
      expect(await active(first.json.access_token)).toBe(false);
    }
  }, 240_000);

  test('twenty parallel uses of one client assertion: one wins (A10)', async () => {
    const key = await importJWK(clientKey, 'ES256');
    for (let round = 0; round < rounds; round += 1) {
      const assertion = await new SignJWT({ jti: randomUUID() })
        .setProtectedHeader({ alg: 'ES256', kid: 'client' })
        .setIssuer('machine')
        .setSubject('machine')
        .setAudience(served.issuer)
        .setIssuedAt()
        .setExpirationTime('1m')
        .sign(key);
      const body = {
        grant_type: 'client_credentials',
        client_assertion: assertion,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      };
      const answers = await Promise.all(
        Array.from({ length: parallel }, () => post(served.issuer, '/token', body, {})),
      );
      expect(wins(answers)).toHaveLength(1);
    }
  }, 240_000);

  test('a second node sees at once what the first has used', async () => {
    const other = await serve(models(opened.again()));
    const code = await signIn(new Browser(served.issuer));
    expect((await redeem(served.issuer, code)).status).toBe(200);
    expect((await redeem(other.issuer, code)).json.error).toBe('invalid_grant');
    await other.close();
  });

  test('one session signs in to two apps at once and both codes are good', async () => {
    await signIn(browser);
    for (let round = 0; round < 10; round += 1) {
      const codes = await Promise.all([signIn(browser), signIn(browser, 'second')]);
      const answers = await Promise.all([redeem(served.issuer, codes[0]), redeem(served.issuer, codes[1], 'second')]);
      expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
    }
  });

  test('a dump holds no token, code, cookie or request that was issued', async () => {
    const issued: string[] = [];
    const guest = new Browser(served.issuer);
    const pushed = await post(served.issuer, '/request', {
      ...Object.fromEntries(new URLSearchParams(authorizePath('app', { login_hint: 'hint-to-keep-out' }).slice(6))),
    });
    issued.push(pushed.json.request_uri?.split(':').at(-1) ?? '');
    // An interaction that nobody finishes keeps the whole request.
    const response = await fetch(new URL(authorizePath('app', { login_hint: 'hint-to-keep-out' }), served.issuer), {
      redirect: 'manual',
    });
    issued.push(response.headers.get('location')?.split('/').at(-1) ?? '');
    const code = await signIn(guest);
    const tokens = await redeem(served.issuer, code);
    const next = await refresh(served.issuer, tokens.json.refresh_token ?? '');
    issued.push(code, ...[...guest.cookies.values()].filter(Boolean), 'hint-to-keep-out');
    for (const answer of [tokens, next]) issued.push(answer.json.access_token ?? '', answer.json.refresh_token ?? '');
    const anew = await guest.follow(authorizePath('app', { prompt: 'login' }));
    issued.push(anew.searchParams.get('code') ?? '', ...[...guest.cookies.values()].filter(Boolean));
    const dump = JSON.stringify([
      await opened.database.knex('oidc_models'),
      await opened.database.knex('oidc_replays'),
    ]);
    expect(issued.length).toBeGreaterThan(8);
    for (const value of issued) {
      expect(value.length).toBeGreaterThan(10);
      expect(dump, kind).not.toContain(value);
    }
  });

  test('the engine reads and writes little: the statements of each flow', async () => {
    const counts: Record<string, string[]> = {};
    let flow = '';
    const { oidcModels } = await import('../../src/storage/oidc-models.ts');
    const counting = await serve(
      oidcModels(opened.database, {
        onReplay,
        answerReplay,
        onStatement: (statement, name) => {
          counts[flow] = [...(counts[flow] ?? []), `${statement} ${name}`];
        },
      }),
    );
    const citizen = new Browser(counting.issuer);
    flow = 'first';
    await signIn(citizen);
    flow = 'authorize';
    const code = await signIn(citizen);
    flow = 'token';
    const tokens = await redeem(counting.issuer, code);
    flow = 'userinfo';
    await post(counting.issuer, '/me', {}, { authorization: `Bearer ${tokens.json.access_token}` });
    flow = 'refresh';
    await refresh(counting.issuer, tokens.json.refresh_token ?? '');
    await counting.close();
    expect(counts.authorize?.length).toBe(3);
    expect(counts.token?.length).toBe(2);
    expect(counts.userinfo?.length).toBe(1);
    expect(counts.refresh?.length).toBe(2);
  });
});
