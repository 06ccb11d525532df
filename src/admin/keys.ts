import type { Context } from 'koa';
import { z } from 'zod';
import { may } from '../commands/permissions.ts';
import { proposeChange } from '../commands/propose-change.ts';
import { signingKeys } from '../storage/signing-keys.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { type AdminHandler, type AdminRoute, byOf, doneKey, page, type Staff } from './context.ts';
import type { AdminDeps } from './deps.ts';

const path = '/admin/keys';

const show: AdminHandler = async (deps, ctx, staff) => render(deps, ctx, staff, {}, 200);

async function render(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  errors: Record<string, string>,
  status: number,
): Promise<void> {
  const keys = (await signingKeys(deps.db)).filter((key) => key.retiredAt === null);
  page(
    deps,
    ctx,
    staff,
    'keys',
    {
      keys: keys.map(({ kid, alg, status: state, createdAt, activatedAt }) => ({
        kid,
        alg,
        state,
        createdAt,
        activatedAt,
      })),
      canPropose: may(staff.roles, 'keys.propose'),
      done: doneKey(ctx, ['proposed']),
      errors,
    },
    { status },
  );
}

const rotate: AdminHandler = async (deps, ctx, staff) => {
  const form = parseForm(z.object({ reason: z.string().trim().min(1).max(500) }), ctx.request.body);
  if (!form.ok) return render(deps, ctx, staff, form.errors, 422);
  const what = { kind: 'keys', payload: {} } as const;
  await proposeChange(deps, { by: byOf(ctx, staff), what, reason: form.value.reason });
  return seeOther(ctx, `${path}?done=proposed`);
};

export const keyRoutes: readonly AdminRoute[] = [
  { method: 'get', path, operation: 'keys.read', handler: show },
  { method: 'post', path: `${path}/rotate`, operation: 'keys.propose', handler: rotate },
];
