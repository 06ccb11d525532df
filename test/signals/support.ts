import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { saveRegisteredApp } from '../../src/commands/save-app.ts';
import { parseConfig } from '../../src/config.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Keyring } from '../../src/lib/crypto.ts';
import { createLog } from '../../src/lib/log.ts';
import { ensureSecrets } from '../../src/secrets.ts';
import { seed } from '../../src/seed.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { connect, type Database, type DatabaseKind, migrate } from '../../src/storage/db.ts';
import { freshDatabase } from '../support/databases.ts';

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, 'localhost', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export const appSecret = 'receiver-secret-receiver-secret-receiver-secret';

/** Registers an app that may have streams. */
export async function registerReceiver(
  deps: { db: Database['knex']; keyring: Keyring },
  id: string,
  metadata: Record<string, unknown> = {},
): Promise<void> {
  await saveRegisteredApp(
    { ...deps, clock: systemClock },
    {
      metadata: {
        client_id: id,
        client_secret: appSecret,
        token_endpoint_auth_method: 'client_secret_basic',
        redirect_uris: ['http://localhost:9/callback'],
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
        response_types: ['code'],
        scope: 'openid ssf.manage ssf.read',
        shimin_first_party: true,
        ...metadata,
      },
      name: { en: id },
      purpose: { en: 'to hear of changes' },
      ownerName: 'test',
      rules: { allowLoopback: true },
    },
  );
}

export interface Transmitter {
  readonly issuer: string;
  readonly env: Readonly<Record<string, string>>;
  readonly keyring: Keyring;
  readonly database: Database;
  /** Starts the provider in this process. */
  start(): Promise<RunningServer>;
  close(): Promise<void>;
}

/** A provider on a database of its own, prepared, not started. */
export async function prepareTransmitter(
  kind: DatabaseKind,
  overrides: Readonly<Record<string, string>> = {},
): Promise<Transmitter> {
  const folder = await mkdtemp(join(tmpdir(), 'shimin-signals-'));
  const fresh = await freshDatabase(kind);
  const port = await freePort();
  const env = {
    SHIMIN_ISSUER: `http://localhost:${port}`,
    SHIMIN_HOST: 'localhost',
    SHIMIN_PORT: String(port),
    SHIMIN_METRICS_PORT: String(await freePort()),
    SHIMIN_DATABASE_URL: fresh.url,
    SHIMIN_SECRETS: join(folder, 'secrets.json'),
    SHIMIN_LOG_LEVEL: 'silent',
    SHIMIN_ALLOW_LOOPBACK: 'true',
    ...overrides,
  };
  const config = parseConfig(env);
  const keyring = await ensureSecrets(config.secretsFile);
  const database = connect(fresh.url);
  await migrate(database.knex);
  await seed({ db: database.knex, keyring, clock: systemClock, config });
  let running: RunningServer | null = null;
  return {
    issuer: config.issuer,
    env,
    keyring,
    database,
    async start() {
      running = await startServer({ config, keyring, log: createLog({ level: 'silent' }) });
      return running;
    },
    async close() {
      await running?.drain(500);
      await database.close();
      await fresh.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function accessToken(issuer: string, clientId: string, scope = 'ssf.manage ssf.read'): Promise<string> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${clientId}:${appSecret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
  });
  const body: { access_token?: string } = await response.json();
  if (body.access_token === undefined) throw new Error(`no token: ${JSON.stringify(body)}`);
  return body.access_token;
}

export interface ApiAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what a foreign receiver reads from JSON
  readonly body: any;
  readonly headers: Headers;
}

