import { createHash } from 'node:crypto';
import { randomToken } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { type App, findApp, isEnabled, lockApp } from '../storage/apps.ts';
import type { Change } from '../storage/changes.ts';
import { type Db, transaction } from '../storage/db.ts';
import { revokeGrantsOfApp } from '../storage/oidc-models/grants.ts';
import { type AppValues, differing } from './app-changes.ts';
import { metadataWith } from './app-metadata.ts';
import { type AppPayload, guarded, settled, settledRevision, usesSecret } from './app-proposal.ts';
import { rolesInMetadata } from './app-roles.ts';
import type { AppSettings } from './app-settings.ts';
import type { By } from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import { proposeChange } from './propose-change.ts';
import { hashClientSecret } from './save-app.ts';
import { type Judge, judgeApp, writeApp } from './write-app.ts';

/** Our own areas: their secret is derived and their addresses follow the issuer, so nobody changes them by hand. */
export const ownAreas: readonly string[] = ['account', 'admin'];

/** Changes with every change of the app, so that nobody overwrites what they have not seen. */
export function revisionOf(app: App): string {
  const { metadata, name, purpose, ownerName } = app;
  return createHash('sha256')
    .update(JSON.stringify([metadata, name, purpose, ownerName]))
    .digest('base64url');
}

/**
 * What became of it: saved, or proposed to a second person (`change`). `secret`: a new one, told once; with a proposal it
 * is good from the approval on.
 */
export interface Saved {
  readonly change: Change | null;
  readonly secret: string | null;
  /** This very proposal waited already; a secret of it was told then. */
  readonly again: boolean;
}

/**
 * Proposes a new app: until a second person agrees there is none, and nothing can be done with it.
 * @throws ShiminError `app_taken` when there is one of that name; `app_invalid`
 */
export async function createApp(
  deps: CommandDeps,
  input: { by: By; id: string; settings: AppSettings; judge: Judge; reason?: string },
): Promise<Saved> {
  const { id, settings } = input;
  const next = { ...textsOf(settings), metadata: metadataWith({}, settings) };
  judgeApp(input.judge, id, next.metadata);
  if ((await findApp(deps.db, id)) !== null) throw new ShiminError('app_taken', { status: 409 });
  return proposeApp(deps, input.by, { app: id, from: null, next }, needsSecret(null, next), input.reason);
}

/**
 * Changes an app: what people read about it at once, anything else once a second person agrees.
 * @throws ShiminError `draft_conflict` when somebody else changed the app meanwhile; `app_invalid`
 */
export async function changeApp(
  deps: CommandDeps,
  input: { by: By; id: string; revision: string; settings: AppSettings; judge: Judge; reason?: string },
): Promise<Saved> {
  const at = deps.clock();
  const { by, id, settings } = input;
  return transaction(deps.db, async (tx) => {
    const app = withoutRoles(await changeable(tx, id));
    if (revisionOf(app) !== input.revision) throw new ShiminError('draft_conflict', { status: 409 });
    const next = { ...textsOf(settings), metadata: settled(metadataWith(app.metadata, settings)) };
    judgeApp(input.judge, id, next.metadata);
    return saveOrPropose(
      { ...deps, db: tx },
      { by, at, app, next, secret: needsSecret(app, next), reason: input.reason },
    );
  });
}

/** Saves what one person may change alone; proposes the rest, whole. */
export async function saveOrPropose(
  deps: CommandDeps,
  input: {
    by: By;
    at: Date;
    app: App;
    next: AppValues;
    secret: NewSecret | null;
    reason?: string | undefined;
  },
): Promise<Saved> {
  const { by, at, app, next, secret } = input;
  const fields = differing({ ...app, metadata: settled(app.metadata) }, next);
  if (guarded(fields).length > 0 || secret !== null)
    return proposeApp(deps, by, { app: app.id, from: settledRevision(app), next }, secret, input.reason);
  if (fields.length > 0) {
    const whole = { ...next, metadata: { ...app.metadata, ...next.metadata } };
    for (const gone of fields) if (!(gone in next.metadata)) Reflect.deleteProperty(whole.metadata, gone);
    await writeApp(deps.db, at, { by, id: app.id, old: app, next: whole, change: 'changed', fields });
  }
  return { change: null, secret: null, again: false };
}

