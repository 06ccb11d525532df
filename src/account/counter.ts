import type Router from '@koa/router';
import { z } from 'zod';
import { cancelCounterCase } from '../commands/counter-cancel.ts';
import { openCounterCase } from '../commands/counter-open.ts';
import { caseNumber, claimedElsewhere, groupCode } from '../commands/counter-rules.ts';
import { count } from '../commands/throttles.ts';
import { counterCategories, documentsFor } from '../identity/counter.ts';
import { ShiminError } from '../lib/errors.ts';
import { type CounterCase, caseById, casesOf, codeOf } from '../storage/counter-cases.ts';
import { listCounters } from '../storage/counters.ts';
import { personOf } from '../storage/persons.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { qrSvg } from '../web/qr.ts';
import { causeOf, doneKey, freshly, type Handler, param, withCitizen } from './context.ts';
import type { AccountDeps } from './deps.ts';

const page = '/account/counter';
/** Half an hour of looking every five seconds. */
const maxLooks = 360;

const isLive = ({ status, expiresAt }: CounterCase, now: Date) =>
  (status === 'open' || status === 'half') && expiresAt > now;

/** What the citizen sees a case as; one whose time is over reads so before the housekeeping has been there. */
function statusOf(item: CounterCase, now: Date): string {
  if (isLive(item, now)) return item.status === 'half' ? 'half' : item.holder === null ? 'open' : 'taken';
  if (item.status === 'open') return 'expired';
  if (item.status !== 'half') return item.status;
  return item.reason === claimedElsewhere ? 'expired' : 'confirmed';
}

const counter: Handler = async (deps, ctx, { account }) => {
  const now = deps.clock();
  const [cases, counters] = await Promise.all([casesOf(deps.db, account.id, 10), listCounters(deps.db)]);
  const live = cases.find((item) => isLive(item, now)) ?? null;
  const code = live === null ? null : await codeOf(deps.db, deps.keyring, live);
  // The page looks again by itself, with no script, while something may happen: the result shows within seconds. Not for
  // ever: a page left open must not keep its session from ending (SP 800-63B-4 2.2.3).
  const looks = Number(/^\d{1,3}$/.exec(String(ctx.query.looks ?? ''))?.[0] ?? 0);
  const looking = live !== null && looks < maxLooks;
  if (looking) ctx.set('Refresh', `5; url=${page}?looks=${looks + 1}`);
  const past = cases.filter((item) => item !== live);
  deps.renderer.render(ctx, 'account/counter', {
    live: live === null || code === null ? null : { ...(await liveOf(live, code, counters, now)), looking },
    last:
      live === null && past[0] !== undefined
        ? { id: past[0].id, status: statusOf(past[0], now), reason: past[0].reason }
        : null,
    past: past.map((item) => ({
      id: item.id,
      number: caseNumber(item.id),
      at: item.closedAt ?? item.expiresAt,
      status: statusOf(item, now),
    })),
    counters: counters.filter(({ open }) => open),
    bring: counterCategories.map((category) => ({ category, documents: documentsFor[category] })),
    done: doneKey(ctx, ['account.counter.done_cancelled']),
  });
};

async function liveOf(
  live: CounterCase,
  code: string,
  counters: Awaited<ReturnType<typeof listCounters>>,
  now: Date,
): Promise<object> {
  return {
    status: statusOf(live, now),
    number: caseNumber(live.id),
    officials: live.officials,
    code: groupCode(code),
    qrSvg: qrSvg(code),
    expiresAt: live.expiresAt,
    at: counters.find(({ id }) => id === live.heldCounter)?.names ?? null,
  };
}

/** Asked on a page of its own, so that signing in anew comes before the choice and not after it. */
const choose: Handler = async (deps, ctx) => deps.renderer.render(ctx, 'account/counter-new', {});

const openForm = z.object({ officials: z.enum(['1', '2']) });

const open: Handler = async (deps, ctx, { account }) => {
  const form = parseForm(openForm, ctx.request.body);
  if (!form.ok) throw new ShiminError('form_invalid', { status: 422 });
  await count(deps, 'counterOpen', account.id);
  const officials = form.value.officials === '2' ? 2 : 1;
  await openCounterCase(deps, { accountId: account.id, officials, cause: causeOf(ctx) });
  seeOther(ctx, page);
};

const cancel: Handler = async (deps, ctx, { account }) => {
  const cancelled = await cancelCounterCase(deps, { accountId: account.id, cause: causeOf(ctx) });
  seeOther(ctx, cancelled ? `${page}?done=counter.done_cancelled` : page);
};

/** What came of a case, on a page that can be printed: nobody's data but the reader's own. */
const receipt: Handler = async (deps, ctx, { account }) => {
  const now = deps.clock();
  const found = await caseById(deps.db, param(ctx, 'id'));
  if (found === null || found.accountId !== account.id || isLive(found, now))
    throw new ShiminError('not_found', { status: 404 });
  const [person, counters] = await Promise.all([personOf(deps.db, deps.keyring, account.id), listCounters(deps.db)]);
  const placeOf = (id: string | null) => counters.find((item) => item.id === id)?.names ?? id ?? '';
  const status = statusOf(found, now);
  const visits = [
    { at: found.firstAt, place: placeOf(found.firstCounter) },
    { at: found.secondAt, place: placeOf(found.secondCounter) },
  ].filter(({ at }) => at !== null);
  deps.renderer.render(ctx, 'account/counter-receipt', {
    number: caseNumber(found.id),
    status,
    reason: found.reason,
    openedAt: found.openedAt,
    closedAt: found.closedAt ?? found.expiresAt,
    visits,
    confirmed: status === 'confirmed' ? confirmedOf(found) : null,
    name: person?.name ?? null,
  });
};

function confirmedOf({ category, documentType, secondBy }: CounterCase): object {
  return { officials: secondBy === null ? 1 : 2, category, documentType };
}

/** To the page again after signing in anew, whatever was pressed. */
export function counterRoutes(router: Router, deps: AccountDeps): void {
  const guard = freshly(deps, `${page}/new`);
  router.get(page, withCitizen(deps, counter));
  router.get(`${page}/new`, guard, withCitizen(deps, choose));
  router.post(`${page}/open`, guard, withCitizen(deps, open));
  router.post(`${page}/cancel`, withCitizen(deps, cancel));
  router.get(`${page}/:id`, withCitizen(deps, receipt));
}