/** What a receiver would call with. */
export function apiOf(issuer: string, token: string | null) {
  return async (method: string, path: string, body?: unknown): Promise<ApiAnswer> => {
    const response = await fetch(path.startsWith('http') ? path : `${issuer}${path}`, {
      method,
      headers: {
        ...(token === null ? undefined : { authorization: `Bearer ${token}` }),
        'content-type': 'application/json',
      },
      ...(body === undefined ? undefined : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
  };
}

export interface Received {
  readonly claims: JWTPayload;
  readonly authorization: string | undefined;
  readonly at: number;
}

export type Mood = 'well' | 'down' | 'hang' | 'refuse';

/** A receiver by the book (RFC 8935, SSF 1.0 section 4): checks signature, type, issuer and audience, and acts once per jti. */
export async function startReceiver(issuer: string, audience: string, port = 0) {
  const received: Received[] = [];
  const effects = new Map<string, Received>();
  const faults: string[] = [];
  const state: { mood: Mood } = { mood: 'well' };
  const check = verifier(issuer, audience);
  const server = createServer((request, response) => {
    const run = async () => {
      const body = await text(request);
      if (request.headers['content-type'] !== 'application/secevent+jwt') throw new Error('content type');
      const claims = await check(body);
      const item = { claims, authorization: request.headers.authorization, at: Date.now() };
      received.push(item);
      if (state.mood === 'down') return void response.writeHead(503).end();
      if (state.mood === 'refuse') {
        response.writeHead(400, { 'content-type': 'application/json' });
        return void response.end(JSON.stringify({ err: 'invalid_request', description: 'not wanted' }));
      }
      if (claims.jti && !effects.has(claims.jti)) effects.set(claims.jti, item);
      // It has acted, and the transmitter never hears of it.
      if (state.mood === 'hang') return;
      response.writeHead(202).end();
    };
    run().catch((error: unknown) => {
      faults.push(String(error));
      response.writeHead(400).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, 'localhost', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://localhost:${address.port}/events`,
    port: address.port,
    received,
    /** What it acted upon, each once. */
    effects,
    faults,
    state,
    async next(type: string, after: number, ms = 5_000): Promise<Received> {
      return until(() => [...effects.values()].slice(after).find(({ claims }) => eventOf(claims)?.type === type), ms);
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Polls without end (RFC 8936 2.4): each request waits, and acknowledges what came before. */
export function startPoller(issuer: string, audience: string, token: string, endpoint: string) {
  const received: Received[] = [];
  const faults: string[] = [];
  const check = verifier(issuer, audience);
  const stop = new AbortController();
  const run = async () => {
    for (let ack: string[] = []; !stop.signal.aborted; ) {
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ ack }),
        signal: stop.signal,
      });
      const { sets }: { sets: Record<string, string> } = await response.json();
      for (const [jti, set] of Object.entries(sets)) {
        const claims = await check(set);
        if (claims.jti !== jti) faults.push(`${jti} names another token`);
        received.push({ claims, authorization: undefined, at: Date.now() });
      }
      ack = Object.keys(sets);
    }
  };
  const running = run().catch((error: unknown) => {
    if (!stop.signal.aborted) faults.push(String(error));
  });
  return {
    received,
    faults,
    async close() {
      stop.abort();
      await running;
    },
  };
}

/** Checks a SET as RFC 8417 and SSF 1.0 section 4 have it. */
export function verifier(issuer: string, audience: string) {
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  return async (token: string): Promise<JWTPayload> => {
    const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer, audience, typ: 'secevent+jwt' });
    if (protectedHeader.alg !== 'ES256') throw new Error(`alg ${protectedHeader.alg}`);
    for (const name of ['sub', 'exp']) if (name in payload) throw new Error(`${name} in a SET`);
    for (const name of ['jti', 'iat', 'sub_id', 'events']) if (!(name in payload)) throw new Error(`no ${name}`);
    return payload;
  };
}

export function eventOf(claims: JWTPayload): { type: string; body: Record<string, unknown> } | null {
  const { events } = claims;
  if (typeof events !== 'object' || events === null) return null;
  const [[type, body] = ['', {}]] = Object.entries(events);
  return { type, body };
}

async function text(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

export async function until<T>(find: () => T | undefined | null | false, ms = 5_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const found = find();
    if (found) return found;
    if (Date.now() > end) throw new Error('did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const caep = (name: string) => `https://schemas.openid.net/secevent/caep/event-type/${name}`;
export const risc = (name: string) => `https://schemas.openid.net/secevent/risc/event-type/${name}`;
export const ssf = (name: string) => `https://schemas.openid.net/secevent/ssf/event-type/${name}`;
