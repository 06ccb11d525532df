import type { Context } from 'koa';
import { groupCode } from '../commands/counter-rules.ts';
import { counterCategories, documentsFor } from '../identity/counter.ts';
import { codeOf, liveCaseOf } from '../storage/counter-cases.ts';
import { findCounter, listCounters } from '../storage/counters.ts';
import { qrSvg } from '../web/qr.ts';
import type { JourneyDeps } from './deps.ts';
import type { Situation } from './gather.ts';

/** How many officials the chosen way needs. */
export const officialsFor = ({ state }: Situation) => (state.way.includes('counter_two') ? 2 : 1);

/** The page on the way over a counter: what it is, then the code. It looks again by itself, so that the result is seen. */
export async function counterData(
  deps: JourneyDeps,
  ctx: Context,
  situation: Situation,
  accountId: string,
): Promise<object> {
  const officials = officialsFor(situation);
  const live = await liveCaseOf(deps.db, accountId);
  const current = live !== null && live.expiresAt > deps.clock() && live.officials >= officials ? live : null;
  const code = current === null ? null : await codeOf(deps.db, deps.keyring, current);
  if (current === null || code === null) {
    const counters = (await listCounters(deps.db)).filter(({ open }) => open);
    const bring = counterCategories.map((category) => ({ category, documents: documentsFor[category] }));
    return { officials, live: null, counters, bring };
  }
  ctx.set('Refresh', `5; url=${situation.base}`);
  const at = current.heldCounter === null ? null : await findCounter(deps.db, current.heldCounter);
  const { status, expiresAt } = current;
  return {
    officials,
    live: { status, code: groupCode(code), qrSvg: qrSvg(code), expiresAt, at: at?.names ?? null, looking: true },
    counters: [],
    bring: [],
  };
}
