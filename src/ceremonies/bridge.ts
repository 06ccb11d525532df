import type { Context } from 'koa';
import { type UpstreamFacts, upstreamFacts } from '../assurance/upstream-facts.ts';
import type { BridgeRefused, BridgeResult, BridgeUnavailable, ExternalIdentity } from '../bridges/bridge.ts';
import type { OpenBridge } from '../bridges/index.ts';
import { arrive, type Departure, depart, departureOf, newState, noteAsked } from '../commands/bridge-pending.ts';
import type { CommandDeps } from '../commands/command.ts';
import { count, uncount } from '../commands/throttles.ts';
import { readNumber } from '../identity/read-number.ts';
import { ShiminError } from '../lib/errors.ts';
import type { BrowserMarks } from '../web/browser-mark.ts';
import { localeOf } from '../web/preferences.ts';
import { qrSvg } from '../web/qr.ts';
import type { Renderer } from '../web/render.ts';

export interface BridgeDeps extends CommandDeps {
  readonly issuer: string;
  readonly renderer: Renderer;
  readonly clientAddress: (ctx: Context) => string;
  readonly browsers: BrowserMarks;
}

/** Whose way to an upstream it is, and where they come back to: each area has pages of its own. */
export interface Trip {
  /** An authorization request, an account, a member of staff. */
  readonly bound: string;
  /** Who is signed in; null: nobody. */
  readonly accountId: string | null;
  /** Path of the page that takes the answer. */
  readonly finish: string;
  /** Path of the page that is shown while the person acts in an app. */
  readonly wait: string;
}

/** What is shown while the person acts in an app; the page looks again by itself. */
export interface Shown {
  readonly link: string | null;
  /** SVG. */
  readonly qr: string | null;
  readonly every: number;
  readonly next: string;
}

export type Started =
  /** The upstream wants to be told something first; `errors` is empty where nothing was typed yet. */
  | { readonly kind: 'asks'; readonly errors: Readonly<Record<string, string>> }
  | { readonly kind: 'leaves'; readonly url: string }
  | { readonly kind: 'waits'; readonly next: string; readonly shown: Shown }
  | { readonly kind: 'over'; readonly result: BridgeRefused | BridgeUnavailable };

/** Said of whom an upstream identified: its own words, and what of them counts. */
export type Ended =
  | { readonly outcome: 'identified'; readonly identity: ExternalIdentity; readonly facts: UpstreamFacts }
  | BridgeRefused
  | BridgeUnavailable;

export type Returned =
  | { readonly kind: 'waits'; readonly shown: Shown }
  /** `leftAs`: who was signed in when they left. */
  | { readonly kind: 'over'; readonly result: Ended; readonly leftAs: string | null };

export const callbackUrl = (issuer: string, bridge: string): string => `${issuer}/bridge/${bridge}/callback`;

/** Somebody sets out for an upstream: counted, what it asks for checked, and what it wants to see again kept. */
export async function startBridge(
  deps: BridgeDeps,
  ctx: Context,
  { open, trip, level, fresh }: { open: OpenBridge; trip: Trip; level: string | null; fresh: boolean },
): Promise<Started> {
  const { id } = open.traits;
  await count(deps, 'bridgeAddress', deps.clientAddress(ctx));
  const { input, errors } = inputOf(deps, ctx, open);
  if (Object.keys(input).length < open.traits.asks.length) return { kind: 'asks', errors };
  // Whoever tries other people's numbers is stopped by the number, too.
  for (const value of Object.values(input)) await count(deps, 'bridgeTarget', value);
  const state = newState();
  const started = await open.bridge.start({
    redirectUri: callbackUrl(deps.issuer, id),
    state,
    level,
    locale: localeOf(ctx, deps.renderer.i18n),
    fresh,
    sameDevice: ctx.get('Sec-CH-UA-Mobile') === '?1' || /Mobile|Android|iPhone/.test(ctx.get('User-Agent')),
    userAgent: ctx.get('User-Agent'),
    input,
  });
  if (started.outcome === 'unavailable' || started.outcome === 'refused') return { kind: 'over', result: started };
  const { bound, accountId } = trip;
  const departure = { bridge: id, bound, accountId, browser: deps.browsers.make(ctx), keep: started.keep };
  if (started.outcome === 'started') {
    await depart(deps, state, { ...departure, to: trip.finish, waiting: null });
    return { kind: 'leaves', url: started.url };
  }
  const { link, qr, every, until } = started.waiting;
  const waiting = { link, qr, every, until: until.getTime(), askedAt: deps.clock().getTime() };
  // Apps that give the person back to the browser come by the callback, too: it leads to where they wait.
  await depart(deps, state, { ...departure, to: trip.wait, waiting });
  return { kind: 'waits', next: nextOf(trip, state), shown: shownOf(trip, state, waiting) };
}

