import { z } from 'zod';
import { appActor, rolesInMetadata } from '../commands/app-roles.ts';
import { isRole, roles } from '../commands/permissions.ts';
import { listApps } from '../storage/apps.ts';
import { staffMembers } from '../storage/staff.ts';
import { type ApiOperation, noBody, none, operation } from './operation.ts';
import { iso, list, listed, output, paged, timeOrNull } from './schemas.ts';

const member = output(
  'StaffMember',
  z.strictObject({
    id: z.string().describe('An account, or `app:` and a client id.'),
    roles: z.array(z.strictObject({ role: z.enum(roles), grantedBy: z.string().nullable(), grantedAt: timeOrNull })),
  }),
);

/**
 * Roles are given and taken by owners, and owners are people: there is no operation for it that an app could ever use
 * (`commands/permissions.ts`, `staff.propose`).
 */
const all = operation({
  id: 'listStaff',
  method: 'get',
  path: '/staff',
  tag: 'Staff',
  summary: 'Who holds which roles: people and apps',
  description: 'Roles are given and taken by two owners in the console; no app is one, so none of it is done here.',
  permission: 'staff.read',
  params: none,
  query: paged,
  body: noBody,
  answer: { status: 200, description: 'A page of staff.', schema: list('Staff', member) },
  handler: async ({ deps, query: { limit, after = '' } }) => {
    const held = new Map<string, z.input<typeof member>['roles']>();
    for (const { accountId, role, grantedBy, grantedAt } of await staffMembers(deps.db))
      if (isRole(role))
        held.set(accountId, [...(held.get(accountId) ?? []), { role, grantedBy, grantedAt: iso(grantedAt) }]);
    for (const app of await listApps(deps.db)) {
      const own = rolesInMetadata(app.metadata).map((role) => ({ role, grantedBy: null, grantedAt: null }));
      if (own.length > 0) held.set(appActor(app.id), own);
    }
    const ids = [...held.keys()].toSorted().filter((id) => id > after);
    return listed(
      ids.slice(0, limit + 1),
      limit,
      (id) => id,
      (id) => ({ id, roles: held.get(id) ?? [] }),
    );
  },
});

export const staffOperations: readonly ApiOperation[] = [all];
