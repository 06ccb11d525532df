import Router from '@koa/router';
import type { Context } from 'koa';
import { escapeHtml, fieldsOf, page, readBody, readJson, text } from '../lib/http.ts';
import type { UpstreamFactory } from '../lib/upstream.ts';
import { type Account, accountsOf, LOA, personInfo, subAttributes } from './accounts.ts';
import { singpassFaults, type TokenFault } from './faults.ts';
import { type SignIn, signIns, tokenClaims } from './flow.ts';
import { metadataOf } from './metadata.ts';
import { proofChecks } from './proofs.ts';
import { requestFault } from './pushed.ts';
import { clientKeys, demoPrivateKeys, type Registration, registrations } from './registration.ts';
import { encryptTo, signingKeys, spoil } from './tokens.ts';

const prefix = '/singpass';
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const steps = ['announce', 'switch', 'drop'] as const;

/** Singpass by its FAPI 2.0 profile (reference 3.1), as strict as the real one and more than mockpass. */
export const singpassUpstream: UpstreamFactory = async ({ origin, people, returnHosts }) => {
  const router = new Router({ prefix });
  const now = () => Math.floor(Date.now() / 1000);
  const faults = singpassFaults();
  const keys = await signingKeys();
  const ofApp = clientKeys(now);
  const proofs = proofChecks(now);
  const flow = signIns(now, faults);
  const accounts = accountsOf(people);
  const disabled = new Set<string>();
  const lowered = new Map<string, 1 | 2 | 3>();
  const issuer = () => `${origin()}${prefix}/fapi`;
  let oldToken: string | null = null;

  router.get('/_control', (ctx) => {
    ctx.body = { fault: faults.now(), people: accounts.map(({ personId, uuid }) => ({ id: personId, uuid })) };
  });
  router.put('/_control', async (ctx) => {
    if (!faults.set(await readJson(ctx))) return answer(ctx, 400, { error: 'invalid' });
    answer(ctx, 200, { fault: faults.now() });
  });
  router.post('/_control/rotate', async (ctx) => {
    const { step: wanted } = fieldsOf(await readJson(ctx));
    await keys.rotate(steps.find((step) => step === wanted) ?? 'switch');
    answer(ctx, 200, keys.jwks());
  });
  router.put('/_control/client', async (ctx) => {
    const fault = ofApp.register(await readJson(ctx));
    answer(ctx, fault === null ? 200 : 400, { fault });
  });
  router.put('/_control/people/:id', async (ctx) => {
    const { disabled: closed, acr } = fieldsOf(await readJson(ctx));
    const id = String(ctx.params.id);
    if (closed === true) disabled.add(id);
    else disabled.delete(id);
    const level = ([1, 2, 3] as const).find((each) => LOA(each) === acr);
    if (level) lowered.set(id, level);
    else lowered.delete(id);
    answer(ctx, 200, { id, disabled: disabled.has(id), acr: level ? LOA(level) : null });
  });

  router.use(faults.line.middleware((ctx) => !ctx.path.startsWith(`${prefix}/_control`)));

  router.get('/fapi/.well-known/openid-configuration', (ctx) => {
    answer(ctx, 200, metadataOf(issuer()));
  });
  router.get('/fapi/.well-known/keys', (ctx) => {
    answer(ctx, 200, keys.jwks());
  });

  router.post('/fapi/par', async (ctx) => {
    const fields = new URLSearchParams((await readBody(ctx)) ?? '');
    const app = await authenticated(fields);
    if (typeof app === 'string') return answer(ctx, 401, { error: 'invalid_client', error_description: app });
    const proof = await proofs.dpop(ctx.get('dpop'), { method: 'POST', url: `${issuer()}/par` });
    const jkt = 'jkt' in proof ? proof.jkt : ctx.get('dpop') === '' ? fields.get('dpop_jkt') : null;
    if (!jkt) return answer(ctx, 400, { error: 'invalid_dpop_proof', error_description: faultOf(proof) });
    const wrong = requestFault(fields, app, returnHosts);
    if (wrong !== null) return answer(ctx, 400, wrong);
    const field = (name: string) => fields.get(name) ?? '';
    const request_uri = flow.push({
      app,
      state: field('state'),
      nonce: field('nonce'),
      redirectUri: field('redirect_uri'),
      challenge: field('code_challenge'),
      scopes: field('scope').split(' '),
      levels: field('acr_values').split(' ').filter(Boolean),
      jkt,
    });
    answer(ctx, 201, { request_uri, expires_in: flow.lifetime });
  });

  router.get('/fapi/auth', (ctx) => {
    const known = pushedOf(ctx);
    if (known === null) return;
    if (!known.good) return goBack(ctx, known.signIn, { error: 'invalid_request_uri' });
    const button = ({ personId, name, type }: Account) =>
      `<button name="person" value="${escapeHtml(personId)}"><strong>${escapeHtml(name)}</strong>${type === 'foreign' ? ' (foreign account)' : ''}</button>`;
    ctx.type = 'html';
    ctx.body = page(
      'Singpass（模拟）',
      `<h1>Singpass</h1><p>Simulated: who are you?</p><form method="post" action="${escapeHtml(ctx.url)}">${accounts.map(button).join('')}<button name="person" value="">Cancel</button></form>`,
      'en',
    );
  });

  router.post('/fapi/auth', async (ctx) => {
    const chosen = new URLSearchParams((await readBody(ctx)) ?? '').get('person');
    const known = pushedOf(ctx);
    if (known === null) return;
    flow.close(text(ctx.query.request_uri));
    const account = accounts.find(({ personId }) => personId === chosen);
    const error = known.good ? errorFor(account) : 'invalid_request_uri';
    if (error !== null || account === undefined) return goBack(ctx, known.signIn, { error: error ?? 'access_denied' });
    const most = lowered.get(account.personId) ?? account.level;
    goBack(ctx, known.signIn, { code: flow.newCode(known.signIn, account, most) });
  });

  router.post('/fapi/token', async (ctx) => {
    const fields = new URLSearchParams((await readBody(ctx)) ?? '');
    const field = (name: string) => fields.get(name) ?? '';
    const app = await authenticated(fields);
    if (typeof app === 'string') return answer(ctx, 401, { error: 'invalid_client', error_description: app });
    if (field('grant_type') !== 'authorization_code') return answer(ctx, 400, { error: 'unsupported_grant_type' });
    const proof = await proofs.dpop(ctx.get('dpop'), { method: 'POST', url: `${issuer()}/token` });
    if (!('jkt' in proof)) return answer(ctx, 400, { error: 'invalid_dpop_proof', error_description: faultOf(proof) });
    const by = { app, redirectUri: field('redirect_uri'), verifier: field('code_verifier') };
    const signIn = flow.redeem(field('code'), by);
    if (!signIn)
      return answer(ctx, 400, { error: 'invalid_grant', error_description: 'code is unknown, used or too old' });
    if (signIn.jkt !== proof.jkt) return answer(ctx, 400, { error: 'invalid_dpop_proof' });
    const recipient = await ofApp.encryptionKey();
    if (recipient === null)
      return answer(ctx, 400, { error: 'invalid_request', error_description: 'JWKS unreachable' });
    const access = await keys.sign(
      {
        iss: issuer(),
        aud: issuer(),
        sub: signIn.account.uuid,
        iat: now(),
        exp: now() + 1800,
        cnf: { jkt: proof.jkt },
      },
      null,
    );
    flow.keepToken(access, signIn);
    answer(ctx, 200, {
      access_token: access,
      token_type: faults.plays('bearer') ? 'Bearer' : 'DPoP',
      expires_in: 1800,
      ...(faults.plays('no_id_token') ? {} : { id_token: await idToken(signIn, recipient) }),
    });
  });

  router.get('/fapi/userinfo', async (ctx) => {
    const token = ctx.get('authorization').replace(/^DPoP /, '');
    const signIn = flow.ofToken(token);
    const bad = (status: number, error: string) => {
      ctx.set('WWW-Authenticate', `DPoP error="${error}"`);
      answer(ctx, status, { error });
    };
    if (!signIn?.account || disabled.has(signIn.account.personId) || faults.plays('userinfo_token'))
      return bad(401, 'invalid_token');
    if (signIn.app.product !== 'myinfo') return bad(401, 'invalid_token');
    const call = { method: 'GET', url: `${issuer()}/userinfo`, accessToken: token, jkt: signIn.jkt };
    if (!('jkt' in (await proofs.dpop(ctx.get('dpop'), call)))) return bad(401, 'invalid_dpop_proof');
    if (signIn.account.type === 'foreign') return bad(400, 'invalid_request');
    if (faults.plays('userinfo_dependency')) return bad(502, 'upstream_dependency_error');
    const recipient = await ofApp.encryptionKey();
    if (recipient === null) return bad(400, 'invalid_request');
    const claims = {
      iss: faults.plays('userinfo_iss') ? 'https://evil.example/fapi' : issuer(),
      aud: faults.plays('userinfo_aud') ? 'SomebodyElsesAppSomebodyElsesApp' : signIn.app.id,
      sub: faults.plays('userinfo_sub')
        ? accounts.find(({ uuid }) => uuid !== signIn.account?.uuid)?.uuid
        : signIn.account.uuid,
      iat: now(),
      person_info: personInfo(signIn.account, signIn.scopes),
    };
    if (faults.plays('userinfo_json')) return answer(ctx, 200, claims);
    const jws = await keys.sign(claims, faults.plays('userinfo_signature') ? 'signature' : null);
    ctx.type = 'application/jwt';
    ctx.body = await encryptTo(recipient, jws, 'A256GCM', userinfoEncryption());
  });

  function userinfoEncryption(): TokenFault | null {
    if (faults.plays('userinfo_not_encrypted')) return 'not_encrypted';
    return faults.plays('userinfo_key') ? 'enc_key' : null;
  }

  /** The app that an assertion is really of, or why it is nobody's. */
  async function authenticated(fields: URLSearchParams): Promise<Registration | string> {
    if (fields.get('client_assertion_type') !== ASSERTION) return 'client_assertion_type';
    const app = registrations.find(({ id }) => id === fields.get('client_id'));
    if (!app || faults.plays('client_unknown')) return 'unknown client_id';
    const published = await ofApp.all();
    if (published === null) return 'JWKS unreachable or not as it must be';
    const fault = await proofs.assertionFault(fields.get('client_assertion') ?? '', app.id, issuer(), published);
    return fault ?? app;
  }

  /** The pushed request that a browser brings, with nothing beside it; null: answered already. */
  function pushedOf(ctx: Context) {
    const known = flow.open(text(ctx.query.request_uri));
    const alone = Object.keys(ctx.query).every((name) => name === 'client_id' || name === 'request_uri');
    if (known !== null && alone && known.signIn.app.id === ctx.query.client_id) return known;
    ctx.status = 400;
    ctx.type = 'html';
    ctx.body = page(
      'Singpass（模拟）',
      '<h1>Singpass</h1><p>invalid_request: not a pushed request of this client</p>',
      'en',
    );
    return null;
  }

  function errorFor(account: Account | undefined): string | null {
    for (const error of ['server_error', 'temporarily_unavailable'] as const) if (faults.plays(error)) return error;
    if (faults.plays('denied')) return 'unauthorized_client';
    if (account === undefined) return 'access_denied';
    return disabled.has(account.personId) ? 'account_disabled' : null;
  }

  function goBack(ctx: Context, { redirectUri, state }: SignIn, told: Readonly<Record<string, string>>): void {
    const back = new URL(redirectUri);
    for (const [name, value] of Object.entries(told)) back.searchParams.set(name, value);
    back.searchParams.set('state', faults.plays('state') ? 'of-another-request-of-another-request' : state);
    if (!faults.plays('iss_missing'))
      back.searchParams.set('iss', faults.plays('iss_parameter') ? 'https://evil.example/fapi' : issuer());
    ctx.redirect(back.href);
    ctx.status = 303;
  }

  async function idToken(
    signIn: SignIn & { account: Account; level: 1 | 2 | 3 },
    recipient: Parameters<typeof encryptTo>[0],
  ) {
    if (faults.token() === 'replay' && oldToken !== null) return oldToken;
    const fault = faults.token();
    const attributes = subAttributes(signIn.account, signIn.scopes);
    const plain = tokenClaims(issuer(), signIn, now());
    const claims = {
      ...plain,
      ...(attributes === undefined ? {} : { sub_attributes: attributes }),
      ...(faults.plays('iat_fraction') ? { iat: Date.now() / 1000 } : {}),
      ...(faults.plays('amr_unknown') ? { amr: ['pwd', 'telepathy'] } : {}),
    };
    const jws = await keys.sign(spoil(claims, fault, signIn.account.number), fault);
    const token = await encryptTo(recipient, jws, faults.plays('gcm') ? 'A256GCM' : 'A256CBC-HS512', fault);
    oldToken = token;
    return token;
  }

  return {
    id: 'singpass',
    title: 'Singpass',
    path: prefix,
    router,
    fault: faults.now,
    settings: () => ({
      issuer: issuer(),
      clientId: registrations[0]?.id ?? '',
      product: 'login',
      scope: 'openid user.identity name mobileno',
      asksLevel: 'yes',
      keys: demoPrivateKeys,
    }),
  };
};

const faultOf = (proof: { jkt: string } | { fault: string }) => ('fault' in proof ? proof.fault : '');

function answer(ctx: Context, status: number, body: object): void {
  ctx.status = status;
  ctx.set('Cache-Control', 'no-store');
  ctx.body = body;
}
