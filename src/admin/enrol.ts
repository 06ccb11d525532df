import { z } from 'zod';
import { invitedRole, takeUpRole } from '../commands/invite-staff.ts';
import { hasProvedName } from '../commands/proved-name.ts';
import { ShiminError } from '../lib/errors.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { type AdminHandler, type AdminRoute, causeOf, page, query } from './context.ts';

const path = '/admin/enrol';
const token = z.string().min(20).max(100);

/** Opening the link changes nothing (a mail scanner may open it too); the button does. */
const show: AdminHandler = async (deps, ctx, staff) => {
  const given = token.safeParse(query(ctx, 'token'));
  const role = given.success ? await invitedRole(deps, given.data) : null;
  if (role === null) throw new ShiminError('invitation_void', { status: 404 });
  const proved = await hasProvedName(deps.db, deps, staff.accountId, deps.clock());
  page(deps, ctx, staff, 'enrol', { role, token: given.data, proved });
};

const takeUp: AdminHandler = async (deps, ctx, staff) => {
  const form = parseForm(z.object({ token }), ctx.request.body);
  if (!form.ok) throw new ShiminError('invitation_void', { status: 404 });
  const { token: given } = form.value;
  const taken = await takeUpRole(deps, { token: given, accountId: staff.accountId, cause: causeOf(ctx) });
  // The invitation waits: the page says what to do first.
  if ('refused' in taken && taken.refused === 'name_unproved')
    return seeOther(ctx, `${path}?${new URLSearchParams({ token: given })}`);
  if ('refused' in taken)
    throw new ShiminError(taken.refused, { status: taken.refused === 'staff_password' ? 409 : 404 });
  seeOther(ctx, '/admin?done=enrolled');
};

export const enrolRoutes: readonly AdminRoute[] = [
  { method: 'get', path, operation: 'anyone', fresh: true, handler: show },
  { method: 'post', path: `${path}/take`, operation: 'anyone', handler: takeUp },
];
