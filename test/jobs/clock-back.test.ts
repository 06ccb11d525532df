import { createHash, createHmac, randomUUID } from 'node:crypto';
import { decodeJwt, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { arrive, depart, newState } from '../../src/commands/bridge-pending.ts';
import { limits, tryOnce } from '../../src/commands/throttles.ts';
import { housekeep } from '../../src/jobs/housekeeping.ts';
import { systemClock } from '../../src/lib/clock.ts';
import {
  advanceTotp,
  insertTotp,
  replaceRecoveryCodes,
  totpOf,
  useRecoveryCode,
} from '../../src/storage/authenticators.ts';
import type { Db } from '../../src/storage/db.ts';
import { type Api, openApi, type Program } from '../admin-api/support.ts';
import { knownCitizen, redirectUri, relyingParty, residents, showPasskey } from '../signals/citizens.ts';
import { registerReceiver } from '../signals/support.ts';
import { databaseKinds } from '../support/databases.ts';
import { storedAccount } from '../support/rows.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
const demoSecret = 'demo-population-secret';

describe.each(databaseKinds)('a clock that is set back after a clean-up [%s]', { timeout: 60_000 }, (kind) => {
  let api: Api;
  beforeAll(async () => {
    api = await openApi(kind);
  }, 60_000);
  afterAll(() => api?.close());
  afterEach(() => vi.useRealTimers());

  /** The clock goes on for so long, everything that is over is cleared away, and the clock is set back to where it was. */
  async function thereAndBack(ms: number): Promise<void> {
    const from = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: from + ms });
    await cleanUp(api.db);
    vi.setSystemTime(from);
  }
  async function cleanUp(db: Db): Promise<void> {
    await housekeep({ db, clock: systemClock, also: async () => undefined });
  }

  async function signed(header: Record<string, unknown>, claims: JWTPayload, key: CryptoKey): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', ...header }).sign(key);
  }
  const now = () => Math.floor(Date.now() / 1000);

  async function token(body: Record<string, string>, headers: Record<string, string> = {}) {
    const response = await fetch(`${api.issuer}/token`, { method: 'POST', headers, body: new URLSearchParams(body) });
    return { status: response.status, body: await response.json() };
  }

  it('a client assertion that was used is not taken again', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const id = `keyed-${randomUUID().slice(0, 8)}`;
    await registerReceiver(api.deps, id, {
      client_secret: undefined,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }] },
    });
    const claims = { iss: id, sub: id, aud: api.issuer, jti: randomUUID(), iat: now(), exp: now() + 120 };
    const assertion = {
      grant_type: 'client_credentials',
      scope: 'ssf.read',
      client_id: id,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await signed({ kid: 'k' }, claims, privateKey),
    };
    expect((await token(assertion)).status).toBe(200);
    await thereAndBack(30 * minute);
    expect(await token(assertion)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  /** An app shows a DPoP proof of its own, as often as wanted. */
  async function prover(ahead: number) {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const id = `bound-${randomUUID().slice(0, 8)}`;
    await registerReceiver(api.deps, id, {
      token_endpoint_auth_method: 'client_secret_post',
      client_secret: 's'.repeat(43),
    });
    const claims = { jti: randomUUID(), htm: 'POST', htu: `${api.issuer}/token`, iat: now() + ahead };
    const dpop = await signed({ typ: 'dpop+jwt', jwk: await exportJWK(publicKey) }, claims, privateKey);
    return () =>
      token(
        { grant_type: 'client_credentials', scope: 'ssf.read', client_id: id, client_secret: 's'.repeat(43) },
        { dpop },
      );
  }
  const replayed = { status: 400, body: { error: 'invalid_grant' } };

  it('a DPoP proof that was used is not taken again', async () => {
    const ask = await prover(0);
    expect(await ask()).toMatchObject({ status: 200, body: { token_type: 'DPoP' } });
    await thereAndBack(30 * minute);
    expect(await ask()).toMatchObject(replayed);
  });

  it('a DPoP proof that is dated ahead is taken once for as long as it is good (RFC 9449 11.1)', async () => {
    const ask = await prover(290);
    expect(await ask()).toMatchObject({ status: 200, body: { token_type: 'DPoP' } });
    // Five minutes from when it was shown, which is when the engine would forget it; its own time allows five more.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 302_000 });
    await cleanUp(api.db);
    expect(await ask()).toMatchObject(replayed);
  });

  it('a notice of the register that was heard is not heard again', async () => {
    const body = JSON.stringify({
      document_type: 'cn_resident_id',
      document_number: '440305198806151219',
      status: 'active',
    });
    const path = '/notifications/population';
    const [timestamp, nonce] = [String(now()), randomUUID()];
    const digest = createHash('sha256').update(body).digest('hex');
    const signature = createHmac('sha256', demoSecret)
      .update(['POST', path, timestamp, nonce, digest].join('\n'))
      .digest('hex');
    const say = () =>
      fetch(`${api.issuer}${path}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-client-id': 'shimin-demo',
          'x-timestamp': timestamp,
          'x-nonce': nonce,
          'x-signature': signature,
        },
        body,
      });
    expect((await say()).status).toBe(204);
    await thereAndBack(30 * minute);
    const again = await say();
    expect([again.status, await again.json()]).toMatchObject([401, { error: 'nonce_replayed' }]);
  });

  it('a key of the Admin API under which something was done does it no second time', async () => {
    const ana = await api.program(['assurance_admin']);
    const key = randomUUID();
    const ask = (program: Program) =>
      program('post', '/sources/sms/switch', { body: { enabled: false, reason: 'costs' }, key });
    const first = await ask(ana);
    expect(first.status).toBe(201);
    await thereAndBack(day + 30 * minute);
    // Its token went with the clean-up.
    const again = await ask(api.with((await api.token(ana.id)).body.access_token));
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body.id).toBe(first.body.id);
  });

  it('an authorization code that was used is not taken again', async () => {
    const id = `coded-${randomUUID().slice(0, 8)}`;
    await registerReceiver(api.deps, id);
    const app = relyingParty(api.issuer, id);
    const [resident] = residents(1);
    if (!resident) throw new Error('nobody');
    const { outside } = await showPasskey(api.issuer, app, await knownCitizen(api.deps, resident, 1));
    const code = outside?.searchParams.get('code') ?? '';
    expect(decodeJwt((await app.exchange(code)).id_token).iss).toBe(api.issuer);
    await thereAndBack(30 * minute);
    const again = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: 'v'.repeat(43) };
    expect(await app.post('/token', again)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  it('a lock stays shut until it said it would open', async () => {
    const who = randomUUID();
    const one = () => tryOnce(api.deps, 'recoveryAccount', who);
    for (let n = 0; n < limits.recoveryAccount.limit; n += 1) expect((await one()).allowed).toBe(true);
    expect((await one()).allowed).toBe(false);
    await thereAndBack(limits.recoveryAccount.lockSec * 1000 + 30 * minute);
    expect((await one()).allowed).toBe(false);
  });

  it('tries that were counted in a window count on', async () => {
    const who = randomUUID();
    const one = () => tryOnce(api.deps, 'passwordTarget', who);
    for (let n = 0; n < limits.passwordTarget.limit; n += 1) expect((await one()).allowed).toBe(true);
    await thereAndBack(limits.passwordTarget.windowSec * 1000 + 30 * minute);
    expect((await one()).allowed).toBe(false);
  });

  it('a step of an authenticator app and a recovery code that were used are not taken again', async () => {
    const { id: accountId } = await storedAccount(api.db);
    const at = systemClock();
    await insertTotp(api.db, { id: randomUUID(), accountId, sealedSecret: 's', lastStep: 1, confirmedAt: at });
    await replaceRecoveryCodes(api.db, accountId, ['hash'], at);
    const totp = (await totpOf(api.db, accountId))?.id ?? '';
    expect(await advanceTotp(api.db, totp, 100)).toBe(true);
    expect(await useRecoveryCode(api.db, accountId, 'hash', at)).toBe(true);
    await thereAndBack(30 * minute);
    expect(await advanceTotp(api.db, totp, 100)).toBe(false);
    expect(await useRecoveryCode(api.db, accountId, 'hash', systemClock())).toBe(false);
  });

  it('a departure to another service that was taken back is not taken again', async () => {
    const state = newState();
    const whose = { bridge: 'wechat', bound: 'request', browser: 'browser', accountId: null };
    await depart(api.deps, state, { ...whose, to: '/there', keep: null, waiting: null });
    expect(await arrive(api.deps, state, whose)).toMatchObject({ to: '/there' });
    await thereAndBack(60 * minute);
    expect(await arrive(api.deps, state, whose)).toBeNull();
  });

  it('what was only pending and is over stays over', async () => {
    const state = newState();
    const whose = { bridge: 'wechat', bound: 'request', browser: 'browser', accountId: null };
    await depart(api.deps, state, { ...whose, to: '/there', keep: null, waiting: null });
    await thereAndBack(60 * minute);
    expect(await arrive(api.deps, state, whose)).toBeNull();
  });

  it('what outlives the margin is cleared away', async () => {
    await tryOnce(api.deps, 'qrTicket', randomUUID());
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3 * day });
    await cleanUp(api.db);
    const rows = async (table: string) => (await api.db(table)).length;
    expect([await rows('throttles'), await rows('idempotency'), await rows('oidc_replays')]).toEqual([0, 0, 0]);
  });
});
