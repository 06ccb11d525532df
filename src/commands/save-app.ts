import { createHash } from 'node:crypto';
import { changeData } from '../audit/fields.ts';
import { type App, lockApp, saveApp } from '../storage/apps.ts';
import { append } from '../storage/audit.ts';
import { transaction } from '../storage/db.ts';
import { appSays, differing } from './app-changes.ts';
import { checkStaffRoles } from './app-roles.ts';
import type { CommandDeps } from './command.ts';

/**
 * Client secrets are ours, with 256 bits: one unsalted hash is as good at rest as a slow one
 * (SP 800-63B-4 3.1.2.2: look-up secrets of 112 bits or more).
 */
export function hashClientSecret(secret: string): string {
  return `sha256.${createHash('sha256').update(secret).digest('base64url')}`;
}

/**
 * Registers or changes an app (relying party). Its secret is stored as a hash only.
 * @throws ShiminError `bad_request` for roles that no app may hold
 */
export async function saveRegisteredApp(
  deps: CommandDeps,
  input: {
    metadata: Readonly<Record<string, unknown>> & { client_id: string };
    name: App['name'];
    purpose: App['purpose'];
    ownerName: string;
    /** The stored hash of the secret the app has already, when it keeps it. */
    keptSecret?: string;
    /** Who works on the command line; default: the owner. */
    operator?: string;
  },
): Promise<void> {
  const at = deps.clock();
  checkStaffRoles(input.metadata);
  const { client_secret: secret, ...rest } = input.metadata;
  const stored = typeof secret === 'string' ? hashClientSecret(secret) : input.keptSecret;
  const metadata = stored === undefined ? rest : { ...rest, client_secret: stored };
  await transaction(deps.db, async (tx) => {
    const { name, purpose, ownerName } = input;
    const old = await lockApp(tx, input.metadata.client_id);
    const next = { name, purpose, ownerName, metadata };
    await saveApp(tx, { id: input.metadata.client_id, ...next, createdAt: at });
    const fields = old === null ? Object.keys(metadata) : differing(old, next);
    await append(tx, {
      at,
      type: 'app.saved',
      actor: { kind: 'operator', id: input.operator ?? input.ownerName },
      accountId: null,
      clientId: input.metadata.client_id,
      requestId: null,
      outcome: 'ok',
      reason: null,
      data: { change: old === null ? 'created' : 'changed', fields, ...changeData(old && appSays(old), appSays(next)) },
    });
  });
}
