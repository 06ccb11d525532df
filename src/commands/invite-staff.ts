import { z } from 'zod';
import { changeData } from '../audit/fields.ts';
import { randomToken } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { append } from '../storage/audit.ts';
import { passwordOf } from '../storage/authenticators.ts';
import { type Db, transaction } from '../storage/db.ts';
import { peek, put, take } from '../storage/pending.ts';
import { assignRole, holdersOf, rolesOf } from '../storage/staff.ts';
import type { Cause, CommandDeps } from './command.ts';
import { type Role, roles } from './permissions.ts';
import { hasProvedName } from './proved-name.ts';

const kind = 'staff-invite';
const validFor = 24 * 3_600_000;
const payload = z.object({ role: z.enum(roles), invitedBy: z.string() });

/**
 * A one-time link that gives a role to whoever opens it signed in as staff must be, and known by a proved name. Made on the server's own command line:
 * who holds the database and the secrets file can't be kept out, so that is where the first owner comes from. Once
 * two owners exist they change roles between them, with four eyes, and this way needs `breakGlass`.
 * @throws ShiminError `forbidden` when two owners exist already
 */
export async function inviteStaff(
  deps: CommandDeps,
  input: { role: Role; invitedBy: string; breakGlass?: boolean },
): Promise<{ token: string; expiresAt: Date }> {
  const at = deps.clock();
  const token = randomToken();
  const expiresAt = new Date(at.getTime() + validFor);
  const breakGlass = input.breakGlass === true;
  await transaction(deps.db, async (tx) => {
    if (!breakGlass && (await holdersOf(tx, 'owner')).length >= 2) {
      throw new ShiminError('forbidden', {
        status: 403,
        message: 'two owners exist: roles are changed in the console by two of them (or use --break-glass)',
      });
    }
    const kept = { role: input.role, invitedBy: input.invitedBy };
    await put(tx, { id: token, kind, interactionUid: null, accountId: null, payload: kept, expiresAt }, deps.keyring);
    await append(tx, {
      at,
      type: 'staff.invited',
      actor: { kind: 'operator', id: input.invitedBy },
      accountId: null,
      clientId: null,
      requestId: null,
      outcome: 'ok',
      reason: breakGlass ? 'break_glass' : null,
      data: { role: input.role },
    });
  });
  return { token, expiresAt };
}

/** What a link would give; null when it was used, is too old or never was. */
export async function invitedRole(deps: CommandDeps, token: string): Promise<Role | null> {
  const parsed = payload.safeParse(await peek(deps.db, token, kind, deps.clock(), deps.keyring));
  return parsed.success ? parsed.data.role : null;
}

/**
 * Uses the link up, so that one caller gets the role. It waits, unused, for somebody who has proved their
 * name. `invitation_void`: nothing to take up.
 */
export async function takeUpRole(
  deps: CommandDeps,
  input: { token: string; accountId: string; cause: Cause },
): Promise<{ role: Role } | { refused: 'name_unproved' | 'staff_password' | 'invitation_void' }> {
  const at = deps.clock();
  return transaction(deps.db, async (tx) => {
    if (!(await hasProvedName(tx, deps, input.accountId, at))) {
      await noteRefused(tx, at, input, 'name_unproved');
      return { refused: 'name_unproved' };
    }
    // It waits as well until the password is removed.
    if ((await passwordOf(tx, input.accountId)) !== null) {
      await noteRefused(tx, at, input, 'staff_password');
      return { refused: 'staff_password' };
    }
    const parsed = payload.safeParse(await take(tx, input.token, kind, at, deps.keyring));
    if (!parsed.success) return { refused: 'invitation_void' };
    const { role, invitedBy } = parsed.data;
    const before = { roles: await rolesOf(tx, input.accountId) };
    await assignRole(tx, { accountId: input.accountId, role, grantedBy: invitedBy, at });
    const after = { roles: await rolesOf(tx, input.accountId) };
    await append(tx, {
      at,
      type: 'role.assigned',
      actor: { kind: 'staff', id: input.accountId },
      accountId: input.accountId,
      clientId: input.cause.clientId,
      requestId: input.cause.requestId,
      outcome: 'ok',
      reason: 'invitation',
      data: { role, change: 'assign', ...changeData(before, after) },
    });
    return { role };
  });
}

async function noteRefused(
  tx: Db,
  at: Date,
  { accountId, cause }: { accountId: string; cause: Cause },
  reason: 'name_unproved' | 'staff_password',
): Promise<void> {
  await append(tx, {
    at,
    type: 'staff.refused',
    actor: { kind: 'staff', id: accountId },
    accountId,
    ...cause,
    outcome: 'refused',
    reason,
    data: { operation: 'take up a role', roles: [...(await rolesOf(tx, accountId))], method: 'POST' },
  });
}
