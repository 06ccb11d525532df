import type Router from '@koa/router';
import type { Context } from 'koa';
import type { OpenBridge } from '../bridges/index.ts';
import { type Ended, movesOn, returnFromBridge, startBridge, type Trip } from '../ceremonies/bridge.ts';
import { destinationOf } from '../commands/bridge-pending.ts';
import { ShiminError } from '../lib/errors.ts';
import { seeOther } from '../web/forms.ts';
import { arrived, refuse } from './bridge-arrival.ts';
import { levelWanted } from './bridge-level.ts';
import { type Handler, withSituation } from './context.ts';
import type { JourneyDeps } from './deps.ts';
import type { Situation } from './gather.ts';
import { renderPage } from './pages.ts';

const tripOf = ({ base, interaction, citizen }: Situation, bridge: string): Trip => ({
  bound: interaction.cid,
  accountId: citizen?.account.id ?? null,
  finish: `${base}/bridge/${bridge}/finish`,
  wait: `${base}/bridge/${bridge}/wait`,
});

const start: Handler = async (deps, ctx, situation) => {
  const open = await deps.bridges.get(param(ctx, 'bridge'));
  const { id } = open.traits;
  const trip = tripOf(situation, id);
  if (situation.citizen === null && isStale(situation, open)) return refuse(deps, ctx, situation, id, 'not_fresh');
  const level = levelWanted(situation, open, deps.clock());
  const fresh = trip.accountId !== null || asksAnew(situation);
  const started = await startBridge(deps, ctx, { open, trip, level, fresh });
  switch (started.kind) {
    case 'asks': {
      ctx.state.bridge = id;
      const { errors } = started;
      const status = Object.keys(errors).length > 0 ? 422 : 200;
      return renderPage(deps, ctx, situation, 'bridge-input', { errors, status });
    }
    case 'over':
      return ended(deps, ctx, situation, open, started.result, trip.accountId);
    case 'waits':
      return seeOther(ctx, started.next);
    case 'leaves':
      movesOn(ctx, started.url);
      return deps.renderer.render(ctx, 'journey/bridge-leave', { base: situation.base, bridge: id, url: started.url });
  }
};

/** The request wants a new sign-in, and this upstream can't show that there was one. */
const isStale = (situation: Situation, { traits }: OpenBridge) => traits.keepsSession === true && asksAnew(situation);

/** Of a request that wants a new sign-in an upstream's old session is none either. */
const asksAnew = ({ interaction: { params } }: Situation) =>
  (params.prompt ?? '').split(' ').includes('login') || params.max_age !== undefined;

/**
 * The address that upstreams send people back to. It finds the way to the request that the state belongs to; whether
 * this browser is the one that began it is seen there.
 */
async function callback(deps: JourneyDeps, ctx: Context): Promise<void> {
  const to = await destinationOf(deps, ctx.query.state, param(ctx, 'bridge'));
  if (to === null) throw new ShiminError('ceremony_expired', { status: 400 });
  seeOther(ctx, `${to}${ctx.search}`);
}

/** Whoever comes back with an answer, and whoever looks whether they are done in the app. */
const comeBack: Handler = async (deps, ctx, situation) => {
  const open = await deps.bridges.get(param(ctx, 'bridge'));
  const returned = await returnFromBridge(deps, ctx, { open, trip: tripOf(situation, open.traits.id) });
  if (returned.kind === 'over') return ended(deps, ctx, situation, open, returned.result, returned.leftAs);
  movesOn(ctx, returned.shown.next, returned.shown.every);
  ctx.state.bridge = open.traits.id;
  ctx.state.shown = returned.shown;
  return renderPage(deps, ctx, situation, 'bridge-wait', { errors: {}, status: 200 });
};

async function ended(
  deps: JourneyDeps,
  ctx: Context,
  situation: Situation,
  open: OpenBridge,
  result: Ended,
  /** Who was signed in when they left; null: nobody. */
  leftAs: string | null,
): Promise<void> {
  const { id } = open.traits;
  if (result.outcome === 'unavailable') return refuse(deps, ctx, situation, id, 'unavailable', result.cause);
  if (result.outcome === 'refused') return refuse(deps, ctx, situation, id, result.reason, result.cause);
  const { facts } = result;
  // A new sign-in was asked for, and none was shown: what the upstream says of the person still counts.
  const old = isStale(situation, open) || (asksAnew(situation) && facts.event?.stale === true);
  if (old && situation.citizen === null) return refuse(deps, ctx, situation, id, 'not_fresh');
  return arrived(deps, ctx, situation, open, old ? { ...facts, event: null } : facts, leftAs);
}

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
  router.get('/interaction/:uid/bridge/:bridge/finish', withSituation(deps, comeBack));
  router.get('/interaction/:uid/bridge/:bridge/wait', withSituation(deps, comeBack));
  router.get('/bridge/:bridge/callback', (ctx) => callback(deps, ctx));
  router.get('/bridge/:bridge/jwks.json', (ctx) => publicKeys(deps, ctx));
}
