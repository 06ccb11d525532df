import { hash, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type Adapter, type Client, type ClientMetadata, errors, type Provider } from 'oidc-provider';
import { z } from 'zod';
import { appsWatch, findApp, isEnabled } from '../storage/apps.ts';
import type { Db } from '../storage/db.ts';
import { isCurrent } from '../storage/write-watch.ts';
import { underProfile } from './profiles.ts';

const secretPrefix = 'sha256.';

/** Defaults of an app that says nothing: the strict choice each time. */
export const clientDefaults = {
  grant_types: ['authorization_code'],
  response_types: ['code'],
  subject_type: 'pairwise',
  id_token_signed_response_alg: 'ES256',
  token_endpoint_auth_method: 'private_key_jwt',
} satisfies Partial<ClientMetadata>;

/** Compares with the stored hash (`commands/save-app.ts` says why one unsalted hash is enough). */
export function secretMatches(actual: string, stored: string): boolean {
  const a = Buffer.from(secretPrefix + hash('sha256', actual, 'base64url'));
  const b = Buffer.from(stored);
  return a.length === b.length && timingSafeEqual(a, b);
}

const retiringSecret = z.object({ hash: z.string(), until: z.number() });

/** The secret before the last rotation, while it is still good. */
export function retiringMatches(actual: string, retiring: unknown, now: Date): boolean {
  const parsed = retiringSecret.safeParse(retiring);
  return parsed.success && parsed.data.until > now.getTime() && secretMatches(actual, parsed.data.hash);
}

const clientOf = (provider: Provider, metadata: Readonly<Record<string, unknown>>): Client =>
  Reflect.construct(provider.Client, [underProfile(metadata)]);

/** What the engine says is wrong with an app's metadata; null: it takes it. Writes and fetches nothing. */
export function metadataFault(provider: Provider, metadata: Readonly<Record<string, unknown>>): string | null {
  try {
    clientOf(provider, metadata);
    return null;
  } catch (error) {
    if (error instanceof errors.InvalidClientMetadata) return error.error_description ?? error.message;
    throw error;
  }
}

/**
 * The client of an app even while it is switched off: what is owed to it does not lapse with that. Null: there is no such
 * app, or the engine does not take what is registered.
 */
export async function clientEvenIfOff(provider: Provider, db: Db, id: string): Promise<Client | null> {
  const known = await provider.Client.find(id);
  if (known) return known;
  const app = await findApp(db, id);
  if (app === null || metadataFault(provider, { ...app.metadata, client_id: id }) !== null) return null;
  return clientOf(provider, { ...app.metadata, client_id: id });
}

/**
 * The engine serialises and hashes an app's metadata at each look-up to find the client it made of them before. The client
 * itself is kept for a second; a change is seen by this process at once, by all nodes within that.
 */
export function rememberClients(provider: Provider, db: Db): void {
  const cache = new LRUCache<string, { client: Client; generation: number }>({ max: 1_000, ttl: 1_000 });
  const watch = appsWatch(db);
  const find = provider.Client.find.bind(provider.Client);
  Object.defineProperty(provider.Client, 'find', {
    value: async (id: string) => {
      const known = cache.get(id);
      if (known && isCurrent(watch, known.generation)) return known.client;
      const { generation } = watch;
      const client = await find(id);
      if (client) cache.set(id, { client, generation });
      return client;
    },
  });
}

/**
 * Apps as the engine's clients. Read-only here: apps change by commands.
 */
export function clientAdapter(deps: { db: Db }): Adapter {
  const readOnly = () => Promise.reject(new Error('apps are changed by commands only'));
  return {
    async find(id) {
      const app = await findApp(deps.db, id);
      // Disabled in the console: as if it did not exist, for sign-ins, tokens and answers about them alike.
      return app && isEnabled(app) ? { ...underProfile(app.metadata), client_id: app.id } : undefined;
    },
    upsert: readOnly,
    findByUserCode: async () => undefined,
    findByUid: async () => undefined,
    consume: readOnly,
    destroy: readOnly,
    revokeByGrantId: readOnly,
  };
}
