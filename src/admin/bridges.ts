import type { Context } from 'koa';
import { z } from 'zod';
import { type BridgeCap, bridgeCap, capped } from '../assurance/bridge-worth.ts';
import type { BridgeModule } from '../bridges/bridge.ts';
import { may } from '../commands/permissions.ts';
import { proposeChange } from '../commands/propose-change.ts';
import { ShiminError } from '../lib/errors.ts';
import { type BridgeRow, bridgeRow, bridgeRows, bridgeUses, openSettings, sealSettings } from '../storage/bridges.ts';
import { disabledSources } from '../storage/sources.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { type OutsideService, outsideServices, readSettings, settingFields } from './bridge-settings.ts';
import { type AdminHandler, type AdminRoute, byOf, doneKey, page, param, type Staff, wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';

export const bridgesPath = '/admin/bridges';

const list: AdminHandler = async (deps, ctx, staff) => {
  const [rows, disabled] = await Promise.all([bridgeRows(deps.db), disabledSources(deps.db)]);
  page(deps, ctx, staff, 'bridges', {
    bridges: outsideServices.map(({ id, bridge }) => {
      const row = rows.find((each) => each.id === id);
      return {
        id,
        region: bridge?.traits.region ?? null,
        configured: row !== undefined,
        enabled: !disabled.has(id),
        healthy: row === undefined ? null : deps.healthy(id),
        use: bridge === null ? null : (row?.use ?? null),
        url: `${bridgesPath}/${id}`,
      };
    }),
  });
};

function serviceOf(ctx: Context): OutsideService {
  const id = param(ctx, 'id');
  const found = outsideServices.find((each) => each.id === id);
  if (!found) throw new ShiminError('not_found', { status: 404 });
  return found;
}

/** @throws ShiminError `not_found` also for a check: nobody signs in there. */
export function moduleOf(ctx: Context): BridgeModule {
  const { bridge } = serviceOf(ctx);
  if (bridge === null) throw new ShiminError('not_found', { status: 404 });
  return bridge;
}

const show: AdminHandler = async (deps, ctx, staff) => {
  const row = await bridgeRow(deps.db, serviceOf(ctx).id);
  return render(deps, ctx, staff, row, {}, 200);
};

async function render(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  row: BridgeRow | null,
  again: { errors?: Record<string, string>; values?: Record<string, string> },
  status: number,
): Promise<void> {
  const { id, bridge, module } = serviceOf(ctx);
  const t = wordsOf(deps, ctx);
  const known = row === null ? null : openSettings(deps.keyring, row.id, row.sealedSettings);
  const { values = {} } = again;
  const cap = row?.cap ?? null;
  page(
    deps,
    ctx,
    staff,
    'bridge',
    {
      bridge: {
        id,
        isCheck: bridge === null,
        asks: bridge?.traits.asks ?? [],
        configured: row !== null,
        enabled: !(await disabledSources(deps.db)).has(id),
        callback: `${deps.issuer}/bridge/${id}/callback`,
        updatedAt: row?.updatedAt ?? null,
        use: values.use ?? row?.use ?? 'sign_in',
        capIdentity: values.identity ?? cap?.identity ?? 'superior',
        capFactors: values.factors ?? String(cap?.factors ?? 2),
        levels: (bridge?.traits.levels ?? []).map(({ name, worth }) => ({
          name,
          declared: worthInWords(t, worth),
          counts: worthInWords(t, capped(worth, cap)),
        })),
        fields: settingFields(module, known, values),
      },
      canPropose: may(staff.roles, 'bridge.propose'),
      canTry: bridge !== null && may(staff.roles, 'bridge.try') && row !== null,
      done: doneKey(ctx, ['proposed']),
      errors: again.errors ?? {},
      values,
    },
    { status },
  );
}

/** What a level of an upstream counts for, in a line. */
export function worthInWords(
  t: ReturnType<typeof wordsOf>,
  { identity, authentication }: ReturnType<typeof capped>,
): { identity: string; authentication: string } {
  return {
    identity: identity === null ? t('bridges.identity.none') : t(`bridges.identity.${identity.strength}`),
    authentication:
      authentication === null ? t('bridges.factors.0') : t(`bridges.factors.${authentication.factors.length}`),
  };
}

const reason = z.object({ reason: z.string().trim().min(1).max(500) });
const bridgeForm = reason.extend({
  use: z.enum(bridgeUses),
  identity: bridgeCap.shape.identity,
  factors: z.enum(['0', '1', '2']),
});
/** A check opens no accounts and has one worth: there is nothing to choose. */
const checkForm = reason.transform((given) => ({
  ...given,
  use: 'link_only' as const,
  identity: 'superior' as const,
  factors: '2' as const,
}));
const factorCounts = { '0': 0, '1': 1, '2': 2 } as const;

const propose: AdminHandler = async (deps, ctx, staff) => {
  const { id, bridge, module } = serviceOf(ctx);
  const row = await bridgeRow(deps.db, id);
  const typed = textsOf(ctx.request.body);
  const given = parseForm(bridge === null ? checkForm : bridgeForm, ctx.request.body);
  const known = row === null ? null : openSettings(deps.keyring, id, row.sealedSettings);
  const { settings, errors: faults } = readSettings(module, known, typed);
  if (!given.ok || Object.keys(faults).length > 0) {
    const errors = { ...faults, ...(given.ok ? {} : given.errors) };
    return render(deps, ctx, staff, row, { errors, values: typed }, 422);
  }
  const { use, identity, factors, reason: why } = given.value;
  const cap: BridgeCap = { identity, factors: factorCounts[factors] };
  const fields = Object.keys({ ...known, ...settings }).filter((name) => known?.[name] !== settings[name]);
  await proposeChange(deps, {
    by: byOf(ctx, staff),
    what: {
      kind: 'bridge',
      payload: {
        bridge: id,
        use: bridge === null ? (row?.use ?? use) : use,
        cap: identity === 'superior' && factors === '2' ? null : cap,
        sealedSettings: sealSettings(deps.keyring, id, settings),
        fields,
        plain: Object.keys(module.settings.shape).filter((name) => !module.secrets.includes(name)),
        from: row?.version ?? null,
      },
    },
    reason: why,
  });
  return seeOther(ctx, `${bridgesPath}/${id}?done=proposed`);
};

/** Fields that came once; longer ones than any setting are not ours. */
function textsOf(body: unknown): Record<string, string> {
  if (typeof body !== 'object' || body === null) return {};
  return Object.fromEntries(
    Object.entries(body).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

export const bridgeRoutes: readonly AdminRoute[] = [
  { method: 'get', path: bridgesPath, operation: 'source.read', handler: list },
  { method: 'get', path: `${bridgesPath}/:id`, operation: 'source.read', handler: show },
  { method: 'post', path: `${bridgesPath}/:id/propose`, operation: 'bridge.propose', handler: propose },
];
