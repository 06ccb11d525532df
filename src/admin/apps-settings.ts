import type { Context } from 'koa';
import { z } from 'zod';
import { appFaultCodes, appScopes, authMethods } from '../commands/app-check.ts';
import { settingsOf } from '../commands/app-metadata.ts';
import { appId, parseAppSettings, settingOf } from '../commands/app-settings.ts';
import {
  changeApp,
  createApp,
  ownAreas,
  revisionOf,
  rotateSecret,
  type Saved,
  switchApp,
} from '../commands/manage-app.ts';
import type { Params } from '../i18n/index.ts';
import { randomToken } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import type { App } from '../storage/apps.ts';
import { put, take } from '../storage/pending.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { localeOf } from '../web/preferences.ts';
import { approvalsPath, foundChange, renderChange } from './approvals.ts';
import { appsPath, foundApp } from './apps.ts';
import { sectorFaults } from './apps-sector.ts';
import {
  hasField,
  type PostedSettings,
  readSettings,
  settingsForm,
  settingsInput,
  toldFaults,
} from './apps-settings-form.ts';
import { type AdminHandler, type AdminRoute, byOf, page, query, type Staff, wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';
import type { Fault } from './faults.ts';

/** An app that may be changed here: one of our own areas follows the installation. */
async function editable(deps: AdminDeps, ctx: Context): Promise<App> {
  const app = await foundApp(deps, ctx);
  if (ownAreas.includes(app.id)) throw new ShiminError('not_found', { status: 404 });
  return app;
}

const blank: PostedSettings = { values: { authMethod: 'private_key_jwt', refreshTokens: 'yes' }, scopes: [] };

interface FormPage {
  readonly app: App | null;
  readonly form: PostedSettings;
  readonly faults?: readonly Fault[];
}

function renderForm(deps: AdminDeps, ctx: Context, staff: Staff, shown: FormPage, status: number): void {
  const { i18n } = deps.renderer;
  const { app, form } = shown;
  const data = {
    id: app?.id ?? null,
    name: app === null ? null : i18n.pick(app.name, localeOf(ctx, i18n)),
    values: form.values,
    scopes: form.scopes,
    allScopes: appScopes,
    authMethods,
    languages: i18n.locales,
    revision: form.values.revision ?? (app === null ? '' : revisionOf(app)),
    faults: shown.faults ?? [],
  };
  page(deps, ctx, staff, 'app-settings', data, { status });
}

const showNew: AdminHandler = async (deps, ctx, staff) => renderForm(deps, ctx, staff, { app: null, form: blank }, 200);

const showSettings: AdminHandler = async (deps, ctx, staff) => {
  const app = await editable(deps, ctx);
  renderForm(deps, ctx, staff, { app, form: settingsForm(settingsOf(app)) }, 200);
};

/** What was posted, judged by the schema that the API uses too; every fault at its field. */
async function judged(deps: AdminDeps, ctx: Context, form: PostedSettings) {
  const parsed = parseAppSettings(settingsInput(form), { allowLoopback: deps.allowLoopback });
  const faults = parsed.ok ? await sectorFaults(deps, parsed.settings) : parsed.faults;
  if (parsed.ok && faults.length === 0) return parsed;
  return { ok: false as const, faults: toldFaults(faults, wordsOf(deps, ctx)) };
}

/** What the engine, or the other apps, say is a fault of the form as well. */
function asFaults(deps: AdminDeps, ctx: Context, error: unknown): Fault[] {
  const t = wordsOf(deps, ctx);
  if (error instanceof ShiminError && error.code === 'app_taken')
    return [{ field: 'id', text: t('apps.fault.id_taken') }];
  if (error instanceof ShiminError && error.code === 'app_has_roles')
    return [{ field: '', text: t('apps.fault.has_roles') }];
  if (error instanceof ShiminError && error.code === 'app_invalid') return invalid(t, error.detail);
  // Of two who edit one app the second is told, keeps what was typed, and overwrites nothing.
  if (error instanceof ShiminError && error.code === 'draft_conflict')
    return [{ field: '', text: t('apps.fault.conflict') }];
  throw error;
}

const own = z.array(z.object({ path: z.array(z.union([z.string(), z.number()])), code: z.enum(appFaultCodes) }));

/** Faults of our own table at their fields; of what the form doesn't speak of, and in the engine's words, on the whole. */
function invalid(t: (key: string, params?: Params) => string, detail: Readonly<Record<string, unknown>>): Fault[] {
  const whole = (said: string) => ({ field: '', text: t('apps.fault.engine', { detail: said }) });
  const faults = own.parse(detail.appFaults).map(({ path: [member = '', ...rest], code }) => {
    const setting = settingOf(String(member));
    if (!hasField(setting)) return [whole(`${member}: ${t(`apps.fault.${code}`)}`)];
    return toldFaults([{ path: [setting, ...rest], code }], t);
  });
  return faults.length > 0 ? faults.flat() : [whole(String(detail.fault))];
}

/** Who asks, why, and by what it is judged. */
const asked = (deps: AdminDeps, ctx: Context, staff: Staff, form: PostedSettings) => ({
  by: byOf(ctx, staff),
  reason: (form.values.reason ?? '').slice(0, 500),
  judge: { rules: { allowLoopback: deps.allowLoopback }, check: deps.clientFault },
});

const create: AdminHandler = async (deps, ctx, staff) => {
  const form = readSettings(ctx.request.body);
  const t = wordsOf(deps, ctx);
  const id = appId.safeParse(form.values.id);
  const parsed = await judged(deps, ctx, form);
  if (!id.success || !parsed.ok) {
    const faults = [
      ...(id.success ? [] : [{ field: 'id', text: t('apps.fault.id_format') }]),
      ...(parsed.ok ? [] : parsed.faults),
    ];
    return renderForm(deps, ctx, staff, { app: null, form, faults }, 422);
  }
  try {
    const input = { ...asked(deps, ctx, staff, form), id: id.data, settings: parsed.settings };
    await shown(deps, ctx, staff, id.data, await createApp(deps, input));
  } catch (error) {
    renderForm(deps, ctx, staff, { app: null, form, faults: asFaults(deps, ctx, error) }, 422);
  }
};

const save: AdminHandler = async (deps, ctx, staff) => {
  const app = await editable(deps, ctx);
  const form = readSettings(ctx.request.body);
  const parsed = await judged(deps, ctx, form);
  if (!parsed.ok) return renderForm(deps, ctx, staff, { app, form, faults: parsed.faults }, 422);
  const { settings } = parsed;
  try {
    const revision = form.values.revision ?? '';
    const input = { ...asked(deps, ctx, staff, form), id: app.id, revision, settings };
    await shown(deps, ctx, staff, app.id, await changeApp(deps, input));
  } catch (error) {
    renderForm(deps, ctx, staff, { app, form, faults: asFaults(deps, ctx, error) }, 422);
  }
};

const overlap = z.object({ overlap: z.coerce.number().int().min(0).max(168) });

const rotate: AdminHandler = async (deps, ctx, staff) => {
  const app = await editable(deps, ctx);
  const form = parseForm(overlap, ctx.request.body);
  if (!form.ok) throw new ShiminError('form_invalid', { status: 422 });
  const input = { by: byOf(ctx, staff), id: app.id, overlapHours: form.value.overlap };
  await shown(deps, ctx, staff, app.id, await rotateSecret(deps, input));
};

const turn =
  (enabled: boolean): AdminHandler =>
  async (deps, ctx, staff) => {
    const app = await editable(deps, ctx);
    await switchApp(deps, { by: byOf(ctx, staff), id: app.id, enabled });
    seeOther(ctx, `${appsPath}/${app.id}?done=${enabled ? 'enabled' : 'disabled'}`);
  };

const kind = 'app-secret';
const once = z.object({ changeId: z.string(), secret: z.string(), accountId: z.string() });

/**
 * Where the work goes on: the app, or the proposal that a second person decides. A new secret is told on the next page, to
 * whoever made it and exactly once: it is taken away by being looked at.
 */
async function shown(deps: AdminDeps, ctx: Context, staff: Staff, appId: string, saved: Saved): Promise<void> {
  const { change, secret, again } = saved;
  if (change === null) return seeOther(ctx, `${appsPath}/${appId}?done=changed`);
  const page = `${approvalsPath}/${change.id}`;
  if (secret === null) return seeOther(ctx, again ? page : `${page}?done=proposed`);
  const id = randomToken();
  const { accountId } = staff;
  const expiresAt = new Date(deps.clock().getTime() + 5 * 60_000);
  const payload = { changeId: change.id, secret, accountId };
  await put(deps.db, { id, kind, interactionUid: null, accountId, payload, expiresAt }, deps.keyring);
  seeOther(ctx, `${page}/secret?once=${id}`);
}

const showSecret: AdminHandler = async (deps, ctx, staff) => {
  const change = await foundChange(deps, ctx);
  const kept = once.safeParse(await take(deps.db, query(ctx, 'once') ?? '', kind, deps.clock(), deps.keyring));
  const mine = kept.success && kept.data.accountId === staff.accountId && kept.data.changeId === change.id;
  // Looked at before, or somebody else's: the proposal's page, without it.
  if (!mine) return seeOther(ctx, `${approvalsPath}/${change.id}`);
  await renderChange(deps, ctx, staff, { secret: kept.data.secret }, 200);
};

/** Before `/admin/apps/:id`, which would take `new` for an app. */
export const appSettingsRoutes: readonly AdminRoute[] = [
  { method: 'get', path: `${appsPath}/new`, operation: 'app.save', fresh: true, handler: showNew },
  { method: 'post', path: `${appsPath}/new/create`, operation: 'app.save', handler: create },
  { method: 'get', path: `${appsPath}/:id/settings`, operation: 'app.save', fresh: true, handler: showSettings },
  { method: 'post', path: `${appsPath}/:id/settings/save`, operation: 'app.save', handler: save },
  { method: 'get', path: `${approvalsPath}/:id/secret`, operation: 'app.save', handler: showSecret },
  { method: 'post', path: `${appsPath}/:id/rotate`, operation: 'app.save', handler: rotate },
  { method: 'post', path: `${appsPath}/:id/disable`, operation: 'app.save', handler: turn(false) },
  { method: 'post', path: `${appsPath}/:id/enable`, operation: 'app.save', handler: turn(true) },
];
