import type { Db } from './db.ts';
import { toMs } from './rows.ts';

/** Notes a sign-in on a device, once a day. */
export async function noteDevice(db: Db, accountId: string, device: string, at: Date): Promise<void> {
  await db('known_devices')
    .insert({ account_id: accountId, device, last_at: toMs(at) })
    .onConflict(['account_id', 'device'])
    .merge();
}

/** Whether the account signed in on it since then. */
export async function knowsDevice(db: Db, accountId: string, device: string, since: Date): Promise<boolean> {
  const found = await db('known_devices')
    .where({ account_id: accountId, device })
    .where('last_at', '>', toMs(since))
    .first('device');
  return found !== undefined;
}

/** Devices of long ago; a city has few of them in a minute. */
export async function pruneDevices(db: Db, before: Date): Promise<number> {
  return db('known_devices').where('last_at', '<', toMs(before)).delete();
}
