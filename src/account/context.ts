import type { Context, Middleware, Next } from 'koa';
import { inForce, isCutOff, stops } from '../assurance/interventions.ts';
import { meaningOf } from '../assurance/mapping.ts';
import { type Ceremony, shownIn } from '../commands/bind.ts';
import type { Cause } from '../commands/command.ts';
import { ShiminError } from '../lib/errors.ts';
import { type Account, findAccount } from '../storage/accounts.ts';
import { passkeysOf } from '../storage/authenticators.ts';
import { interventionsOf, openInterventions } from '../storage/interventions.ts';
import { currentPolicy } from '../storage/policies.ts';
import type { AreaSession } from '../web/area-session.ts';
import type { AccountDeps } from './deps.ts';

export type Handler = (deps: AccountDeps, ctx: Context, citizen: SignedIn) => Promise<void>;

export interface SignedIn {
  readonly account: Account;
  readonly session: AreaSession;
}

const fresh = 600;

/** What happened and whom to ask, instead of any page: to whoever was signed in when staff stopped the account. */
async function stopped(deps: AccountDeps, ctx: Context, accountId: string, now: Date): Promise<void> {
  const all = await interventionsOf(deps.db, deps.keyring, accountId);
  const stop = inForce(all, now).find(({ kind, liftedAt }) => liftedAt === null && stops(kind));
  if (!stop) throw new ShiminError('account_suspended', { status: 403 });
  deps.renderer.render(ctx, 'account/stopped', { stop }, { status: 403 });
}

/** Who is signed in to the area; every row a handler touches is looked up under this account (no IDOR). */
export function withCitizen(deps: AccountDeps, handler: Handler): Middleware {
  return async (ctx) => {
    const session: AreaSession | undefined = ctx.state.area;
    const account = session ? await findAccount(deps.db, session.accountId) : null;
    if (!session || account?.status !== 'active') throw new ShiminError('account_suspended', { status: 403 });
    const now = deps.clock();
    const open = inForce(await openInterventions(deps.db, account.id), now);
    if (open.some(({ kind }) => stops(kind))) return stopped(deps, ctx, account.id, now);
    const signedIn = () => handler(deps, ctx, { account, session });
    if (!isCutOff(open, session.authTime)) return signedIn();
    // Signed in before staff asked for a new sign-in: the page waits for it.
    const path = ctx.method === 'GET' ? ctx.originalUrl : '/account';
    await deps.areaSession.requireAcr(await ownFloor(deps), { maxAge: 0, returnTo: path })(ctx, signedIn);
  };
}

/** `phr` of the OpenID EAP ACR values: a policy may do without it. */
const phishingResistant = 'phr';

const knowsLabel = async ({ db }: AccountDeps, label: string): Promise<boolean> =>
  meaningOf((await currentPolicy(db)).document, label) !== null;

/** What the policy demands of whoever signs in here at all. */
async function ownFloor({ db }: AccountDeps): Promise<string> {
  const { document } = await currentPolicy(db);
  return document.apps.account?.floor ?? document.defaultFloor;
}

/** The sign-in to this area, as what is bound here asks for it. */
export async function ceremonyOf(deps: AccountDeps, { accountId, sid, signIns }: AreaSession): Promise<Ceremony> {
  const session = sid === null ? null : await deps.sessionOfSid(accountId, sid);
  const times = signIns.map(({ since, until }) => ({ since: new Date(since), until: new Date(until) }));
  return { kind: 'area', session, times };
}

/** Before a change: signed in within ten minutes, by passkey where the account has one (ASVS 7.5.1). `returnTo`: where to go on. */
export function freshly(deps: AccountDeps, returnTo: string): Middleware {
  return async (ctx, next) => signedInFor(deps, ctx, next, returnTo, fresh);
}

/**
 * The same before a change of the ways in, by a sign-in to this area: one to another app, however lately, is none, and the
 * person signs in once more. What the change itself takes, its command asks.
 */
export function freshlyHere(deps: AccountDeps, returnTo: string): Middleware {
  return freshlySince(deps, returnTo, async () => null);
}

/** The same, and not before a moment: null where any sign-in to this area does. */
export function freshlySince(
  deps: AccountDeps,
  returnTo: string,
  sinceOf: (accountId: string) => Promise<Date | null>,
): Middleware {
  return async (ctx, next) => {
    const session: AreaSession | undefined = ctx.state.area;
    const since = session ? await sinceOf(session.accountId) : null;
    const shown = session && (await shownIn(deps.db, session.accountId, await ceremonyOf(deps, session), deps.clock()));
    const counts = shown?.some(({ at }) => since === null || at >= since) === true;
    await signedInFor(deps, ctx, next, returnTo, counts ? fresh : 0);
  };
}

async function signedInFor(deps: AccountDeps, ctx: Context, next: Next, returnTo: string, maxAge: number) {
  const session: AreaSession | undefined = ctx.state.area;
  const hasPasskey = session !== undefined && (await passkeysOf(deps.db, session.accountId)).length > 0;
  const acr = hasPasskey && (await knowsLabel(deps, phishingResistant)) ? phishingResistant : await ownFloor(deps);
  await deps.areaSession.requireAcr(acr, { maxAge, returnTo })(ctx, next);
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
