import { bridgeModules } from './bridges/index.ts';
import type { Clock } from './lib/clock.ts';
import type { Keyring } from './lib/crypto.ts';
import { checkModules } from './proofing/checks.ts';
import { bridgeRow, openSettings, saveBridge, sealSettings } from './storage/bridges.ts';
import type { Db } from './storage/db.ts';

/** An upstream as the demo's simulators offer it. */
export interface DemoUpstream {
  readonly id: string;
  readonly settings: () => Readonly<Record<string, string>>;
}

/** Points every bridge at its simulator; only the demo and the tests do that. What an admin has set otherwise stays. */
export async function seedBridges(
  deps: { db: Db; keyring: Keyring; clock: Clock },
  upstreams: readonly DemoUpstream[],
): Promise<void> {
  const { db, keyring } = deps;
  for (const { traits, settings: shape } of [...bridgeModules, ...checkModules]) {
    const { id } = traits;
    const upstream = upstreams.find((each) => each.id === id);
    if (!upstream) continue;
    const settings = upstream.settings();
    shape.parse(settings);
    const known = await bridgeRow(db, id);
    if (known && JSON.stringify(openSettings(keyring, id, known.sealedSettings)) === JSON.stringify(settings)) continue;
    const row = {
      id,
      use: known?.use ?? ('sign_in' as const),
      cap: known?.cap ?? null,
      sealedSettings: sealSettings(keyring, id, settings),
      updatedAt: deps.clock(),
      updatedBy: 'seed',
    };
    await saveBridge(db, row, known?.version ?? null);
  }
}
