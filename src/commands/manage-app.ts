import { createHash } from 'node:crypto';
import { changeData } from '../audit/fields.ts';
import { randomToken } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { type App, insertApp, lockApp, saveApp } from '../storage/apps.ts';
import { append } from '../storage/audit.ts';
import { type Db, transaction } from '../storage/db.ts';
import { actorOf } from './actor.ts';
import { type AppValues, appSays, differing } from './app-changes.ts';
import { metadataWith } from './app-metadata.ts';
import { rolesInMetadata } from './app-roles.ts';
import type { AppSettings } from './app-settings.ts';
import { type By, staffRoles } from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import { hashClientSecret } from './save-app.ts';

/** Our own areas: their secret is derived and their addresses follow the issuer, so nobody changes them by hand. */
export const ownAreas: readonly string[] = ['account', 'admin'];

/** Whether the engine's rules allow it: what it says is wrong, or null. The engine lives where commands don't reach. */
export type MetadataCheck = (metadata: Readonly<Record<string, unknown>>) => string | null;

/** Changes with every change of the app, so that nobody overwrites what they have not seen. */
export function revisionOf(app: App): string {
  const { metadata, name, purpose, ownerName } = app;
  return createHash('sha256')
    .update(JSON.stringify([metadata, name, purpose, ownerName]))
    .digest('base64url');
}

/** An app's new secret, told once; null: it has none. */
export interface Saved {
  readonly secret: string | null;
}

/** @throws ShiminError `app_taken` when there is one of that name; `app_invalid` with what the engine says */
export async function createApp(
  deps: CommandDeps,
  input: { by: By; id: string; settings: AppSettings; check: MetadataCheck },
): Promise<Saved> {
  const at = deps.clock();
  const { id, settings } = input;
  return transaction(deps.db, async (tx) => {
    const { metadata, secret } = withSecret(metadataWith({ client_id: id }, settings));
    allowed(input.check, metadata);
    if (!(await insertApp(tx, { ...textsOf(settings), id, metadata, createdAt: at })))
      throw new ShiminError('app_taken', { status: 409 });
    const app = { ...textsOf(settings), metadata };
    await note(tx, input.by, at, id, 'created', { old: null, next: app, fields: Object.keys(metadata) });
    return { secret };
  });
}

/** @throws ShiminError `draft_conflict` when somebody else changed the app meanwhile; `app_invalid` */
export async function changeApp(
  deps: CommandDeps,
  input: { by: By; id: string; revision: string; settings: AppSettings; check: MetadataCheck },
): Promise<Saved> {
  const at = deps.clock();
  return transaction(deps.db, async (tx) => {
    const app = withoutRoles(await changeable(tx, input.id));
    if (revisionOf(app) !== input.revision) throw new ShiminError('draft_conflict', { status: 409 });
    const { metadata, secret } = withSecret(metadataWith(app.metadata, input.settings));
    allowed(input.check, { ...metadata, client_id: app.id });
    const next = { ...app, ...textsOf(input.settings), metadata };
    const fields = differing(app, next);
    if (fields.length === 0) return { secret: null };
    await saveApp(tx, next, at);
    await note(tx, input.by, at, app.id, 'changed', { old: app, next, fields });
    return { secret };
  });
}

/** A new secret. The old one stays good for `overlapHours`, so that the app's servers can be moved over one by one. */
export async function rotateSecret(
  deps: CommandDeps,
  input: { by: By; id: string; overlapHours: number },
): Promise<{ secret: string }> {
  const at = deps.clock();
  return transaction(deps.db, async (tx) => {
    const app = withoutRoles(await changeable(tx, input.id));
    const old = app.metadata.client_secret;
    if (typeof old !== 'string') throw new ShiminError('not_found', { status: 404 });
    const secret = randomToken();
    const { shimin_retiring_secret: _, ...rest } = app.metadata;
    const until = at.getTime() + input.overlapHours * 3_600_000;
    const retiring = input.overlapHours > 0 ? { shimin_retiring_secret: { hash: old, until } } : {};
    await saveApp(tx, { ...app, metadata: { ...rest, ...retiring, client_secret: hashClientSecret(secret) } }, at);
    await note(tx, input.by, at, app.id, 'secret_rotated', { old: app, next: app, fields: ['client_secret'] });
    return { secret };
  });
}

/** A disabled app is unknown to the engine: no sign-in, no token, no answer about one, until it is enabled again. */
export async function switchApp(deps: CommandDeps, input: { by: By; id: string; enabled: boolean }): Promise<void> {
  const at = deps.clock();
  await transaction(deps.db, async (tx) => {
    const app = await changeable(tx, input.id);
    if (isEnabled(app) === input.enabled) return;
    const { shimin_disabled: _, ...rest } = app.metadata;
    const next = { ...app, metadata: input.enabled ? rest : { ...rest, shimin_disabled: true } };
    await saveApp(tx, next, at);
    const fields = ['shimin_disabled'];
    await note(tx, input.by, at, app.id, input.enabled ? 'enabled' : 'disabled', { old: app, next, fields });
  });
}

export const isEnabled = (app: App): boolean => app.metadata.shimin_disabled !== true;

async function changeable(tx: Db, id: string): Promise<App> {
  const app = ownAreas.includes(id) ? null : await lockApp(tx, id);
  if (app === null) throw new ShiminError('not_found', { status: 404 });
  return app;
}

/**
 * Whoever sets an app's keys can act as it. One that does the work of staff is therefore changed only once two owners have
 * taken its roles away, or by an operator; it can be switched off by whoever looks after apps.
 */
function withoutRoles(app: App): App {
  if (rolesInMetadata(app.metadata).length > 0)
    throw new ShiminError('forbidden', { status: 403, message: 'the app holds roles of staff' });
  return app;
}

/** A method that needs a secret gets one; one that needs none keeps none. */
function withSecret(metadata: Readonly<Record<string, unknown>>): Saved & { metadata: Record<string, unknown> } {
  const { client_secret: known, shimin_retiring_secret: retiring, ...rest } = metadata;
  if (!String(rest.token_endpoint_auth_method).startsWith('client_secret')) return { metadata: rest, secret: null };
  const kept = { ...rest, ...(retiring === undefined ? {} : { shimin_retiring_secret: retiring }) };
  if (typeof known === 'string') return { metadata: { ...kept, client_secret: known }, secret: null };
  const secret = randomToken();
  return { metadata: { ...rest, client_secret: hashClientSecret(secret) }, secret };
}

function allowed(check: MetadataCheck, metadata: Readonly<Record<string, unknown>>): void {
  const fault = check(metadata);
  if (fault !== null) throw new ShiminError('app_invalid', { status: 422, message: fault, detail: { fault } });
}

const textsOf = ({ name, purpose, ownerName }: AppSettings) => ({ name, purpose, ownerName });

async function note(
  tx: Db,
  by: By,
  at: Date,
  clientId: string,
  change: string,
  { old, next, fields }: { old: AppValues | null; next: AppValues; fields: string[] },
): Promise<void> {
  await append(tx, {
    at,
    type: 'app.saved',
    actor: actorOf(by.accountId),
    accountId: null,
    clientId,
    requestId: by.cause.requestId,
    outcome: 'ok',
    reason: null,
    data: {
      change,
      fields,
      roles: await staffRoles(tx, by.accountId),
      ...changeData(old && appSays(old), appSays(next)),
    },
  });
}
