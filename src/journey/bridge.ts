import type Router from '@koa/router';
import type { Context } from 'koa';
import { upstreamFacts } from '../assurance/upstream-facts.ts';
import type { BridgeResult, BridgeWaiting } from '../bridges/bridge.ts';
import type { OpenBridge } from '../bridges/index.ts';
import { arrive, depart, destinationOf, newState } from '../commands/bridge-pending.ts';
import { count } from '../commands/throttles.ts';
import { readNumber } from '../identity/read-number.ts';
import { ShiminError } from '../lib/errors.ts';
import { seeOther } from '../web/forms.ts';
import { localeOf } from '../web/preferences.ts';
import { arrived, refuse } from './bridge-arrival.ts';
import { levelWanted } from './bridge-level.ts';
import { type Handler, withSituation } from './context.ts';
import type { JourneyDeps } from './deps.ts';
import type { Situation } from './gather.ts';
import { renderPage } from './pages.ts';
import { saveState } from './state.ts';

export const callbackUrl = (issuer: string, bridge: string) => `${issuer}/bridge/${bridge}/callback`;

const start: Handler = async (deps, ctx, situation) => {
  const open = await deps.bridges.get(param(ctx, 'bridge'));
  const { id } = open.traits;
  await count(deps, 'bridgeAddress', deps.clientAddress(ctx));
  if (situation.citizen === null && isStale(situation, open)) return refuse(deps, ctx, situation, id, 'not_fresh');
  const input = await inputOf(deps, ctx, situation, open);
  if (input === null) return;
  const accountId = situation.citizen?.account.id ?? null;
  const state = newState();
  const started = await open.bridge.start({
    redirectUri: callbackUrl(deps.issuer, id),
    state,
    level: levelWanted(situation, open, deps.clock()),
    locale: localeOf(ctx, deps.renderer.i18n),
    fresh: accountId !== null || asksAnew(situation),
    sameDevice: ctx.get('Sec-CH-UA-Mobile') === '?1' || /Mobile|Android|iPhone/.test(ctx.get('User-Agent')),
    userAgent: ctx.get('User-Agent'),
    input,
  });
  switch (started.outcome) {
    case 'unavailable':
      return refuse(deps, ctx, situation, id, 'unavailable', started.cause);
    case 'refused':
      return refuse(deps, ctx, situation, id, started.reason, started.cause);
    case 'waiting': {
      const to = `${situation.base}/bridge/${id}/wait`;
      await wait(deps, situation, id, started.waiting, started.keep);
      // Apps that give the person back to the browser come by the callback, too: it leads to where they wait.
      await depart(deps, state, { bridge: id, to, bound: situation.interaction.cid, accountId, keep: started.keep });
      return seeOther(ctx, to);
    }
    case 'started': {
      const to = `${situation.base}/bridge/${id}/finish`;
      const bound = situation.interaction.cid;
      await depart(deps, state, { bridge: id, to, bound, accountId, keep: started.keep });
      return leave(deps, ctx, situation, id, started.url);
    }
  }
};

/** The request wants a new sign-in, and this upstream can't show that there was one. */
const isStale = (situation: Situation, { traits }: OpenBridge) => traits.keepsSession === true && asksAnew(situation);

/** Of a request that wants a new sign-in an upstream's old session is none either. */
const asksAnew = ({ interaction: { params } }: Situation) =>
  (params.prompt ?? '').split(' ').includes('login') || params.max_age !== undefined;

/** What the upstream wants to be told beforehand, checked; null: the page was shown again with what to mend. */
async function inputOf(
  deps: JourneyDeps,
  ctx: Context,
  situation: Situation,
  open: OpenBridge,
): Promise<Record<string, string> | null> {
  const input: Record<string, string> = {};
  const errors: Record<string, string> = {};
  let complete = true;
  const day = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(deps.clock()).replaceAll('-', '');
  for (const { name, type } of open.traits.asks) {
    const body: unknown = ctx.request.body;
    const given: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
    const read = readNumber(type, typeof given === 'string' ? given : '', day);
    if (read.ok) input[name] = read.number;
    else {
      complete = false;
      // Come from a list of ways, where nothing was asked yet: the page without a reproach.
      if (given !== undefined) errors[name] = 'errors.number_invalid';
    }
  }
  if (!complete) {
    ctx.state.bridge = open.traits.id;
    const status = Object.keys(errors).length > 0 ? 422 : 200;
    await renderPage(deps, ctx, situation, 'bridge-input', { errors, status });
    return null;
  }
  // Whoever tries other people's numbers is stopped by the number, too (E17).
  for (const value of Object.values(input)) await count(deps, 'bridgeTarget', value);
  return input;
}

/** A page that moves on by itself: a redirect after a form would need every upstream in form-action. */
async function leave(
  deps: JourneyDeps,
  ctx: Context,
  situation: Situation,
  bridge: string,
  url: string,
): Promise<void> {
  ctx.set('Refresh', `0; url=${url}`);
  deps.renderer.render(ctx, 'journey/bridge-leave', { base: situation.base, bridge, url });
}