/** A secret that is to be; `told`: to be shown once, where it was made here. */
export interface NewSecret {
  readonly hash: string;
  readonly overlapHours: number;
  readonly told: string | null;
}

const newSecret = (overlapHours: number): NewSecret => {
  const told = randomToken();
  return { hash: hashClientSecret(told), overlapHours, told };
};

const needsSecret = (app: App | null, next: AppValues): NewSecret | null =>
  usesSecret(next.metadata) && typeof app?.metadata.client_secret !== 'string' ? newSecret(0) : null;

/** Proposes an app as it is to be. A secret that is made here is told once, and not when the same waits already. */
export async function proposeApp(
  deps: CommandDeps,
  by: By,
  what: Omit<AppPayload, 'secret'>,
  secret: NewSecret | null,
  reason = '',
): Promise<Saved> {
  const hashed = secret === null ? null : { hash: secret.hash, overlapHours: secret.overlapHours };
  const payload = { ...what, secret: hashed };
  const change = await proposeChange(deps, { by, what: { kind: 'app', payload }, reason });
  // The same was proposed before: what waits is the earlier one.
  const again = change.payload !== payload;
  return { change, secret: again ? null : (secret?.told ?? null), again };
}

/**
 * Proposes a new secret. Once a second person agrees it is good, and the old one for `overlapHours` more, so that the
 * app's servers can be moved over one by one.
 */
export async function rotateSecret(
  deps: CommandDeps,
  input: { by: By; id: string; overlapHours: number; reason?: string },
): Promise<Saved> {
  return transaction(deps.db, async (tx) => {
    const app = withoutRoles(await changeable(tx, input.id));
    if (typeof app.metadata.client_secret !== 'string') throw new ShiminError('not_found', { status: 404 });
    const { name, purpose, ownerName } = app;
    const next = { name, purpose, ownerName, metadata: settled(app.metadata) };
    const what = { app: app.id, from: settledRevision(app), next };
    return proposeApp({ ...deps, db: tx }, input.by, what, newSecret(input.overlapHours), input.reason);
  });
}

/**
 * A disabled app is unknown to the engine: no sign-in, no token, no answer about one, until it is enabled again. That
 * takes one person, as every emergency stop does. What it was given before is gone and does not come back with it: grants,
 * codes and tokens are deleted when it is switched off, and once more when it is switched on, since another node may have
 * known it for a second longer.
 */
export async function switchApp(deps: CommandDeps, input: { by: By; id: string; enabled: boolean }): Promise<void> {
  const at = deps.clock();
  await transaction(deps.db, async (tx) => {
    const app = await changeable(tx, input.id);
    if (isEnabled(app) === input.enabled) return;
    const { shimin_disabled: _, ...rest } = app.metadata;
    const { name, purpose, ownerName } = app;
    const metadata = input.enabled ? rest : { ...rest, shimin_disabled: true };
    await writeApp(tx, at, {
      by: input.by,
      id: app.id,
      old: app,
      next: { name, purpose, ownerName, metadata },
      change: input.enabled ? 'enabled' : 'disabled',
      fields: ['shimin_disabled'],
    });
    await revokeGrantsOfApp(tx, app.id);
  });
}

async function changeable(tx: Db, id: string): Promise<App> {
  const app = ownAreas.includes(id) ? null : await lockApp(tx, id);
  if (app === null) throw new ShiminError('not_found', { status: 404 });
  return app;
}

/**
 * Whoever sets an app's keys can act as it. One that does the work of staff is therefore changed only once two owners have
 * taken its roles away; it can be switched off by whoever looks after apps.
 */
export function withoutRoles(app: App): App {
  if (rolesInMetadata(app.metadata).length > 0)
    throw new ShiminError('app_has_roles', { status: 403, message: 'the app holds roles of staff' });
  return app;
}

const textsOf = ({ name, purpose, ownerName }: AppSettings) => ({ name, purpose, ownerName });
