import type { Context } from 'koa';
import { notAccepted } from '../assurance/accepted.ts';
import { parseBridgeStep } from '../assurance/bridge-offers.ts';
import type { Region } from '../bridges/bridge.ts';
import type { OpenBridge } from '../bridges/index.ts';
import { identitiesOf } from '../storage/external-identities.ts';
import { readCookie } from '../web/cookies.ts';
import { localeOf } from '../web/preferences.ts';
import { pendingUpstream } from './binding.ts';
import { lastWayCookie } from './bridge-cookie.ts';
import type { JourneyDeps } from './deps.ts';
import type { Situation } from './gather.ts';

const regionsByLocale: Readonly<Record<string, readonly Region[]>> = {
  'zh-Hans': ['mainland'],
  'zh-Hant': ['hong_kong', 'macao', 'taiwan'],
  pt: ['macao'],
  en: ['singapore', 'hong_kong'],
};

/**
 * Ways in over other services: what this device's user took last, then those that this app can use, then those of the
 * reader's region.
 */
export async function signInBridges(deps: JourneyDeps, ctx: Context, situation: Situation) {
  const { citizen } = situation;
  // Whoever signs in once more does so by what they have.
  const own = citizen && new Set((await identitiesOf(deps.db, citizen.account.id)).map(({ bridge }) => bridge));
  const bridges = (await deps.bridges.list()).filter((open) => isWayIn(open) && (own?.has(open.traits.id) ?? true));
  const last = readCookie(ctx, lastWayCookie);
  const regions = regionsByLocale[localeOf(ctx, deps.renderer.i18n)] ?? [];
  const rank = ({ traits }: OpenBridge) => {
    const region = regions.indexOf(traits.region);
    const accepted = notAccepted(situation.requirement, { kind: 'upstream', source: traits.id, category: null });
    return (traits.id === last ? 0 : 1_000) + (accepted === 'source_denied' ? 100 : 0) + (region < 0 ? 10 : region);
  };
  return bridges
    .toSorted((a, b) => rank(a) - rank(b) || (a.traits.id < b.traits.id ? -1 : 1))
    .map(({ traits, healthy }) => ({ id: traits.id, last: traits.id === last, healthy, asks: traits.asks.length > 0 }));
}

const far: ReadonlySet<string> = new Set(['unionpay', 'carrier', 'counter', 'counter_two']);

/** What people who read this language mostly have, first: papers of the mainland, permits, or neither. */
export async function nearness(deps: JourneyDeps, ctx: Context): Promise<(step: string) => number> {
  const locale = localeOf(ctx, deps.renderer.i18n);
  const regions = regionsByLocale[locale] ?? [];
  const byId = new Map((await deps.bridges.list()).map(({ traits }) => [traits.id, traits.region]));
  const permits = locale === 'zh-Hant';
  return (step) => {
    if (step === 'population') return permits ? 2 : 0;
    if (step === 'exit-entry') return permits ? 0 : 2;
    const bridge = parseBridgeStep(step);
    // A journey to a counter is for whom nothing else is left.
    if (bridge === null) return far.has(step) ? 3 : 0;
    const region = byId.get(bridge.id) ?? 'any';
    return regions.includes(region) ? 1 : region === 'any' || region === 'mainland' ? 2 : 3;
  };
}

const isWayIn = ({ use, traits }: OpenBridge) =>
  use === 'sign_in' && traits.levels.some(({ worth }) => worth.authentication !== null);

/** What the pages about one bridge show. */
export async function bridgeData(
  deps: JourneyDeps,
  ctx: Context,
  situation: Situation,
  page: string,
  at?: string,
): Promise<object> {
  const { state } = situation;
  if (page === 'bridge-refused') return { bridge: state.notice?.bridge ?? '', reason: state.notice?.reason ?? '' };
  if (page === 'bridge-new' || page === 'bridge-link') {
    const facts = pendingUpstream(situation, deps.clock());
    return { bridge: facts?.bridge ?? '', name: facts?.claims.name ?? facts?.claims.latinName ?? null };
  }
  const step = at === undefined ? null : parseBridgeStep(at);
  const bridge = typeof ctx.state.bridge === 'string' ? ctx.state.bridge : (step?.id ?? '');
  // What the ceremony says is to be shown: link, code to scan, where to look again.
  if (page === 'bridge-wait') return { bridge, ...ctx.state.shown };
  const open = (await deps.bridges.list()).find(({ traits }) => traits.id === bridge);
  return { bridge, asks: open?.traits.asks ?? [], minutes: open?.traits.minutes ?? 0 };
}
