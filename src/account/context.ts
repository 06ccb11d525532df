import type { Context, Middleware } from 'koa';
import type { Cause } from '../commands/command.ts';
import { ShiminError } from '../lib/errors.ts';
import { type Account, findAccount } from '../storage/accounts.ts';
import { passkeysOf } from '../storage/authenticators.ts';
import type { AreaSession } from '../web/area-session.ts';
import type { AccountDeps } from './deps.ts';

export type Handler = (deps: AccountDeps, ctx: Context, citizen: SignedIn) => Promise<void>;

export interface SignedIn {
  readonly account: Account;
  readonly session: AreaSession;
}

const fresh = 600;

/** Who is signed in to the area; every row a handler touches is looked up under this account (no IDOR). */
export function withCitizen(deps: AccountDeps, handler: Handler): Middleware {
  return async (ctx) => {
    const session: AreaSession | undefined = ctx.state.area;
    const account = session ? await findAccount(deps.db, session.accountId) : null;
    if (!session || account?.status !== 'active') throw new ShiminError('account_suspended', { status: 403 });
    await handler(deps, ctx, { account, session });
  };
}

/**
 * Before a change: signed in within ten minutes, by passkey where the account has one (ASVS 7.5.1, SP 800-63B-4
 * 4.1.2.1). `returnTo` is where the person goes on after signing in again.
 */
export function freshly(deps: AccountDeps, returnTo: string): Middleware {
  return async (ctx, next) => {
    const session: AreaSession | undefined = ctx.state.area;
    const hasPasskey = session !== undefined && (await passkeysOf(deps.db, session.accountId)).length > 0;
    const acr = hasPasskey ? 'phr' : 'urn:shimin:loa:1';
    await deps.areaSession.requireAcr(acr, { maxAge: fresh, returnTo })(ctx, next);
  };
}

export function causeOf(ctx: Context): Cause {
  return { requestId: typeof ctx.state.requestId === 'string' ? ctx.state.requestId : null, clientId: 'account' };
}

/** A notice that a change was made, by a key of a closed list: the address can't make the page say anything else. */
export function doneKey(ctx: Context, allowed: readonly string[]): string | null {
  const { done } = ctx.query;
  const key = typeof done === 'string' ? `account.${done}` : '';
  return allowed.includes(key) ? key : null;
}

export function param(ctx: Context, name: string): string {
  const params: unknown = Reflect.get(ctx, 'params');
  const value: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, name) : undefined;
  return typeof value === 'string' ? value : '';
}
