import type { Context } from 'koa';
import { z } from 'zod';
import { appActor, appPrefix, appRoles, isAppActor, rolesInMetadata } from '../commands/app-roles.ts';
import { ownAreas } from '../commands/manage-app.ts';
import { isRole, may, roles } from '../commands/permissions.ts';
import { proposeChange } from '../commands/propose-change.ts';
import { normalisePhone } from '../identity/phone.ts';
import { ShiminError } from '../lib/errors.ts';
import { findAccountByContact } from '../storage/accounts.ts';
import { type App, findApp, listApps } from '../storage/apps.ts';
import { rolesOf, staffMembers } from '../storage/staff.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { localeOf } from '../web/preferences.ts';
import { type AdminHandler, type AdminRoute, byOf, doneKey, page, param, type Staff } from './context.ts';
import type { AdminDeps } from './deps.ts';
import { namesOf } from './names.ts';

const path = '/admin/staff';

const show: AdminHandler = async (deps, ctx, staff) => render(deps, ctx, staff, {}, 200);

async function render(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  again: { errors?: Record<string, string>; values?: Record<string, string> },
  status: number,
): Promise<void> {
  const [members, apps] = await Promise.all([staffMembers(deps.db), listApps(deps.db)]);
  const ids = [...new Set(members.map(({ accountId }) => accountId))];
  const nameOf = await namesOf(deps, [...ids, ...members.map(({ grantedBy }) => grantedBy)]);
  const { i18n } = deps.renderer;
  const appName = (app: App) => `${i18n.pick(app.name, localeOf(ctx, i18n))} (${app.id})`;
  page(
    deps,
    ctx,
    staff,
    'staff',
    {
      // Apps that do the work of staff over the Admin API; who gave them a role is in the audit.
      apps: apps
        .map((app) => ({ id: appActor(app.id), name: appName(app), held: rolesInMetadata(app.metadata) }))
        .filter(({ held }) => held.length > 0),
      mayUseApi: apps.filter(usesApi).map((app) => ({ id: app.id, name: appName(app) })),
      appRoles,
      people: ids.map((id) => ({
        id,
        name: nameOf(id),
        self: id === staff.accountId,
        held: members
          .filter((member) => member.accountId === id)
          .map(({ role, grantedAt, grantedBy }) => ({ role, at: grantedAt, by: nameOf(grantedBy) })),
      })),
      allRoles: roles,
      canPropose: may(staff.roles, 'staff.propose'),
      done: doneKey(ctx, ['proposed']),
      ...again,
    },
    { status },
  );
}

const reason = z.string().trim().min(1).max(500);
const assignForm = z.object({
  region: z.string().max(4).default(''),
  phone: z.string().trim().min(1).max(40),
  role: z.enum(roles),
  reason,
});

/** The person is found by the phone number they signed up with: exactly, or not at all. */
const assign: AdminHandler = async (deps, ctx, staff) => {
  const body = z.record(z.string(), z.unknown()).catch({}).parse(ctx.request.body);
  const values = Object.fromEntries(Object.entries(body).map(([name, value]) => [name, String(value)]));
  const form = parseForm(assignForm, ctx.request.body);
  if (!form.ok) return render(deps, ctx, staff, { errors: form.errors, values }, 422);
  const phone = normalisePhone(form.value.phone, form.value.region);
  const person = phone === null ? null : await findAccountByContact(deps.db, deps.keyring, 'phone', phone);
  if (person === null) return render(deps, ctx, staff, { errors: { phone: 'admin.staff.nobody' }, values }, 422);
  await propose(deps, ctx, staff, { ...form.value, accountId: person.accountId, change: 'assign' });
};

const usesApi = ({ id, metadata }: App): boolean =>
  !ownAreas.includes(id) && String(metadata.scope).split(' ').includes('admin');

const assignAppForm = z.object({ app: z.string().min(1).max(255), role: z.enum(appRoles), reason });

/** An app that was registered for the Admin API is given a role in it, as a person is: by two owners. */
const assignApp: AdminHandler = async (deps, ctx, staff) => {
  const form = parseForm(assignAppForm, ctx.request.body);
  if (!form.ok) return render(deps, ctx, staff, { errors: { 'app-reason': 'errors.field_required' } }, 422);
  const app = await findApp(deps.db, form.value.app);
  if (app === null || !usesApi(app)) throw new ShiminError('not_found', { status: 404 });
  await propose(deps, ctx, staff, { ...form.value, accountId: appActor(app.id), change: 'assign' });
};

async function heldBy(deps: AdminDeps, id: string): Promise<string[]> {
  if (!isAppActor(id)) return rolesOf(deps.db, id);
  const app = await findApp(deps.db, id.slice(appPrefix.length));
  return app === null ? [] : rolesInMetadata(app.metadata);
}

const revokeForm = z.object({ role: z.enum(roles), reason });

const revoke: AdminHandler = async (deps, ctx, staff) => {
  const accountId = param(ctx, 'id');
  const held = (await heldBy(deps, accountId)).filter(isRole);
  const form = parseForm(revokeForm, ctx.request.body);
  if (!form.ok) return render(deps, ctx, staff, { errors: { [`revoke-${accountId}`]: 'errors.field_required' } }, 422);
  if (!held.includes(form.value.role)) throw new ShiminError('not_found', { status: 404 });
  await propose(deps, ctx, staff, { ...form.value, accountId, change: 'revoke' });
};

async function propose(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  input: { accountId: string; role: (typeof roles)[number]; change: 'assign' | 'revoke'; reason: string },
): Promise<void> {
  const { accountId, role, change } = input;
  const what = { kind: 'role', payload: { accountId, role, change } } as const;
  await proposeChange(deps, { by: byOf(ctx, staff), what, reason: input.reason });
  seeOther(ctx, `${path}?done=proposed`);
}

export const staffRoutes: readonly AdminRoute[] = [
  { method: 'get', path, operation: 'staff.read', handler: show },
  { method: 'post', path: `${path}/assign`, operation: 'staff.propose', handler: assign },
  { method: 'post', path: `${path}/assign-app`, operation: 'staff.propose', handler: assignApp },
  { method: 'post', path: `${path}/:id/revoke`, operation: 'staff.propose', handler: revoke },
];
