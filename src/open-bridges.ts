import { type BridgeDoor, bridgeOpener } from './bridges/index.ts';
import type { Clock } from './lib/clock.ts';
import type { Keyring } from './lib/crypto.ts';
import { ShiminError } from './lib/errors.ts';
import { createUpstream } from './lib/http.ts';
import type { Log } from './lib/log.ts';
import { type BridgeRow, bridgeRow, bridgeRows, openSettings } from './storage/bridges.ts';
import type { Db } from './storage/db.ts';
import { disabledSources } from './storage/sources.ts';

/** Binds the bridges to how they are set up in the database; a switch or a change acts on the next request (D10). */
export function openBridges(deps: {
  db: Db;
  keyring: Keyring;
  log: Log;
  clock: Clock;
  allowLoopback: boolean;
  observe: (source: string, answered: boolean) => void;
}): BridgeDoor & { healthy(id: string): boolean | null } {
  const { db, keyring, log, clock, allowLoopback, observe } = deps;
  const opener = bridgeOpener({ upstreamOf: (id) => createUpstream(id, { observe }), allowLoopback, clock });
  const open = (row: BridgeRow) => {
    try {
      return opener.open(row, () => openSettings(keyring, row.id, row.sealedSettings));
    } catch (error) {
      // One bridge with settings of another time must not take the sign-in page from everybody.
      log.error({ err: error, bridge: row.id }, 'bridge can not be opened');
      return null;
    }
  };
  const off = (id: string) => new ShiminError('bridge_off', { status: 403, detail: { bridge: id } });
  return {
    healthy: opener.healthy,
    async list() {
      const disabled = await disabledSources(db);
      const rows = (await bridgeRows(db)).filter(({ id }) => !disabled.has(id));
      return rows.map(open).filter((each) => each !== null);
    },
    async get(id) {
      const row = (await disabledSources(db)).has(id) ? null : await bridgeRow(db, id);
      const found = row === null ? null : open(row);
      if (found === null) throw off(id);
      return found;
    },
  };
}
