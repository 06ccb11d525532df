import type { Context } from 'koa';
import { blindIndex } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { hit } from '../storage/throttle.ts';
import type { JourneyDeps } from './deps.ts';

interface Limit {
  readonly limit: number;
  readonly windowSec: number;
  readonly lockSec: number;
}

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * Limits per account or target, and per address (reference/security.md B01-B06, E17, F-77). The account's limit stays
 * well under the 100 consecutive failures of SP 800-63B-4 3.2.2; the lock ends by itself, and a passkey still works.
 */
export const limits = {
  passwordTarget: { limit: 10, windowSec: hour, lockSec: 15 * minute },
  passwordAddress: { limit: 60, windowSec: hour, lockSec: 15 * minute },
  totpAccount: { limit: 10, windowSec: hour, lockSec: 15 * minute },
  recoveryAccount: { limit: 5, windowSec: hour, lockSec: hour },
  smsTarget: { limit: 5, windowSec: hour, lockSec: hour },
  smsAddress: { limit: 30, windowSec: hour, lockSec: hour },
  codeTarget: { limit: 10, windowSec: hour, lockSec: hour },
  passkeyAddress: { limit: 300, windowSec: hour, lockSec: 5 * minute },
  bridgeAddress: { limit: 120, windowSec: hour, lockSec: 15 * minute },
  bridgeTarget: { limit: 20, windowSec: hour, lockSec: hour },
  qrAddress: { limit: 300, windowSec: hour, lockSec: 5 * minute },
  registerAccount: { limit: 10, windowSec: day, lockSec: hour },
  registerTarget: { limit: 10, windowSec: day, lockSec: day },
  registerAddress: { limit: 100, windowSec: day, lockSec: hour },
} as const satisfies Record<string, Limit>;

/**
 * Counts one try. The key is hashed, so that the table holds no number and no address.
 * @throws ShiminError `too_many_requests` with `retryAfter`
 */
export async function count(deps: JourneyDeps, name: keyof typeof limits, key: string): Promise<void> {
  const limit = limits[name];
  const bucket = `${name}:${blindIndex(deps.keyring, 'throttle', key)}`;
  const { allowed, retryAfterSec } = await hit(deps.db, { bucket, ...limit, now: deps.clock() });
  if (!allowed)
    throw new ShiminError('too_many_requests', { status: 429, retryAfter: retryAfterSec, detail: { limit: name } });
}

/** One try from the address that the request came from. */
export function countAddress(deps: JourneyDeps, ctx: Context, name: keyof typeof limits): Promise<void> {
  return count(deps, name, deps.clientAddress(ctx));
}