/**
 * The address that upstreams send people back to. It only finds the way to the request that the state belongs to; whether
 * this browser is the one that began it is seen there, by the interaction's own cookie (D07).
 */
async function callback(deps: JourneyDeps, ctx: Context): Promise<void> {
  const to = await destinationOf(deps, ctx.query.state, param(ctx, 'bridge'));
  if (to === null) throw new ShiminError('ceremony_expired', { status: 400 });
  seeOther(ctx, `${to}${ctx.search}`);
}

const finish: Handler = async (deps, ctx, situation) => {
  const open = await deps.bridges.get(param(ctx, 'bridge'));
  const { id } = open.traits;
  const expected = { bridge: id, bound: situation.interaction.cid, accountId: situation.citizen?.account.id ?? null };
  const own = await arrive(deps, ctx.query.state, expected);
  if (own === null) throw new ShiminError('ceremony_expired', { status: 400 });
  const result = await open.bridge.finish(new URL(`${callbackUrl(deps.issuer, id)}${ctx.search}`), own.keep);
  return concluded(deps, ctx, situation, open, result, own.accountId);
};

async function concluded(
  deps: JourneyDeps,
  ctx: Context,
  situation: Situation,
  open: OpenBridge,
  result: BridgeResult,
  /** Who was signed in when they left; null: nobody. */
  leftAs: string | null,
): Promise<void> {
  const { id } = open.traits;
  if (result.outcome === 'unavailable') return refuse(deps, ctx, situation, id, 'unavailable', result.cause);
  if (result.outcome === 'refused') return refuse(deps, ctx, situation, id, result.reason, result.cause);
  const facts = upstreamFacts(open.traits, open.cap, result.identity, deps.clock());
  return arrived(deps, ctx, situation, open, isStale(situation, open) ? { ...facts, event: null } : facts, leftAs);
}

async function wait(
  deps: JourneyDeps,
  situation: Situation,
  bridge: string,
  { link, qr, every, until }: BridgeWaiting,
  keep: unknown,
): Promise<void> {
  const accountId = situation.citizen?.account.id ?? null;
  const waiting = { bridge, keep, accountId, link, qr, every, until: until.getTime(), askedAt: deps.clock().getTime() };
  await saveState(deps, situation.interaction, { ...situation.state, notice: null, waiting });
}

/** Shows what to do in the app and asks the upstream whether it is done, no oftener than it wants to be asked. */
const waitFor: Handler = async (deps, ctx, situation) => {
  const { waiting } = situation.state;
  const open = await deps.bridges.get(param(ctx, 'bridge'));
  if (waiting?.bridge !== open.traits.id || !open.bridge.poll) return seeOther(ctx, situation.base);
  const now = deps.clock().getTime();
  const clear = { ...situation.state, waiting: null };
  if (now >= waiting.until) {
    await saveState(deps, situation.interaction, clear);
    return refuse(deps, ctx, { ...situation, state: clear }, waiting.bridge, 'expired');
  }
  if (now - waiting.askedAt >= waiting.every * 1000) {
    await saveState(deps, situation.interaction, { ...situation.state, waiting: { ...waiting, askedAt: now } });
    const result = await open.bridge.poll(waiting.keep);
    if (result.outcome !== 'pending') {
      await saveState(deps, situation.interaction, clear);
      return concluded(deps, ctx, { ...situation, state: clear }, open, result, waiting.accountId);
    }
  }
  ctx.set('Refresh', String(waiting.every));
  ctx.state.bridge = open.traits.id;
  return renderPage(deps, ctx, situation, 'bridge-wait', { errors: {}, status: 200 });
};

function param(ctx: Context, name: string): string {
  const params: unknown = Reflect.get(ctx, 'params');
  const value: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, name) : undefined;
  return typeof value === 'string' ? value : '';
}

/** Our public keys, for upstreams that encrypt to us or check who asks. */
async function publicKeys(deps: JourneyDeps, ctx: Context): Promise<void> {
  const keys = await deps.bridges.publicKeys(param(ctx, 'bridge'));
  if (keys === null) throw new ShiminError('not_found', { status: 404 });
  ctx.set('Cache-Control', 'public, max-age=300');
  ctx.type = 'application/jwk-set+json';
  ctx.body = JSON.stringify(keys);
}

/** One set of routes serves every bridge. */
export function bridgeRoutes(router: Router, deps: JourneyDeps): void {
  router.post('/interaction/:uid/bridge/:bridge/start', withSituation(deps, start));
  router.get('/interaction/:uid/bridge/:bridge/finish', withSituation(deps, finish));
  router.get('/interaction/:uid/bridge/:bridge/wait', withSituation(deps, waitFor));
  router.get('/bridge/:bridge/callback', (ctx) => callback(deps, ctx));
  router.get('/bridge/:bridge/jwks.json', (ctx) => publicKeys(deps, ctx));
}
