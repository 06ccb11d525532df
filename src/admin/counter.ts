import type { Context } from 'koa';
import { z } from 'zod';
import { takeCounterCase } from '../commands/counter-take.ts';
import { count, forget } from '../commands/throttles.ts';
import { findCounter, listCounters } from '../storage/counters.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { type AdminHandler, type AdminRoute, byOf, page, type Staff } from './context.ts';
import { seatOf, takeSeat } from './counter-seat.ts';
import type { AdminDeps } from './deps.ts';

const path = '/admin/counter';

const show: AdminHandler = async (deps, ctx, staff) => render(deps, ctx, staff, {}, 200);

async function render(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  again: { errors?: Record<string, string> },
  status: number,
): Promise<void> {
  const counters = (await listCounters(deps.db)).filter(({ open }) => open);
  page(deps, ctx, staff, 'counter', { counters, seat: await seatOf(deps, ctx, staff), ...again }, { status });
}

const sit: AdminHandler = async (deps, ctx, staff) => {
  const form = parseForm(z.object({ counter: z.string().min(1).max(32) }), ctx.request.body);
  const counter = form.ok ? await findCounter(deps.db, form.value.counter) : null;
  if (counter?.open !== true)
    return render(deps, ctx, staff, { errors: { counter: 'counter.denied.no_counter' } }, 422);
  takeSeat(deps, ctx, staff, counter.id);
  return seeOther(ctx, path);
};

const take: AdminHandler = async (deps, ctx, staff) => {
  const form = parseForm(z.object({ code: z.string().min(1).max(40) }), ctx.request.body);
  if (!form.ok) return render(deps, ctx, staff, { errors: form.errors }, 422);
  const seat = await seatOf(deps, ctx, staff);
  if (seat === null) return render(deps, ctx, staff, { errors: { counter: 'counter.denied.no_counter' } }, 422);
  await count(deps, 'counterRow', staff.accountId);
  await count(deps, 'counterDay', staff.accountId);
  await count(deps, 'counterAddress', deps.clientAddress(ctx));
  const taken = await takeCounterCase(deps, { by: byOf(ctx, staff), code: form.value.code, counter: seat.id });
  if ('denied' in taken) return render(deps, ctx, staff, { errors: { code: `counter.denied.${taken.denied}` } }, 422);
  await forget(deps, 'counterRow', staff.accountId);
  return seeOther(ctx, `${path}/cases/${taken.done.id}`);
};

export const counterRoutes: readonly AdminRoute[] = [
  { method: 'get', path, operation: 'counter.verify', handler: show },
  { method: 'post', path: `${path}/seat`, operation: 'counter.verify', handler: sit },
  { method: 'post', path: `${path}/take`, operation: 'counter.verify', handler: take },
];
