import { z } from 'zod';
import { type BridgeCap, bridgeCap } from '../assurance/bridge-worth.ts';
import { type Keyring, open, seal } from '../lib/crypto.ts';
import type { Db } from './db.ts';
import { row, time, toMs } from './rows.ts';

/** `sign_in`: a way in of its own; `link_only`: adds proof to an account and opens none (D10). */
export const bridgeUses = ['sign_in', 'link_only'] as const;
export type BridgeUse = (typeof bridgeUses)[number];

/** How a bridge is set up here. Whether it is on is its source's switch (`storage/sources.ts`). */
export interface BridgeRow {
  readonly id: string;
  readonly use: BridgeUse;
  /** How much less than its own ceiling it is trusted; null: no less. */
  readonly cap: BridgeCap | null;
  readonly sealedSettings: string;
  /** Grows with each change; what was opened from an older one is opened anew. */
  readonly version: number;
  readonly updatedAt: Date;
  readonly updatedBy: string;
}

const stored = row({
  id: z.string(),
  use: z.enum(bridgeUses),
  cap: z.string().nullable(),
  sealedSettings: z.string(),
  version: z.number(),
  updatedAt: time,
  updatedBy: z.string(),
});

function toRow(raw: unknown): BridgeRow {
  const { cap, ...rest } = stored.parse(raw);
  return { ...rest, cap: cap === null ? null : bridgeCap.parse(JSON.parse(cap)) };
}

export async function bridgeRows(db: Db): Promise<BridgeRow[]> {
  return (await db('bridges').orderBy('id')).map(toRow);
}

export async function bridgeRow(db: Db, id: string): Promise<BridgeRow | null> {
  const found = await db('bridges').where({ id }).first();
  return found === undefined ? null : toRow(found);
}

const context = (id: string) => `bridge:${id}`;

/** Settings hold the secrets that the upstream knows us by; they are sealed for their bridge alone. */
export const sealSettings = (keyring: Keyring, id: string, settings: Readonly<Record<string, string>>): string =>
  seal(keyring, JSON.stringify(settings), context(id));

export const openSettings = (keyring: Keyring, id: string, sealed: string): Record<string, string> =>
  z.record(z.string(), z.string()).parse(JSON.parse(open(keyring, sealed, context(id))));

/** Writes version `from` + 1, or the first; false when it is not `from` any more. */
export async function saveBridge(tx: Db, bridge: Omit<BridgeRow, 'version'>, from: number | null): Promise<boolean> {
  const values = {
    use: bridge.use,
    cap: bridge.cap === null ? null : JSON.stringify(bridge.cap),
    sealed_settings: bridge.sealedSettings,
    version: (from ?? 0) + 1,
    updated_at: toMs(bridge.updatedAt),
    updated_by: bridge.updatedBy,
  };
  if (from !== null) return (await tx('bridges').where({ id: bridge.id, version: from }).update(values)) === 1;
  const made = await tx('bridges')
    .insert({ id: bridge.id, ...values })
    .onConflict('id')
    .ignore()
    .returning('id');
  return made.length === 1;
}
