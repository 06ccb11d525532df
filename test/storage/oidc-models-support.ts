import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Provider, { errors } from 'oidc-provider';
import { makeKeyring, parseKeyring } from '../../src/lib/crypto.ts';
import { answerReplay } from '../../src/oidc/provider.ts';
import type { Database } from '../../src/storage/db.ts';
import { oidcModels } from '../../src/storage/oidc-models.ts';

export function onReplay(model: string): Error {
  return model === 'PushedAuthorizationRequest'
    ? new errors.InvalidRequestUri('request_uri was already used')
    : new errors.InvalidGrant('already used');
}

export function models(database: Database, clock?: () => Date) {
  const keyring = parseKeyring(makeKeyring());
  return oidcModels(database, { onReplay, answerReplay, keyring, ...(clock ? { clock } : {}) });
}

export function temporaryFile(): { path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'oidc-models-'));
  return { path: join(folder, 'db.sqlite'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export function jwk(kid: string) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' };
}

export const clientKey = jwk('client');
const { d: _, ...publicClientKey } = clientKey;

/** A provider with our adapter, on its own port; consent is given as soon as somebody is signed in. */
export async function serve(parts: ReturnType<typeof models>) {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const issuer = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  const provider = new Provider(issuer, {
    adapter: parts.adapter,
    jwks: { keys: [jwk('op')] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    cookies: { keys: ['a'.repeat(32)] },
    clients: [
      {
        client_id: 'app',
        client_secret: 's'.repeat(32),
        redirect_uris: ['https://app.example/cb'],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'client_secret_basic',
      },
      {
        client_id: 'second',
        client_secret: 's'.repeat(32),
        redirect_uris: ['https://second.example/cb'],
        token_endpoint_auth_method: 'client_secret_basic',
      },
      {
        client_id: 'machine',
        redirect_uris: [],
        response_types: [],
        grant_types: ['client_credentials'],
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        jwks: { keys: [publicClientKey] },
      },
    ],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
    },
    rotateRefreshToken: true,
    issueRefreshToken: async () => true,
    interactions: { url: (_ctx, interaction) => `/sign-in/${interaction.uid}` },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: async () => ({ sub }) }),
    loadExistingGrant: async (ctx) => {
      const { client, session } = ctx.oidc;
      if (!client || !session?.accountId) return undefined;
      const existing = session.grantIdFor(client.clientId);
      if (existing) return ctx.oidc.provider.Grant.find(existing);
      const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid offline_access');
      await grant.save();
      return grant;
    },
  });
  provider.use(parts.requestScope());
  Object.assign(provider.ReplayDetection, { unique: parts.replayUnique });
  const engine = provider.callback();
  server.on('request', (req, res) => {
    if (!req.url?.startsWith('/sign-in/')) return void engine(req, res);
    // The password page, as far as this suite is concerned.
    provider.interactionFinished(req, res, { login: { accountId: 'citizen-1' } }).catch((error) => res.destroy(error));
  });
  return {
    issuer,
    provider,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export type Served = Awaited<ReturnType<typeof serve>>;

export const basic = { authorization: `Basic ${Buffer.from(`app:${'s'.repeat(32)}`).toString('base64')}` };

/** A browser: keeps cookies and follows redirects of the provider until they lead elsewhere. */
export class Browser {
  readonly cookies = new Map<string, string>();
  readonly #issuer: string;

  constructor(issuer: string) {
    this.#issuer = issuer;
  }

  async follow(path: string): Promise<URL> {
    let url = new URL(path, this.#issuer);
    while (url.origin === this.#issuer) {
      const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await fetch(url, { redirect: 'manual', headers: { cookie } });
      for (const line of response.headers.getSetCookie()) {
        const [pair = ''] = line.split(';');
        const at = pair.indexOf('=');
        this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
      }
      const location = response.headers.get('location');
      if (!location) throw new Error(`${response.status} ${await response.text()}`);
      url = new URL(location, url);
    }
    return url;
  }
}

const verifier = randomBytes(32).toString('base64url');
const challenge = createHash('sha256').update(verifier).digest('base64url');

export function authorizePath(clientId = 'app', extra: Record<string, string> = {}): string {
  return `/auth?${new URLSearchParams({
    client_id: clientId,
    response_type: 'code',
    scope: 'openid offline_access',
    redirect_uri: `https://${clientId}.example/cb`,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 'x',
    ...extra,
  })}`;
}

export async function signIn(browser: Browser, clientId = 'app'): Promise<string> {
  const end = await browser.follow(authorizePath(clientId));
  const code = end.searchParams.get('code');
  if (!code) throw new Error(end.href);
  return code;
}

export async function post(
  issuer: string,
  path: string,
  body: Record<string, string>,
  headers: Record<string, string> = basic,
) {
  const response = await fetch(new URL(path, issuer), { method: 'POST', headers, body: new URLSearchParams(body) });
  const text = await response.text();
  const json: Record<string, string> = text ? JSON.parse(text) : {};
  return { status: response.status, json };
}

export function redeem(issuer: string, code: string, clientId = 'app') {
  const authorization = `Basic ${Buffer.from(`${clientId}:${'s'.repeat(32)}`).toString('base64')}`;
  return post(
    issuer,
    '/token',
    { grant_type: 'authorization_code', code, redirect_uri: `https://${clientId}.example/cb`, code_verifier: verifier },
    { authorization },
  );
}

export function refresh(issuer: string, token: string) {
  return post(issuer, '/token', { grant_type: 'refresh_token', refresh_token: token });
}
