import type { Context, Middleware } from 'koa';
import { inForce, isCutOff, stops } from '../assurance/interventions.ts';
import type { By } from '../commands/change-rules.ts';
import type { Cause } from '../commands/command.ts';
import { isRole, may, type Operation, type Role } from '../commands/permissions.ts';
import { refuseStaff } from '../commands/refuse-staff.ts';
import type { Params } from '../i18n/index.ts';
import { ShiminError } from '../lib/errors.ts';
import { findAccount } from '../storage/accounts.ts';
import { openInterventions } from '../storage/interventions.ts';
import { rolesOf } from '../storage/staff.ts';
import type { AreaSession } from '../web/area-session.ts';
import { localeOf } from '../web/preferences.ts';
import type { AdminDeps } from './deps.ts';
import { navFor } from './nav.ts';

/** What every page of the console asks: user-verified, phishing-resistant, bound to a device (SP 800-63B-4 AAL3). */
export const staffAcr = 'phrh';
/** Seconds since the passkey for a page from which something is changed, and for the change itself: time to fill it in. */
const fresh = { page: 15 * 60, change: 30 * 60 };

export interface Staff {
  readonly accountId: string;
  readonly roles: readonly Role[];
  readonly session: AreaSession;
}

export type AdminHandler = (deps: AdminDeps, ctx: Context, staff: Staff) => Promise<void>;

/** One endpoint of the console. Pages export arrays of these; `index.ts` collects them and puts `withStaff` before each. */
export interface AdminRoute {
  readonly method: 'get' | 'post';
  readonly path: string;
  /** `anyone`: signed in as staff must be, with or without a role; only for taking a role up. */
  readonly operation: Operation | 'anyone';
  /** Needs a sign-in of the last minutes: every change, and the pages whose forms make one. Default: every POST. */
  readonly fresh?: boolean;
  readonly handler: AdminHandler;
}

/**
 * The one door: signed in, an active account, a role that may do this; else 403 and a line in the audit. Roles are read
 * anew at each request, so a role taken away is gone at the next click.
 */
export function withStaff(deps: AdminDeps, operation: Operation | 'anyone', handler: AdminHandler): Middleware {
  return async (ctx) => {
    const session: AreaSession | undefined = ctx.state.area;
    const account = session ? await findAccount(deps.db, session.accountId) : null;
    const open = account ? inForce(await openInterventions(deps.db, account.id), deps.clock()) : [];
    if (!session || account?.status !== 'active' || open.some(({ kind }) => stops(kind)))
      throw new ShiminError('account_suspended', { status: 403 });
    // Signed in before a colleague asked for a new sign-in.
    if (isCutOff(open, session.authTime)) {
      const again = deps.areaSession.requireAcr(staffAcr, { maxAge: 0, returnTo: '/admin' });
      return again(ctx, async () => ctx.redirect('/admin'));
    }
    const roles = (await rolesOf(deps.db, account.id)).filter(isRole);
    if (operation !== 'anyone' && !may(roles, operation)) {
      await refuseStaff(deps, { accountId: account.id, operation, roles, method: ctx.method, cause: causeOf(ctx) });
      throw new ShiminError('forbidden', { status: 403, detail: { operation } });
    }
    await handler(deps, ctx, { accountId: account.id, roles, session });
  };
}

/** Signed in anew, by the same passkey, before a change (ASVS 7.5.1). */
export function freshly(deps: AdminDeps, route: AdminRoute): Middleware {
  return (ctx, next) => {
    const maxAge = route.method === 'get' ? fresh.page : fresh.change;
    // A POST is `<page>/<verb>`: back to the page.
    return deps.areaSession.requireAcr(staffAcr, { maxAge, returnTo: ctx.path.replace(/\/[^/]+$/, '') })(ctx, next);
  };
}

/** A page of the console: the frame's own values are added to the page's. */
export function page(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  view: string,
  data: object,
  options: { status?: number } = {},
): void {
  const { nav, current } = navFor(staff.roles, ctx.path);
  deps.renderer.render(
    ctx,
    `admin/${view}`,
    { nav, current, roles: staff.roles, base: '/admin', done: null, ...data },
    options,
  );
}

export function causeOf(ctx: Context): Cause {
  return { requestId: typeof ctx.state.requestId === 'string' ? ctx.state.requestId : null, clientId: 'admin' };
}

/** A notice by a key of a closed list: the address can't make the page say anything else. */
export function doneKey(ctx: Context, allowed: readonly string[]): string | null {
  const { done } = ctx.query;
  return typeof done === 'string' && allowed.includes(done) ? `admin.done.${done}` : null;
}

export function param(ctx: Context, name: string): string {
  const params: unknown = Reflect.get(ctx, 'params');
  const value: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, name) : undefined;
  return typeof value === 'string' ? value : '';
}

export function query(ctx: Context, name: string): string | undefined {
  const value = ctx.query[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The reader's words, for what a page is handed finished. */
export function wordsOf(deps: AdminDeps, ctx: Context): (key: string, params?: Params) => string {
  const { i18n } = deps.renderer;
  const locale = localeOf(ctx, i18n);
  return (key, params) => i18n.t(locale, key, params);
}

export const byOf = (ctx: Context, staff: Staff): By => ({ accountId: staff.accountId, cause: causeOf(ctx) });
