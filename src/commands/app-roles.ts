import { z } from 'zod';
import { ShiminError } from '../lib/errors.ts';
import { type App, findApp, isEnabled } from '../storage/apps.ts';
import type { Db } from '../storage/db.ts';
import { type Role, roles } from './permissions.ts';

/** Ids of apps that do the work of staff over the Admin API; accounts have UUIDs, so neither can be taken for the other. */
export const appPrefix = 'app:';
/** As long as the columns of changes that say who proposed and decided. */
const longestId = 64;

export const appActor = (clientId: string): string => `${appPrefix}${clientId}`;

/** Members of staff are people and, for the Admin API, apps. */
export const staffId = z.union([
  z.uuid(),
  z
    .string()
    .max(longestId)
    .regex(/^app:[A-Za-z0-9_.-]+$/),
]);

export const isAppActor = (id: string): boolean => id.startsWith(appPrefix);

/** The city's owners are people; no program sits at a counter. */
export const appRoles = roles.filter((role) => role !== 'owner' && role !== 'clerk');
const allowed: readonly Role[] = appRoles;

/** Whether this member of staff may ever hold the role. */
export const mayHold = (id: string, role: Role): boolean => !isAppActor(id) || allowed.includes(role);

/** Where its client metadata says which roles an app holds. It changes as roles of people do: by two of them. */
export const staffRolesMember = 'shimin_staff_roles';
const held = z.array(z.enum(roles).refine((role) => allowed.includes(role))).max(appRoles.length);

/** The roles that an app holds; none while it is disabled, nor if its id is too long to be written down. */
export function rolesOfApp(app: App | null): Role[] {
  if (app === null || !isEnabled(app) || appActor(app.id).length > longestId) return [];
  return rolesInMetadata(app.metadata);
}

/** The same, enabled or not: what it would hold. */
export function rolesInMetadata(metadata: App['metadata']): Role[] {
  const parsed = held.safeParse(metadata[staffRolesMember] ?? []);
  return parsed.success ? parsed.data : [];
}

export async function rolesOfAppActor(db: Db, id: string): Promise<Role[]> {
  return rolesOfApp(await findApp(db, id.slice(appPrefix.length)));
}

/**
 * Refuses metadata that would give an app what no app may hold.
 * @throws ShiminError `bad_request`
 */
export function checkStaffRoles(metadata: Readonly<Record<string, unknown>>): void {
  const parsed = held.safeParse(metadata[staffRolesMember] ?? []);
  if (parsed.success) return;
  const fault = `${staffRolesMember}: a list of ${appRoles.join(', ')}`;
  throw new ShiminError('bad_request', { status: 422, message: fault, detail: { faults: [fault] } });
}

/** Metadata with one role more or less; null: it was like that already. */
export function withRole(
  metadata: App['metadata'],
  role: Role,
  change: 'assign' | 'revoke',
): Record<string, unknown> | null {
  const known = rolesInMetadata(metadata);
  if (known.includes(role) === (change === 'assign')) return null;
  const next = change === 'assign' ? [...known, role].toSorted() : known.filter((other) => other !== role);
  const { [staffRolesMember]: _, ...rest } = metadata;
  return next.length === 0 ? rest : { ...rest, [staffRolesMember]: next };
}
