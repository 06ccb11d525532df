import type { BridgeCap } from '../assurance/bridge-worth.ts';
import type { Clock } from '../lib/clock.ts';
import type { Upstream } from '../lib/http.ts';
import type { Bridge, BridgeModule, BridgeTraits } from './bridge.ts';
import { guangdong } from './guangdong/index.ts';
import { singpass } from './singpass/index.ts';

/** Every bridge there is: one line each. */
export const bridgeModules: readonly BridgeModule[] = [guangdong, singpass];

/** A bridge that is set up and switched on. */
export interface OpenBridge {
  readonly traits: BridgeTraits;
  /** Opens accounts, or only adds proof to them. */
  readonly use: 'sign_in' | 'link_only';
  readonly cap: BridgeCap | null;
  /** False while nobody asks it because it does not answer. */
  readonly healthy: boolean;
  readonly bridge: Bridge;
}

/** The areas' view of all bridges; the composition root binds it to their settings. */
export interface BridgeDoor {
  /** Those that are set up and on. */
  list(): Promise<readonly OpenBridge[]>;
  /** @throws ShiminError `bridge_off` for one that is switched off, or never was set up. */
  get(id: string): Promise<OpenBridge>;
}

export interface StoredBridge {
  readonly id: string;
  readonly version: number;
  readonly use: 'sign_in' | 'link_only';
  readonly cap: BridgeCap | null;
}

/**
 * Opens bridges and keeps each open while its version stays: discovery and keys are not fetched anew for every sign-in.
 * `upstreamOf` is asked once for each, so that a circuit outlives a change of settings.
 */
export function bridgeOpener(ports: {
  readonly upstreamOf: (id: string) => Upstream;
  readonly allowLoopback: boolean;
  readonly clock: Clock;
  readonly modules?: readonly BridgeModule[];
}) {
  const { upstreamOf, allowLoopback, clock, modules = bridgeModules } = ports;
  const upstreams = new Map<string, Upstream>();
  const opened = new Map<string, { version: number; bridge: Bridge }>();
  const upstreamFor = (id: string) => {
    const known = upstreams.get(id) ?? upstreamOf(id);
    upstreams.set(id, known);
    return known;
  };
  return {
    healthy: (id: string): boolean | null => upstreams.get(id)?.healthy() ?? null,
    /** Null for a row of a bridge that this version does not have. `settings` is called only when it has to be opened. */
    open(row: StoredBridge, settings: () => unknown): OpenBridge | null {
      const module = modules.find(({ traits }) => traits.id === row.id);
      if (!module) return null;
      const upstream = upstreamFor(row.id);
      const known = opened.get(row.id);
      const bridge =
        known?.version === row.version ? known.bridge : module.open(settings(), { upstream, allowLoopback, clock });
      opened.set(row.id, { version: row.version, bridge });
      return { traits: module.traits, use: row.use, cap: row.cap, healthy: upstream.healthy(), bridge };
    },
  };
}
