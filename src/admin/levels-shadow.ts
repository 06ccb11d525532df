import type { Context } from 'koa';
import { z } from 'zod';
import { type ShadowOutcome, shadowOutcomes } from '../assurance/shadow.ts';
import { proposalOf } from '../commands/change-payload.ts';
import { may } from '../commands/permissions.ts';
import { setShadow } from '../commands/set-shadow.ts';
import { ShiminError } from '../lib/errors.ts';
import type { Change } from '../storage/changes.ts';
import { currentPolicy } from '../storage/policies.ts';
import { contentKey, type ShadowCount, shadowById, shadowCounts } from '../storage/shadow.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { type AdminHandler, type AdminRoute, byOf, param, query, type Staff, wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';
import { faultsOf } from './levels-draft.ts';
import { policyWords } from './policy-words.ts';

type Sums = Record<ShadowOutcome, number>;

/** What was counted while a draft of the policy was tried; null for a change of another kind, or never tried and closed. */
export async function shadowPart(deps: AdminDeps, ctx: Context, staff: Staff, change: Change): Promise<object | null> {
  const what = proposalOf(change);
  if (what.kind !== 'policy') return null;
  const open = change.status === 'draft' || change.status === 'proposed' || change.status === 'scheduled';
  const shadow = await shadowById(deps.db, change.id);
  if (!open && shadow === null) return null;
  const counts = shadow === null ? [] : await shadowCounts(deps.db, change.id, contentKey(change.payload));
  const { document } = await currentPolicy(deps.db);
  const words = await policyWords(deps, ctx, [document]);
  const on = open && shadow !== null && shadow.stoppedAt === null;
  const faulty = faultsOf(what.payload.document).length > 0;
  const rows = (keyOf: (count: ShadowCount) => string) =>
    [...Map.groupBy(counts, keyOf).values()].flatMap((group) => {
      const [first] = group;
      return first ? [{ app: words.app(first.clientId), day: dayWords(first.day), ...sums(group) }] : [];
    });
  return {
    changeId: change.id,
    on,
    paused: on && faulty,
    since: shadow?.since ?? null,
    stoppedAt: shadow?.stoppedAt ?? null,
    apps: rows(({ clientId }) => clientId),
    days: rows(({ clientId, day }) => `${day} ${clientId}`),
    outcomes: shadowOutcomes,
    canSet: may(staff.roles, 'policy.propose') && open && (on || !faulty),
  };
}

function sums(counts: readonly ShadowCount[]): Sums {
  const total: Sums = { same: 0, stepped_up: 0, refused: 0, lowered: 0 };
  for (const { outcome, count } of counts) {
    const known = shadowOutcomes.find((each) => each === outcome);
    if (known !== undefined) total[known] += count;
  }
  return total;
}

/** 20261123 as 2026-11-23. */
const dayWords = (day: number) => String(day).replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3');

const notices = ['shadow_on', 'shadow_off'];

export function shadowNotice(deps: AdminDeps, ctx: Context): string | null {
  const done = query(ctx, 'done');
  return done !== undefined && notices.includes(done) ? wordsOf(deps, ctx)(`levels.done.${done}`) : null;
}

const set: AdminHandler = async (deps, ctx, staff) => {
  const form = parseForm(z.object({ shadow: z.enum(['on', 'off']) }), ctx.request.body);
  if (!form.ok) throw new ShiminError('form_invalid', { status: 422 });
  const id = param(ctx, 'id');
  const { shadow } = form.value;
  await setShadow(deps, { by: byOf(ctx, staff), id, on: shadow === 'on' });
  seeOther(ctx, `/admin/preview/${id}?done=shadow_${shadow}`);
};

export const shadowRoutes: readonly AdminRoute[] = [
  { method: 'post', path: '/admin/preview/:id/shadow', operation: 'policy.propose', handler: set },
];
