import { createHash } from 'node:crypto';
import { type App, lockApp } from '../storage/apps.ts';
import { transaction } from '../storage/db.ts';
import { operatorPrefix } from './actor.ts';
import { differing } from './app-changes.ts';
import type { AppRules } from './app-check.ts';
import { checkStaffRoles } from './app-roles.ts';
import type { CommandDeps } from './command.ts';
import { judgeApp, writeApp } from './write-app.ts';

/**
 * Client secrets are ours, with 256 bits: one unsalted hash is as good at rest as a slow one
 * (SP 800-63B-4 3.1.2.2: look-up secrets of 112 bits or more).
 */
export function hashClientSecret(secret: string): string {
  return `sha256.${createHash('sha256').update(secret).digest('base64url')}`;
}

/**
 * Registers or changes an app that an installation comes with: our own areas, the apps of the demo. It needs no second
 * person, since it is done by whoever sets the installation up and before anybody is there; judged it is as any other.
 * @throws ShiminError `app_invalid`; `bad_request` for roles that no app may hold
 */
export async function saveRegisteredApp(
  deps: CommandDeps,
  input: {
    metadata: Readonly<Record<string, unknown>> & { client_id: string };
    name: App['name'];
    purpose: App['purpose'];
    ownerName: string;
    rules: AppRules;
  },
): Promise<void> {
  const at = deps.clock();
  const { name, purpose, ownerName, rules } = input;
  const { client_secret: secret, client_id: id, ...rest } = input.metadata;
  checkStaffRoles(rest);
  judgeApp({ rules }, id, rest);
  const stored = typeof secret === 'string' ? { client_secret: hashClientSecret(secret) } : {};
  const next = { name, purpose, ownerName, metadata: { ...rest, client_id: id, ...stored } };
  await transaction(deps.db, async (tx) => {
    const old = await lockApp(tx, id);
    const fields = old === null ? Object.keys(next.metadata) : differing(old, next);
    const by = { accountId: `${operatorPrefix}${ownerName}`, cause: { requestId: null, clientId: null } };
    await writeApp(tx, at, { by, id, old, next, change: old === null ? 'created' : 'changed', fields });
  });
}
