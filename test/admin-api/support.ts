import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Role } from '../../src/commands/permissions.ts';
import { saveRegisteredApp } from '../../src/commands/save-app.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { DatabaseKind, Db } from '../../src/storage/db.ts';
import { appSecret, prepareTransmitter } from '../signals/support.ts';
import { openStaffroom, type Staffroom } from '../support/staff-http.ts';

export const base = '/api/admin/v1';

export interface Sent {
  readonly body?: unknown;
  /** Idempotency-Key; default: a new one. */
  readonly key?: string | null;
  readonly revision?: string | number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: what a foreign program reads from JSON
  readonly body: any;
}

/** What a program of the city would call with. */
export type Program = (method: string, path: string, sent?: Sent) => Promise<Answered>;

export interface Api {
  readonly issuer: string;
  readonly db: Db;
  readonly deps: { db: Db; keyring: Awaited<ReturnType<typeof prepareTransmitter>>['keyring']; clock: () => Date };
  /** Registers an app with these roles; its id. */
  register(held: readonly Role[], metadata?: Readonly<Record<string, unknown>>): Promise<string>;
  token(clientId: string, more?: Readonly<Record<string, string>>): Promise<Answered>;
  /** An app with these roles and a token. */
  program(held: readonly Role[]): Promise<Program & { readonly id: string }>;
  with(token: string | null): Program;
  /** A second person, in the console, approves it. */
  approve(change: { id: string; revision: number }): Promise<void>;
  close(): Promise<void>;
}

/** The API over real HTTP. */
export async function openApi(kind: DatabaseKind): Promise<Api> {
  const city = await prepareTransmitter(kind);
  await city.start();
  const { issuer, keyring } = city;
  const db = city.database.knex;
  const deps = { db, keyring, clock: systemClock };
  let room: Staffroom | null = null;

  const register: Api['register'] = async (held, metadata = {}) => {
    const id = `robot-${randomUUID().slice(0, 8)}`;
    await saveRegisteredApp(deps, {
      metadata: {
        client_id: id,
        client_secret: appSecret,
        token_endpoint_auth_method: 'client_secret_basic',
        redirect_uris: ['http://localhost:9/callback'],
        grant_types: ['authorization_code', 'client_credentials'],
        response_types: ['code'],
        scope: 'openid admin ssf.read',
        ...(held.length === 0 ? {} : { shimin_staff_roles: held }),
        ...metadata,
      },
      name: { en: id },
      purpose: { en: 'to run the city' },
      ownerName: 'test',
      rules: { allowLoopback: true },
    });
    return id;
  };
  const token: Api['token'] = async (clientId, more = {}) => {
    const response = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${clientId}:${appSecret}`).toString('base64')}` },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'admin',
        resource: `${issuer}${base}`,
        ...more,
      }),
    });
    return answered(response);
  };
  const withToken: Api['with'] =
    (value) =>
    async (method, path, { body, key = randomUUID(), revision, headers = {} } = {}) => {
      const changes = method !== 'get' && method !== 'GET';
      return answered(
        await fetch(`${issuer}${path.startsWith(base) ? path : `${base}${path}`}`, {
          method: method.toUpperCase(),
          headers: {
            ...(value === null ? {} : { authorization: `Bearer ${value}` }),
            ...(changes && key !== null ? { 'idempotency-key': key } : {}),
            ...(revision === undefined ? {} : { 'if-match': `"${revision}"` }),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        }),
      );
    };
  return {
    issuer,
    db,
    deps,
    register,
    token,
    with: withToken,
    async program(held) {
      const id = await register(held);
      const { access_token: value } = z.object({ access_token: z.string() }).parse((await token(id)).body);
      return Object.assign(withToken(value), { id });
    },
    async approve({ id, revision }) {
      room ??= await openStaffroom({ issuer, env: city.env, databaseUrl: city.env.SHIMIN_DATABASE_URL ?? '' });
      const second = await room.desk(['owner']);
      const form = { decision: 'approve', revision: String(revision) };
      const answer = await second.post(`/admin/approvals/${id}/decide`, form);
      if (answer.status !== 303) throw new Error(`not approved: ${answer.status} ${await answer.text()}`);
    },
    async close() {
      await room?.close();
      await city.close();
    },
  };
}

async function answered(response: Response): Promise<Answered> {
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
}

export const revisionOf = ({ headers }: Answered): string => (headers.get('etag') ?? '').replaceAll('"', '');
export const entryOf = (answer: Answered) => ({ status: answer.status, code: answer.body?.code ?? null });
