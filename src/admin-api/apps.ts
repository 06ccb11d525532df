import { z } from 'zod';
import { settingsOf } from '../commands/app-metadata.ts';
import { rolesInMetadata } from '../commands/app-roles.ts';
import { appId, appSettingsSchema } from '../commands/app-settings.ts';
import { changeApp, createApp, isEnabled, revisionOf, rotateSecret, switchApp } from '../commands/manage-app.ts';
import { roles } from '../commands/permissions.ts';
import { ShiminError } from '../lib/errors.ts';
import { type App, appsAfter, findApp } from '../storage/apps.ts';
import type { ApiDeps } from './deps.ts';
import { fault } from './faults.ts';
import { type ApiOperation, type Body, noBody, none, operation, type Reply } from './operation.ts';
import { RequestFaults } from './request-faults.ts';
import { byId, input, iso, list, listed, output, paged, time } from './schemas.ts';

/** As it is stored: what was right when it was saved is answered even if today's rules are stricter. */
const anyUri = z.string();
const shown = appSettingsSchema({ allowLoopback: true });
const text = z.strictObject({ 'zh-Hans': z.string(), 'zh-Hant': z.string(), en: z.string(), pt: z.string() });
const settings = output(
  'AppSettings',
  z.strictObject({
    ...shown.shape,
    name: text,
    purpose: text,
    ownerName: z.string(),
    redirectUris: z.array(anyUri),
    postLogoutUris: z.array(anyUri),
    clientUri: anyUri.nullable(),
    logoUri: anyUri.nullable(),
    jwks: z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())) }).nullable(),
    jwksUri: anyUri.nullable(),
    backchannelLogoutUri: anyUri.nullable(),
    sectorIdentifierUri: anyUri.nullable(),
  }),
);
const app = output(
  'App',
  z.strictObject({
    id: z.string(),
    state: z.enum(['on', 'off']),
    createdAt: time,
    staffRoles: z.array(z.enum(roles)).describe('Roles in the Admin API; two owners give and take them.'),
    hasSecret: z.boolean(),
    settings,
  }),
);
const saved = output(
  'AppSaved',
  z.strictObject({ app, secret: z.string().nullable().describe('A new secret, told this once; null: no new one.') }),
);

const shapeOf = (of: App): Body<typeof app> => ({
  id: of.id,
  state: isEnabled(of) ? 'on' : 'off',
  createdAt: iso(of.createdAt),
  staffRoles: rolesInMetadata(of.metadata),
  hasSecret: typeof of.metadata.client_secret === 'string',
  settings: settingsOf(of),
});

async function found(deps: ApiDeps, id: string): Promise<App> {
  const known = await findApp(deps.db, id);
  if (known === null) throw new ShiminError('not_found', { status: 404 });
  return known;
}

async function savedReply(deps: ApiDeps, id: string, secret: string | null): Promise<Reply<Body<typeof saved>>> {
  const now = await found(deps, id);
  return { body: { app: shapeOf(now), secret }, revision: revisionOf(now) };
}

/** What the engine says is wrong, as a fault of the settings; everything else goes on. */
function engineFault(error: unknown): never {
  if (error instanceof ShiminError && error.code === 'app_invalid')
    throw new RequestFaults('app_invalid', [fault('body', ['settings'], 'app_invalid', String(error.detail.fault))]);
  throw error;
}

const all = operation({
  id: 'listApps',
  method: 'get',
  path: '/apps',
  tag: 'Apps',
  summary: 'All apps, by their ids',
  permission: 'app.read',
  params: none,
  query: paged,
  body: noBody,
  answer: { status: 200, description: 'A page of apps.', schema: list('Apps', app) },
  handler: async ({ deps, query: { limit, after } }) =>
    listed(await appsAfter(deps.db, after ?? '', limit + 1), limit, ({ id }) => id, shapeOf),
});

const one = operation({
  id: 'getApp',
  method: 'get',
  path: '/apps/{id}',
  tag: 'Apps',
  summary: 'One app and its settings',
  permission: 'app.read',
  params: byId,
  query: none,
  body: noBody,
  answer: { status: 200, description: 'The app.', schema: app },
  hasRevision: true,
  handler: async ({ deps, params }) => {
    const known = await found(deps, params.id);
    return { body: shapeOf(known), revision: revisionOf(known) };
  },
});

/** Their body is judged by rules that know whether this is the city on one machine. */
function saving(rules: { allowLoopback: boolean }): ApiOperation[] {
  const sent = input('AppSettingsSent', appSettingsSchema(rules));
  const create = operation({
    id: 'createApp',
    method: 'post',
    path: '/apps',
    tag: 'Apps',
    summary: 'Registers an app',
    permission: 'app.save',
    params: none,
    query: none,
    body: z.strictObject({ id: appId, settings: sent }),
    answer: { status: 201, description: 'The app, and its secret if it has one.', schema: saved },
    hasRevision: true,
    handler: async ({ deps, by, body }) => {
      const input = { by, id: body.id, settings: body.settings, check: deps.clientFault };
      const { secret } = await createApp(deps, input).catch(engineFault);
      return savedReply(deps, body.id, secret);
    },
  });
  const change = operation({
    id: 'replaceAppSettings',
    method: 'put',
    path: '/apps/{id}/settings',
    tag: 'Apps',
    summary: 'Replaces the settings of an app',
    description: 'An app that holds roles of staff is changed only once two owners have taken them away.',
    permission: 'app.save',
    params: byId,
    query: none,
    body: z.strictObject({ settings: sent }),
    answer: { status: 200, description: 'The app, and a secret if it newly needs one.', schema: saved },
    onRevision: true,
    hasRevision: true,
    handler: async ({ deps, by, params, body, revision }) => {
      const input = { by, id: params.id, revision, settings: body.settings, check: deps.clientFault };
      const { secret } = await changeApp(deps, input).catch(engineFault);
      return savedReply(deps, params.id, secret);
    },
  });
  return [create, change];
}

const rotate = operation({
  id: 'rotateAppSecret',
  method: 'post',
  path: '/apps/{id}/secret',
  tag: 'Apps',
  summary: 'Makes a new secret; the old one stays good for a while',
  permission: 'app.save',
  params: byId,
  query: none,
  body: z.strictObject({ overlapHours: z.int().min(0).max(168) }),
  answer: { status: 201, description: 'The app, and its new secret.', schema: saved },
  hasRevision: true,
  handler: async ({ deps, by, params, body }) => {
    const { secret } = await rotateSecret(deps, { by, id: params.id, overlapHours: body.overlapHours });
    return savedReply(deps, params.id, secret);
  },
});

const toggle = operation({
  id: 'switchApp',
  method: 'put',
  path: '/apps/{id}/state',
  tag: 'Apps',
  summary: 'Switches an app off, or on again',
  description: 'An app that is off is unknown: no sign-in, no token, no answer about one.',
  permission: 'app.save',
  params: byId,
  query: none,
  body: z.strictObject({ state: z.enum(['on', 'off']) }),
  answer: { status: 200, description: 'The app.', schema: app },
  hasRevision: true,
  handler: async ({ deps, by, params, body }) => {
    await switchApp(deps, { by, id: params.id, enabled: body.state === 'on' });
    const known = await found(deps, params.id);
    return { body: shapeOf(known), revision: revisionOf(known) };
  },
});

export const appOperations = (rules: { allowLoopback: boolean }): readonly ApiOperation[] => [
  all,
  one,
  ...saving(rules),
  rotate,
  toggle,
];