const nextOf = (trip: Trip, state: string) => `${trip.wait}?state=${state}`;
const shownOf = (trip: Trip, state: string, { link, qr, every }: NonNullable<Departure['waiting']>): Shown => ({
  link,
  qr: qr === null ? null : qrSvg(qr),
  every,
  next: nextOf(trip, state),
});

/** What the upstream wants to be told beforehand: what is well formed of it, and what to mend. */
function inputOf(deps: BridgeDeps, ctx: Context, { traits }: OpenBridge) {
  const input: Record<string, string> = {};
  const errors: Record<string, string> = {};
  const day = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(deps.clock()).replaceAll('-', '');
  const body: unknown = ctx.request.body;
  for (const { name, type } of traits.asks) {
    const given: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
    const read = readNumber(type, typeof given === 'string' ? given : '', day);
    if (read.ok) input[name] = read.number;
    // Come from a list of ways, where nothing was asked yet: no reproach.
    else if (given !== undefined) errors[name] = 'errors.number_invalid';
  }
  return { input, errors };
}

/**
 * Somebody comes back, or looks whether they are done in the app: the answer is taken once, in the browser they left in, and
 * the upstream is asked no oftener than it wants.
 * @throws ShiminError `ceremony_expired` for an unknown, late or taken departure, or somebody else's
 */
export async function returnFromBridge(
  deps: BridgeDeps,
  ctx: Context,
  { open, trip }: { open: OpenBridge; trip: Trip },
): Promise<Returned> {
  const { state } = ctx.query;
  const { bound, accountId } = trip;
  const expected = { bridge: open.traits.id, bound, accountId, browser: deps.browsers.of(ctx) };
  const departure = await departureOf(deps, state, expected);
  if (departure === null || typeof state !== 'string') throw new ShiminError('ceremony_expired', { status: 400 });
  const take = async () => {
    const own = await arrive(deps, state, expected);
    if (own === null) throw new ShiminError('ceremony_expired', { status: 400 });
    return own;
  };
  const { waiting } = departure;
  if (waiting === null || !open.bridge.poll) {
    const own = await take();
    const url = new URL(`${callbackUrl(deps.issuer, own.bridge)}${ctx.search}`);
    return over(deps, ctx, open, own, await open.bridge.finish(url, own.keep));
  }
  const now = deps.clock().getTime();
  if (now >= waiting.until) return over(deps, ctx, open, await take(), { outcome: 'refused', reason: 'expired' });
  if (now - waiting.askedAt >= waiting.every * 1000) {
    await noteAsked(deps, state, departure);
    const result = await open.bridge.poll(departure.keep);
    if (result.outcome !== 'pending') return over(deps, ctx, open, await take(), result);
  }
  return { kind: 'waits', shown: shownOf(trip, state, waiting) };
}

async function over(
  deps: BridgeDeps,
  ctx: Context,
  open: OpenBridge,
  { accountId: leftAs, leftAt, waiting }: Departure,
  result: BridgeResult,
): Promise<Returned> {
  if (result.outcome !== 'identified') return { kind: 'over', result, leftAs };
  await uncount(deps, 'bridgeAddress', deps.clientAddress(ctx));
  // What is asked on the person's own device is itself the sign-in.
  const since = waiting === null && leftAt !== undefined ? new Date(leftAt) : null;
  const facts = upstreamFacts(open.traits, open.cap, result.identity, deps.clock(), since);
  return { kind: 'over', result: { ...result, facts }, leftAs };
}

/** The page moves on by itself: a redirect after a form would need every upstream in form-action. */
export const movesOn = (ctx: Context, url: string, seconds = 0): void => ctx.set('Refresh', `${seconds}; url=${url}`);
