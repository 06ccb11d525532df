import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { peek, put, take } from '../storage/pending.ts';
import type { CommandDeps } from './command.ts';

const kind = 'bridge';
const lifetimeMs = 10 * 60_000;

const kept = z.object({
  bridge: z.string(),
  to: z.string(),
  bound: z.string(),
  accountId: z.string().nullable(),
  keep: z.unknown(),
});

/** Somebody on their way to an upstream. */
export interface Departure {
  readonly bridge: string;
  /** Path of ours where the answer is taken; that page's own cookie says whether it is the same browser (D07). */
  readonly to: string;
  /** What the departure belongs to: an authorization request, an account, a member of staff. */
  readonly bound: string;
  /** Who was signed in when they left; null: nobody. */
  readonly accountId: string | null;
  /** What the bridge wants to see again. */
  readonly keep: unknown;
}

/** 32 letters and digits, which every upstream takes as `state` (Alipay and WeChat limit it). */
export const newState = (): string => randomBytes(16).toString('hex');

export async function depart(deps: CommandDeps, state: string, departure: Departure): Promise<void> {
  const { accountId, bound } = departure;
  const expiresAt = new Date(deps.clock().getTime() + lifetimeMs);
  const row = { id: state, kind, interactionUid: bound, accountId, payload: departure, expiresAt };
  await put(deps.db, row, deps.keyring);
}

/** Where the answer to this state is taken; null: unknown, late, taken, or another upstream's (mix-up, RFC 9700 4.4). */
export async function destinationOf(deps: CommandDeps, state: unknown, bridge: string): Promise<string | null> {
  if (typeof state !== 'string') return null;
  const found = kept.safeParse(await peek(deps.db, state, kind, deps.clock(), deps.keyring));
  return found.success && found.data.bridge === bridge ? found.data.to : null;
}

/**
 * Takes the departure back, once: of any number of equal callbacks one gets it (D08). Null also where it belongs to
 * something else, or somebody else is signed in by now; it is gone either way.
 */
export async function arrive(
  deps: CommandDeps,
  state: unknown,
  expected: { readonly bridge: string; readonly bound: string; readonly accountId: string | null },
): Promise<Departure | null> {
  if (typeof state !== 'string') return null;
  const found = kept.safeParse(await take(deps.db, state, kind, deps.clock(), deps.keyring));
  if (!found.success) return null;
  const { bridge, bound, accountId } = found.data;
  const same = bridge === expected.bridge && bound === expected.bound;
  return same && (accountId === null || accountId === expected.accountId) ? found.data : null;
}
