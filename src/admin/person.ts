import type { Context } from 'koa';
import { z } from 'zod';
import { interventionKinds, interventionReasons, liftReasons } from '../assurance/interventions.ts';
import { endSessionsOf } from '../commands/end-sessions-of.ts';
import { intervene } from '../commands/intervene.ts';
import type { InterventionResult } from '../commands/intervention-rules.ts';
import { liftIntervention } from '../commands/lift-intervention.ts';
import { noteLook } from '../commands/note-look.ts';
import { ShiminError } from '../lib/errors.ts';
import { type Account, findAccount } from '../storage/accounts.ts';
import { sessionRecordsOf } from '../storage/sessions.ts';
import { lookOf } from '../storage/staff-looks.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { type AdminHandler, type AdminRoute, byOf, page, param, query, type Staff } from './context.ts';
import type { AdminDeps } from './deps.ts';
import { personFacts } from './person-facts.ts';

const path = '/admin/people/:id';
const doneKeys = ['set', 'lifted', 'ended'];

/**
 * The record that this member of staff looked up a short while ago. Any other is not there, whether or not there is such an
 * account: knowing an id opens nothing.
 */
async function opened(deps: AdminDeps, ctx: Context, staff: Staff): Promise<{ account: Account; reason: string }> {
  const id = param(ctx, 'id');
  const reason = await lookOf(deps.db, staff.accountId, id, deps.clock());
  const account = reason === null ? null : await findAccount(deps.db, id);
  if (reason === null || account === null) throw new ShiminError('not_found', { status: 404 });
  return { account, reason };
}

const show: AdminHandler = async (deps, ctx, staff) => render(deps, ctx, staff, {}, 200);

interface Again {
  readonly errors?: Readonly<Record<string, string>>;
  readonly values?: Readonly<Record<string, string>>;
}

/** Every showing is a line in the audit, which the citizen reads among their own activity. */
async function render(deps: AdminDeps, ctx: Context, staff: Staff, again: Again, status: number): Promise<void> {
  const { account, reason } = await opened(deps, ctx, staff);
  await noteLook(deps, { by: byOf(ctx, staff), accountId: account.id, what: 'person', reason });
  const done = query(ctx, 'done') ?? '';
  page(
    deps,
    ctx,
    staff,
    'person',
    {
      ...(await personFacts(deps, ctx, account)),
      self: account.id === staff.accountId,
      kinds: interventionKinds,
      reasons: interventionReasons,
      liftReasons,
      done: doneKeys.includes(done) ? `people.done.${done}` : null,
      ...again,
    },
    { status },
  );
}

const note = z
  .string()
  .trim()
  .max(500)
  .default('')
  .transform((text) => (text === '' ? null : text));
const setForm = z.object({
  kind: z.enum(interventionKinds, 'errors.field_required'),
  reason: z.enum(interventionReasons, 'errors.field_required'),
  note,
  until: z.union([z.literal(''), z.iso.date()], 'errors.field_invalid').default(''),
});

const set: AdminHandler = async (deps, ctx, staff) => {
  const { account } = await opened(deps, ctx, staff);
  const form = parseForm(setForm, ctx.request.body);
  const values = z.record(z.string(), z.string()).catch({}).parse(ctx.request.body);
  if (!form.ok) return render(deps, ctx, staff, { errors: form.errors, values }, 422);
  const { until, ...wanted } = form.value;
  const result = await intervene(deps, {
    by: byOf(ctx, staff),
    accountId: account.id,
    ...wanted,
    // To the end of that day in the city.
    until: until === '' ? null : new Date(`${until}T23:59:59.999+08:00`),
  });
  return answer(deps, ctx, staff, result, { done: 'set', field: 'kind', values });
};

const liftForm = z.object({
  intervention: z.string().min(1).max(64),
  reason: z.enum(liftReasons, 'errors.field_required'),
  note,
});

const lift: AdminHandler = async (deps, ctx, staff) => {
  const { account } = await opened(deps, ctx, staff);
  const form = parseForm(liftForm, ctx.request.body);
  if (!form.ok) return render(deps, ctx, staff, { errors: { interventions: 'people.denied.not_open' } }, 422);
  const { intervention: id, reason, note: why } = form.value;
  const result = await liftIntervention(deps, {
    by: byOf(ctx, staff),
    accountId: account.id,
    id,
    reason,
    note: why,
  });
  return answer(deps, ctx, staff, result, { done: 'lifted', field: 'interventions', values: {} });
};

const endForm = z.object({ uid: z.string().max(128).default('') });

const end: AdminHandler = async (deps, ctx, staff) => {
  const { account } = await opened(deps, ctx, staff);
  const form = parseForm(endForm, ctx.request.body);
  if (!form.ok) throw new ShiminError('form_invalid', { status: 422 });
  const uid = form.value.uid === '' ? null : form.value.uid;
  const own = uid === null || (await sessionRecordsOf(deps.db, account.id)).some((record) => record.uid === uid);
  if (!own) throw new ShiminError('not_found', { status: 404 });
  const result = await endSessionsOf(deps, { by: byOf(ctx, staff), accountId: account.id, uid });
  return answer(deps, ctx, staff, result, { done: 'ended', field: 'sessions', values: {} });
};

async function answer(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  result: InterventionResult<unknown>,
  { done, field, values }: { done: string; field: string; values: Readonly<Record<string, string>> },
): Promise<void> {
  if ('done' in result) return seeOther(ctx, `/admin/people/${param(ctx, 'id')}?done=${done}`);
  return render(deps, ctx, staff, { errors: { [field]: `people.denied.${result.denied}` }, values }, 409);
}

export const personRoutes: readonly AdminRoute[] = [
  { method: 'get', path, operation: 'person.read', handler: show },
  { method: 'post', path: `${path}/intervene`, operation: 'intervention.set', handler: set },
  { method: 'post', path: `${path}/lift`, operation: 'intervention.set', handler: lift },
  { method: 'post', path: `${path}/end-sessions`, operation: 'intervention.set', handler: end },
];
