import type { Keyring } from '../lib/crypto.ts';
import type { Db } from './db.ts';
import { peek, put, take, update } from './pending.ts';

const kind = 'area-session';

/** Sessions of our own areas as a store of sealed rows; the id is a secret of the browser and is stored as a hash. */
export interface AreaSessionStore {
  get(id: string, now: Date): Promise<unknown>;
  set(id: string, data: unknown, expiresAt: Date): Promise<void>;
  destroy(id: string, now: Date): Promise<void>;
}

export function areaSessionStore(db: Db, keyring: Keyring): AreaSessionStore {
  return {
    get: (id, now) => peek(db, id, kind, now, keyring),
    async set(id, data, expiresAt) {
      if (await update(db, id, data, keyring)) return;
      await put(db, { id, kind, interactionUid: null, accountId: null, payload: data, expiresAt }, keyring);
    },
    async destroy(id, now) {
      await take(db, id, kind, now, keyring);
    },
  };
}
