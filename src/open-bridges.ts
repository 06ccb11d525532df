import { type BridgeDoor, bridgeModules, type OpenBridge } from './bridges/index.ts';
import type { Clock } from './lib/clock.ts';
import type { Keyring } from './lib/crypto.ts';
import { ShiminError } from './lib/errors.ts';
import type { Log } from './lib/log.ts';
import { createUpstream, type Upstream } from './lib/upstream.ts';
import type { CheckDoor, OpenCheck } from './proofing/check.ts';
import { checkModules } from './proofing/checks.ts';
import { type BridgeRow, bridgeRow, bridgeRows, openSettings } from './storage/bridges.ts';
import type { Db } from './storage/db.ts';
import { disabledSources } from './storage/sources.ts';
import { watched } from './watched.ts';

export interface OutsideDoors {
  readonly bridges: BridgeDoor;
  readonly checks: CheckDoor;
  /** Whether its circuit is closed; null: it was never asked. */
  healthy(id: string): boolean | null;
  close(): void;
}

/**
 * Binds bridges and checks to how they are set up in the database; a switch or a change acts on the next request (D10).
 * Each stays open while its version stays: discovery and keys are not fetched anew for every sign-in. A circuit outlives a
 * change of settings.
 */
export function openOutside(deps: {
  db: Db;
  keyring: Keyring;
  log: Log;
  clock: Clock;
  allowLoopback: boolean;
  observe: (source: string, answered: boolean) => void;
}): OutsideDoors {
  const { db, keyring, log, clock, allowLoopback, observe } = deps;
  const upstreams = new Map<string, Upstream>();
  const upstreamFor = (id: string) => {
    const known = upstreams.get(id) ?? createUpstream(id, { observe });
    upstreams.set(id, known);
    return known;
  };

  /** Opens what `modules` know, each once a version. */
  function opener<Port>(
    modules: readonly { readonly traits: { readonly id: string }; open(s: unknown, p: Ports): Port }[],
  ) {
    const opened = new Map<string, { version: number; port: Port }>();
    return (row: BridgeRow): { port: Port; healthy: boolean } | null => {
      const module = modules.find(({ traits }) => traits.id === row.id);
      if (!module) return null;
      const upstream = upstreamFor(row.id);
      const known = opened.get(row.id);
      if (known?.version === row.version) return { port: known.port, healthy: upstream.healthy() };
      try {
        const port = module.open(openSettings(keyring, row.id, row.sealedSettings), { upstream, allowLoopback, clock });
        opened.set(row.id, { version: row.version, port });
        return { port, healthy: upstream.healthy() };
      } catch (error) {
        // One bridge with settings of another time must not take the sign-in page from everybody.
        log.error({ err: error, bridge: row.id }, 'bridge can not be opened');
        return null;
      }
    };
  }

  const openBridge = opener(bridgeModules);
  const openCheck = opener(checkModules);
  const bridgeOf = (row: BridgeRow): OpenBridge | null => {
    const found = openBridge(row);
    const module = bridgeModules.find(({ traits }) => traits.id === row.id);
    if (!found || !module) return null;
    return { traits: module.traits, use: row.use, cap: row.cap, healthy: found.healthy, bridge: found.port };
  };
  const checkOf = (row: BridgeRow): OpenCheck | null => {
    const found = openCheck(row);
    const module = checkModules.find(({ traits }) => traits.id === row.id);
    if (!found || !module) return null;
    const { traits } = module;
    const nameOnly = traits.asks.length === 0 && traits.ofAccount !== true;
    return { traits, healthy: found.healthy, method: watched(deps, found.port, { nameOnly }) };
  };

  const door = <T>(open: (row: BridgeRow) => T | null) => ({
    async list(): Promise<readonly T[]> {
      const disabled = await disabledSources(db);
      const rows = (await bridgeRows(db)).filter(({ id }) => !disabled.has(id));
      return rows.map(open).filter((each) => each !== null);
    },
    async get(id: string): Promise<T> {
      const row = (await disabledSources(db)).has(id) ? null : await bridgeRow(db, id);
      const found = row === null ? null : open(row);
      if (found === null) throw new ShiminError('bridge_off', { status: 403, detail: { bridge: id } });
      return found;
    },
  });
  return {
    bridges: {
      ...door(bridgeOf),
      // Also while it is switched off: the upstream reads them whenever it likes.
      async publicKeys(id) {
        const row = await bridgeRow(db, id);
        const module = bridgeModules.find(({ traits }) => traits.id === id);
        if (row === null || !module?.publicKeys) return null;
        return module.publicKeys(openSettings(keyring, id, row.sealedSettings));
      },
    },
    checks: door(checkOf),
    healthy: (id) => upstreams.get(id)?.healthy() ?? null,
    close() {
      for (const upstream of upstreams.values()) upstream.close();
    },
  };
}

interface Ports {
  readonly upstream: Upstream;
  readonly allowLoopback: boolean;
  readonly clock: Clock;
}
