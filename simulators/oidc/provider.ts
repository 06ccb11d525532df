import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import Router from '@koa/router';
import type { Context } from 'koa';
import { type Fault, faultSwitch, faults } from '../lib/faults.ts';
import { escapeHtml, fieldsOf, page, readBody, readJson, text } from '../lib/http.ts';
import { signingKeys, spoil, type TokenFault, tokenFaults } from './tokens.ts';

/** Somebody with an account at this provider. */
export interface ProviderPerson {
  readonly sub: string;
  /** What the sign-in page and the switches call the person; `sub` unless given. */
  readonly id?: string;
  readonly label: string;
  readonly acr: string;
  readonly amr: readonly string[];
  /** The signed ID token says nothing of how and when they signed in. */
  readonly untold?: boolean;
  /** What userinfo says besides `sub`. */
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface ProviderOptions {
  /** Path under which it is served, and name of its pages. */
  readonly prefix: string;
  readonly title: string;
  readonly origin: () => string;
  readonly client: { readonly id: string; readonly secret: string };
  /** Hosts of redirect addresses; a deployment registers whole addresses. */
  readonly redirectHosts: readonly string[];
  readonly levels: readonly string[];
  readonly people: readonly ProviderPerson[];
  /** Of its pages; zh-Hans unless given. */
  readonly lang?: string;
}

/** Faults of answers that are well formed and wrong, besides those of the line. */
export const answerFaults = [
  ...tokenFaults,
  'userinfo_sub',
  'iss_parameter',
  'state',
  'denied',
  'server_error',
] as const;
type AnswerFault = (typeof answerFaults)[number];

interface Code {
  readonly person: ProviderPerson;
  readonly acr: string;
  readonly redirectUri: string;
  readonly nonce: string | undefined;
  readonly challenge: string;
  readonly at: number;
  used: boolean;
}

const codeLifetimeMs = 60_000;
const idOf = ({ id, sub }: ProviderPerson) => id ?? sub;
const unguessable = () => randomBytes(24).toString('base64url');
const isTokenFault = (fault: AnswerFault | null): fault is TokenFault => tokenFaults.some((known) => known === fault);

/** A strict OpenID provider: code flow with PKCE and nonce, ES256, one code one use, `iss` in answers (RFC 9207). */
export async function openIdProvider(options: ProviderOptions) {
  const { prefix, client, people } = options;
  const router = new Router({ prefix });
  const line = faultSwitch();
  const keys = await signingKeys();
  const codes = new Map<string, Code>();
  const tokens = new Map<string, Code>();
  const disabled = new Set<string>();
  const lowered = new Map<string, string>();
  let fault: AnswerFault | null = null;
  let oldToken: string | null = null;
  const issuer = () => options.origin() + prefix;

  router.get('/_control', (ctx) => {
    ctx.body = { ...line.state, answer: fault, people: people.map(idOf) };
  });
  router.put('/_control', async (ctx) => {
    const fields = fieldsOf(await readJson(ctx));
    const wanted = text(fields.fault);
    const isLine = faults.some((known) => known === wanted) && wanted !== 'wrong';
    const answer = answerFaults.find((known) => known === wanted) ?? null;
    if (!isLine && answer === null) {
      ctx.status = 400;
      ctx.body = { error: 'invalid' };
      return;
    }
    fault = answer;
    line.set({ ...fields, fault: isLine ? (wanted as Fault) : 'none' });
    ctx.body = { ...line.state, answer: fault };
  });
  router.post('/_control/rotate', async (ctx) => {
    await keys.rotate();
    ctx.body = keys.jwks();
  });
  router.put('/_control/people/:id', async (ctx) => {
    const fields = fieldsOf(await readJson(ctx));
    const person = people.find((each) => idOf(each) === ctx.params.id);
    if (!person) return answer(ctx, 404, { error: 'not_found' });
    const { sub } = person;
    if (fields.disabled === true) disabled.add(sub);
    else disabled.delete(sub);
    if (typeof fields.acr === 'string') lowered.set(sub, fields.acr);
    else lowered.delete(sub);
    ctx.body = { sub, disabled: disabled.has(sub), acr: lowered.get(sub) ?? null };
  });

  router.use(line.middleware((ctx) => !ctx.path.startsWith(`${prefix}/_control`)));

  router.get('/.well-known/openid-configuration', (ctx) => {
    const at = issuer();
    ctx.body = {
      issuer: at,
      authorization_endpoint: `${at}/authorize`,
      token_endpoint: `${at}/token`,
      userinfo_endpoint: `${at}/userinfo`,
      jwks_uri: `${at}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['ES256'],
      token_endpoint_auth_methods_supported: ['client_secret_basic'],
      code_challenge_methods_supported: ['S256'],
      acr_values_supported: options.levels,
      claims_parameter_supported: true,
      authorization_response_iss_parameter_supported: true,
    };
  });
  router.get('/jwks', (ctx) => {
    ctx.body = keys.jwks();
  });

  router.get('/authorize', (ctx) => {
    const wrong = refusalOf(ctx);
    ctx.type = 'html';
    if (wrong !== null) {
      ctx.status = 400;
      ctx.body = page(options.title, `<h1>${escapeHtml(options.title)}</h1><p>${escapeHtml(wrong)}</p>`, options.lang);
      return;
    }
    const buttons = people
      .map(
        (person) =>
          `<button name="person" value="${escapeHtml(idOf(person))}"><strong>${escapeHtml(person.label)}</strong></button>`,
      )
      .join('');
    ctx.body = page(
      options.title,
      `<h1>${escapeHtml(options.title)}</h1><p>Simulated: who are you?</p>
<form method="post" action="${escapeHtml(ctx.url)}">${buttons}<button name="person" value="">取消 · Cancel</button></form>`,
      options.lang,
    );
  });

  router.post('/authorize', async (ctx) => {
    const wrong = refusalOf(ctx);
    if (wrong !== null) return answer(ctx, 400, { error: 'invalid_request', error_description: wrong });
    const query = (name: string) => text(ctx.query[name]);
    const chosen = new URLSearchParams((await readBody(ctx)) ?? '').get('person');
    const person = people.find((each) => idOf(each) === chosen);
    const back = new URL(query('redirect_uri'));
    back.searchParams.set('state', fault === 'state' ? 'of-another-request' : query('state'));
    back.searchParams.set('iss', fault === 'iss_parameter' ? 'https://evil.example' : issuer());
    const error = errorFor(person, levelWanted(query('claims')));
    if (error !== null || person === undefined) back.searchParams.set('error', error ?? 'access_denied');
    else back.searchParams.set('code', newCode(person, query));
    ctx.status = 303;
    ctx.redirect(back.href);
  });

  router.post('/token', async (ctx) => {
    const fields = new URLSearchParams((await readBody(ctx)) ?? '');
    if (!isClient(ctx.get('authorization'))) {
      ctx.set('WWW-Authenticate', 'Basic realm="token"');
      return answer(ctx, 401, { error: 'invalid_client' });
    }
    if (fields.get('grant_type') !== 'authorization_code') return answer(ctx, 400, { error: 'unsupported_grant_type' });
    const code = codes.get(fields.get('code') ?? '');
    const good =
      code &&
      !code.used &&
      Date.now() - code.at < codeLifetimeMs &&
      code.redirectUri === fields.get('redirect_uri') &&
      code.challenge ===
        createHash('sha256')
          .update(fields.get('code_verifier') ?? '')
          .digest('base64url');
    if (!good)
      return answer(ctx, 400, { error: 'invalid_grant', error_description: 'code is unknown, used or too old' });
    code.used = true;
    const accessToken = unguessable();
    tokens.set(accessToken, code);
    ctx.set('Cache-Control', 'no-store');
    answer(ctx, 200, {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: 300,
      id_token: await idToken(code),
    });
  });

  router.get('/userinfo', (ctx) => {
    const code = tokens.get(ctx.get('authorization').replace(/^Bearer /, ''));
    if (!code || disabled.has(code.person.sub)) {
      ctx.set('WWW-Authenticate', 'Bearer error="invalid_token"');
      return answer(ctx, 401, { error: 'invalid_token' });
    }
    const sub = fault === 'userinfo_sub' ? 'somebody-else' : code.person.sub;
    answer(ctx, 200, { ...code.person.claims, sub });
  });

  /** What is wrong with an authorization request; null: nothing. */
  function refusalOf(ctx: Context): string | null {
    const query = (name: string) => text(ctx.query[name]);
    if (query('client_id') !== client.id) return 'unknown client';
    const back = query('redirect_uri');
    if (!URL.canParse(back) || !options.redirectHosts.includes(new URL(back).hostname))
      return 'redirect_uri is not registered';
    if (query('response_type') !== 'code') return 'response_type must be code';
    if (!query('scope').split(' ').includes('openid')) return 'scope must have openid';
    if (query('code_challenge_method') !== 'S256' || query('code_challenge').length !== 43)
      return 'PKCE with S256 is required';
    if (query('nonce') === '' || query('state') === '') return 'state and nonce are required';
    return null;
  }

  /** The error that the browser takes back instead of a code; null: none. */
  function errorFor(person: ProviderPerson | undefined, wanted: readonly string[]): string | null {
    if (fault === 'denied') return 'unauthorized_client';
    if (fault === 'server_error') return 'server_error';
    if (person === undefined) return 'access_denied';
    if (disabled.has(person.sub)) return 'account_disabled';
    // Essential (OpenID Connect Core 5.5.1.1): this level or an error.
    return wanted.length === 0 || wanted.includes(lowered.get(person.sub) ?? person.acr)
      ? null
      : 'unmet_authentication_requirements';
  }

  function newCode(person: ProviderPerson, query: (name: string) => string): string {
    const code = unguessable();
    codes.set(code, {
      person,
      acr: lowered.get(person.sub) ?? person.acr,
      redirectUri: query('redirect_uri'),
      nonce: query('nonce'),
      challenge: query('code_challenge'),
      at: Date.now(),
      used: false,
    });
    return code;
  }

  /** Both parts are form-encoded before they are joined (RFC 6749 2.3.1). */
  function isClient(header: string): boolean {
    const part = (value: string) => new URLSearchParams({ value }).toString().slice('value='.length);
    const pair = `${part(client.id)}:${part(client.secret)}`;
    const given = Buffer.from(decoded(header.replace(/^Basic /, '')));
    const expected = Buffer.from(decoded(Buffer.from(pair).toString('base64')));
    return expected.length === given.length && timingSafeEqual(expected, given);
  }

  async function idToken({ person, acr, nonce }: Code): Promise<string> {
    if (fault === 'replay' && oldToken !== null) return oldToken;
    const now = Math.floor(Date.now() / 1000);
    const { sub, amr } = person;
    const how = person.untold ? {} : { acr, amr, auth_time: now };
    const claims = { iss: issuer(), aud: client.id, sub, nonce, ...how, iat: now, exp: now + 300 };
    const token = isTokenFault(fault)
      ? await keys.sign(spoil(claims, fault, client.id), fault)
      : await keys.sign(claims, null);
    oldToken = token;
    return token;
  }

  return { router, line, fault: (): string => fault ?? line.state.fault };
}

const decoded = (credentials: string) =>
  Buffer.from(credentials, 'base64')
    .toString('utf8')
    .split(':')
    .map((part) => new URLSearchParams(`value=${part}`).get('value') ?? '')
    .join(':');

/** Levels that the `claims` parameter makes essential. */
function levelWanted(claims: string): readonly string[] {
  try {
    const { id_token: idToken } = fieldsOf(JSON.parse(claims));
    const { acr } = fieldsOf(idToken);
    const { essential, values } = fieldsOf(acr);
    return essential === true && Array.isArray(values) ? values.filter((value) => typeof value === 'string') : [];
  } catch {
    return [];
  }
}

function answer(ctx: Context, status: number, body: object): void {
  ctx.status = status;
  ctx.body = body;
}
