import { z } from 'zod';
import { settingsOf } from '../commands/app-metadata.ts';
import { rolesInMetadata } from '../commands/app-roles.ts';
import { appId, appSettingsSchema, settingOf } from '../commands/app-settings.ts';
import { changeApp, createApp, revisionOf, rotateSecret, type Saved, switchApp } from '../commands/manage-app.ts';
import { roles } from '../commands/permissions.ts';
import { ShiminError } from '../lib/errors.ts';
import { type App, appsAfter, findApp, isEnabled } from '../storage/apps.ts';
import { change, changeBody } from './changes.ts';
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
  z.strictObject({
    app: app.nullable().describe('As it is now; null: there is none until the change is approved.'),
    change: change.nullable().describe('What a second person, in the console, has to approve; null: it is done.'),
    secret: z
      .string()
      .nullable()
      .describe('A new secret, told this once, and good once the change is approved; null: no new one.'),
  }),
);
const why = z.string().trim().max(500).default('').describe('For whoever decides it.');

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

async function savedReply(deps: ApiDeps, id: string, done: Saved): Promise<Reply<Body<typeof saved>>> {
  const now = await findApp(deps.db, id);
  const body = {
    app: now === null ? null : shapeOf(now),
    change: done.change === null ? null : changeBody(done.change),
    secret: done.secret,
  };
  return { body, ...(now === null ? {} : { revision: revisionOf(now) }) };
}

/** What is wrong with the whole, each fault at the setting that it comes from; everything else goes on. */
function asFaults(error: unknown): never {
  if (!(error instanceof ShiminError) || error.code !== 'app_invalid') throw error;
  const { fault: said, appFaults } = error.detail;
  const own = z
    .array(z.object({ path: z.array(z.union([z.string(), z.number()])), code: z.string() }))
    .parse(appFaults);
  const faults = own.map(({ path: [member = '', ...rest], code }) =>
    fault('body', ['settings', settingOf(String(member)), ...rest], code, code),
  );
  const engine = typeof said === 'string' ? [fault('body', ['settings'], 'app_invalid', said)] : [];
  throw new RequestFaults('app_invalid', [...faults, ...engine]);
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
    summary: 'Proposes a new app',
    description:
      'Until a second person approves it in the console there is no such app, and nothing can be done as it.',
    permission: 'app.save',
    params: none,
    query: none,
    body: z.strictObject({ id: appId, settings: sent, reason: why }),
    answer: { status: 201, description: 'The proposal, and the secret of the app if it will have one.', schema: saved },
    handler: async ({ deps, by, body }) => {
      const input = { by, ...body, judge: { rules, check: deps.clientFault } };
      return savedReply(deps, body.id, await createApp(deps, input).catch(asFaults));
    },
  });
  const change = operation({
    id: 'replaceAppSettings',
    method: 'put',
    path: '/apps/{id}/settings',
    tag: 'Apps',
    summary: 'Replaces the settings of an app',
    description:
      'Names, purpose, owner and the addresses where people read about it are saved at once. As soon as anything else differs the whole is a proposal, which a second person approves in the console. An app that holds roles of staff is changed only once two owners have taken them away.',
    permission: 'app.save',
    params: byId,
    query: none,
    body: z.strictObject({ settings: sent, reason: why }),
    answer: { status: 200, description: 'The app as it is now, and what was proposed.', schema: saved },
    onRevision: true,
    hasRevision: true,
    handler: async ({ deps, by, params, body, revision }) => {
      const input = { by, id: params.id, revision, ...body, judge: { rules, check: deps.clientFault } };
      return savedReply(deps, params.id, await changeApp(deps, input).catch(asFaults));
    },
  });
  return [create, change];
}

const rotate = operation({
  id: 'rotateAppSecret',
  method: 'post',
  path: '/apps/{id}/secret',
  tag: 'Apps',
  summary: 'Proposes a new secret; the old one stays good for a while after the approval',
  permission: 'app.save',
  params: byId,
  query: none,
  body: z.strictObject({ overlapHours: z.int().min(0).max(168), reason: why }),
  answer: { status: 201, description: 'The app, the proposal, and its new secret.', schema: saved },
  hasRevision: true,
  handler: async ({ deps, by, params, body }) => {
    return savedReply(deps, params.id, await rotateSecret(deps, { by, id: params.id, ...body }));
  },
});

const toggle = operation({
  id: 'switchApp',
  method: 'put',
  path: '/apps/{id}/state',
  tag: 'Apps',
  summary: 'Switches an app off, or on again',
  description:
    'An app that is off is unknown: no sign-in, no token, no answer about one. What it was given before stays dead when it is on again. One person may do it, as with every emergency stop.',
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
