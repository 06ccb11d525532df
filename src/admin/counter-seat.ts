import { createHmac } from 'node:crypto';
import type { Context } from 'koa';
import { deriveKey, timingSafeEqualStrings } from '../lib/crypto.ts';
import { type Counter, findCounter } from '../storage/counters.ts';
import { hostCookieName, readCookie, setCookie } from '../web/cookies.ts';
import type { Staff } from './context.ts';
import type { AdminDeps } from './deps.ts';

const hours = 12;
const secureOf = (deps: AdminDeps) => deps.issuer.startsWith('https:');
const cookieOf = (deps: AdminDeps) => hostCookieName('shimin_seat', secureOf(deps));

/** Signed for this official: a seat taken by somebody else in the same browser is not theirs. */
const signed = (deps: AdminDeps, staff: Staff, id: string) =>
  createHmac('sha256', deriveKey(deps.keyring, 'counter-seat')).update(`${staff.accountId}\0${id}`).digest('base64url');

/** The counter that the official said they sit at, for one working day; null: they have not, or it is closed now. */
export async function seatOf(deps: AdminDeps, ctx: Context, staff: Staff): Promise<Counter | null> {
  const [id = '', mac = ''] = (readCookie(ctx, cookieOf(deps)) ?? '').split('.');
  if (id === '' || !timingSafeEqualStrings(mac, signed(deps, staff, id))) return null;
  const counter = await findCounter(deps.db, id);
  return counter?.open === true ? counter : null;
}

export function takeSeat(deps: AdminDeps, ctx: Context, staff: Staff, id: string): void {
  setCookie(ctx, cookieOf(deps), `${id}.${signed(deps, staff, id)}`, {
    secure: secureOf(deps),
    maxAgeSec: hours * 3600,
  });
}
