import { blindIndex } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { clear, hit } from '../storage/throttle.ts';
import type { AdminDeps } from './deps.ts';

/**
 * Limits of entering codes, right ones and wrong ones alike, so that tries side by side count, too. A code that was right
 * ends the row of tries; the day's limit and the address's don't forget. `register`: a desk is no place to try names and
 * numbers at the population register (security.md E17).
 */
const limits = {
  row: { limit: 10, windowSec: 900, lockSec: 900 },
  day: { limit: 300, windowSec: 24 * 3600, lockSec: 3600 },
  address: { limit: 200, windowSec: 3600, lockSec: 900 },
  register: { limit: 60, windowSec: 3600, lockSec: 3600 },
};
type Limit = keyof typeof limits;

const bucketOf = (deps: AdminDeps, name: Limit, key: string) =>
  `counter-${name}:${blindIndex(deps.keyring, 'throttle', key)}`;

/**
 * Counts one try.
 * @throws ShiminError `too_many_requests` with `retryAfter`
 */
export async function count(deps: AdminDeps, name: Limit, key: string): Promise<void> {
  const rule = { bucket: bucketOf(deps, name, key), ...limits[name], now: deps.clock() };
  const { allowed, retryAfterSec } = await hit(deps.db, rule);
  if (!allowed)
    throw new ShiminError('too_many_requests', { status: 429, retryAfter: retryAfterSec, detail: { limit: name } });
}

export const forget = (deps: AdminDeps, name: Limit, key: string) => clear(deps.db, bucketOf(deps, name, key));
