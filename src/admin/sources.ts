import type { Context } from 'koa';
import { z } from 'zod';
import { may } from '../commands/permissions.ts';
import { proposeChange } from '../commands/propose-change.ts';
import { killSource } from '../commands/switch-source.ts';
import { ShiminError } from '../lib/errors.ts';
import { bridgeRow, bridgeRows } from '../storage/bridges.ts';
import { builtInSources, sourceSwitches } from '../storage/sources.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { type AdminHandler, type AdminRoute, byOf, doneKey, page, param, type Staff } from './context.ts';
import type { AdminDeps } from './deps.ts';
import { namesOf } from './names.ts';

const path = '/admin/sources';

const show: AdminHandler = async (deps, ctx, staff) => render(deps, ctx, staff, {}, 200);

async function render(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  again: { errors?: Record<string, string>; wrong?: string },
  status: number,
): Promise<void> {
  const switches = await sourceSwitches(deps.db);
  const nameOf = await namesOf(
    deps,
    switches.map((source) => source.changedBy),
  );
  const health = deps.health();
  const bridges = (await bridgeRows(deps.db)).map(({ id }) => id);
  const ids = [...new Set<string>([...builtInSources, ...bridges, ...switches.map(({ id }) => id)])];
  page(
    deps,
    ctx,
    staff,
    'sources',
    {
      sources: ids.map((id) => {
        const known = switches.find((source) => source.id === id);
        return {
          id,
          enabled: known?.enabled ?? true,
          healthy: health[id] ?? deps.healthy(id),
          changed: known ? { at: known.changedAt, by: nameOf(known.changedBy), reason: known.reason } : null,
          waiting: known?.needsSecond ?? null,
        };
      }),
      canSwitch: may(staff.roles, 'source.switch'),
      canKill: may(staff.roles, 'source.kill'),
      done: doneKey(ctx, ['killed', 'proposed']),
      ...again,
    },
    { status },
  );
}

const form = z.object({ reason: z.string().trim().min(1).max(500) });

/** A source is one of ours or has a switch: an id from the address can't make a row of its own. */
async function knownSource(deps: AdminDeps, ctx: Context): Promise<string> {
  const id = param(ctx, 'id');
  const known =
    builtInSources.some((name) => name === id) ||
    (await bridgeRow(deps.db, id)) !== null ||
    (await sourceSwitches(deps.db)).some((row) => row.id === id);
  if (!known) throw new ShiminError('not_found', { status: 404 });
  return id;
}

const kill: AdminHandler = async (deps, ctx, staff) => {
  const source = await knownSource(deps, ctx);
  const given = parseForm(form, ctx.request.body);
  if (!given.ok) return render(deps, ctx, staff, { errors: { [`kill-${source}`]: 'errors.field_required' } }, 422);
  await killSource(deps, { by: byOf(ctx, staff), source, reason: given.value.reason });
  return seeOther(ctx, `${path}?done=killed`);
};

const propose =
  (enabled: boolean): AdminHandler =>
  async (deps, ctx, staff) => {
    const source = await knownSource(deps, ctx);
    const given = parseForm(form, ctx.request.body);
    if (!given.ok) return render(deps, ctx, staff, { errors: { [`switch-${source}`]: 'errors.field_required' } }, 422);
    const what = { kind: 'source', payload: { source, enabled, killed: false } } as const;
    await proposeChange(deps, { by: byOf(ctx, staff), what, reason: given.value.reason });
    return seeOther(ctx, `${path}?done=proposed`);
  };

export const sourceRoutes: readonly AdminRoute[] = [
  { method: 'get', path, operation: 'source.read', handler: show },
  { method: 'post', path: `${path}/:id/kill`, operation: 'source.kill', handler: kill },
  { method: 'post', path: `${path}/:id/on`, operation: 'source.switch', handler: propose(true) },
  { method: 'post', path: `${path}/:id/off`, operation: 'source.switch', handler: propose(false) },
];
