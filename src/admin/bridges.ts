import type { Context } from 'koa';
import { z } from 'zod';
import { type BridgeCap, bridgeCap, capped } from '../assurance/bridge-worth.ts';
import type { BridgeModule } from '../bridges/bridge.ts';
import { bridgeModules } from '../bridges/index.ts';
import { may } from '../commands/permissions.ts';
import { proposeChange } from '../commands/propose-change.ts';
import { ShiminError } from '../lib/errors.ts';
import { type BridgeRow, bridgeRow, bridgeRows, bridgeUses, openSettings, sealSettings } from '../storage/bridges.ts';
import { disabledSources } from '../storage/sources.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { type AdminHandler, type AdminRoute, byOf, doneKey, page, param, type Staff, wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';

export const bridgesPath = '/admin/bridges';

const list: AdminHandler = async (deps, ctx, staff) => {
  const [rows, disabled] = await Promise.all([bridgeRows(deps.db), disabledSources(deps.db)]);
  page(deps, ctx, staff, 'bridges', {
    bridges: bridgeModules.map(({ traits }) => {
      const row = rows.find(({ id }) => id === traits.id);
      return {
        id: traits.id,
        region: traits.region,
        configured: row !== undefined,
        enabled: !disabled.has(traits.id),
        healthy: row === undefined ? null : deps.healthy(traits.id),
        use: row?.use ?? null,
        url: `${bridgesPath}/${traits.id}`,
      };
    }),
  });
};

export function moduleOf(ctx: Context): BridgeModule {
  const id = param(ctx, 'id');
  const found = bridgeModules.find(({ traits }) => traits.id === id);
  if (!found) throw new ShiminError('not_found', { status: 404 });
  return found;
}

const show: AdminHandler = async (deps, ctx, staff) => {
  const row = await bridgeRow(deps.db, moduleOf(ctx).traits.id);
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
  const { traits, settings: shape, secrets } = moduleOf(ctx);
  const t = wordsOf(deps, ctx);
  const settings = row === null ? {} : openSettings(deps.keyring, row.id, row.sealedSettings);
  const { values = {} } = again;
  const cap = row?.cap ?? null;
  page(
    deps,
    ctx,
    staff,
    'bridge',
    {
      bridge: {
        id: traits.id,
        region: traits.region,
        asks: traits.asks,
        configured: row !== null,
        enabled: !(await disabledSources(deps.db)).has(traits.id),
        callback: `${deps.issuer}/bridge/${traits.id}/callback`,
        updatedAt: row?.updatedAt ?? null,
        use: values.use ?? row?.use ?? 'sign_in',
        capIdentity: values.identity ?? cap?.identity ?? 'superior',
        capFactors: values.factors ?? String(cap?.factors ?? 2),
        levels: traits.levels.map(({ name, worth }) => ({
          name,
          declared: worthInWords(t, worth),
          counts: worthInWords(t, capped(worth, cap)),
        })),
        fields: Object.keys(shape.shape).map((name) => {
          const secret = secrets.includes(name);
          return {
            name,
            secret,
            set: settings[name] !== undefined,
            // A secret that was typed is not sent back either.
            value: secret ? '' : (values[`settings.${name}`] ?? settings[name] ?? ''),
          };
        }),
      },
      canPropose: may(staff.roles, 'bridge.propose'),
      canTry: may(staff.roles, 'bridge.try') && row !== null,
      done: doneKey(ctx, ['proposed']),
      errors: again.errors ?? {},
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

const form = z.object({
  use: z.enum(bridgeUses),
  identity: bridgeCap.shape.identity,
  factors: z.enum(['0', '1', '2']),
  reason: z.string().trim().min(1).max(500),
});
const factorCounts = { '0': 0, '1': 1, '2': 2 } as const;

const propose: AdminHandler = async (deps, ctx, staff) => {
  const { traits, settings: shape, secrets } = moduleOf(ctx);
  const row = await bridgeRow(deps.db, traits.id);
  const typed = textsOf(ctx.request.body);
  const given = parseForm(form, ctx.request.body);
  const known = row === null ? {} : openSettings(deps.keyring, traits.id, row.sealedSettings);
  const settings: Record<string, string> = {};
  for (const name of Object.keys(shape.shape)) {
    const value = typed[`settings.${name}`]?.trim() ?? '';
    // A secret that is left empty stays as it is: it is never shown, so it can't be sent back.
    const next = value === '' && secrets.includes(name) ? known[name] : value === '' ? undefined : value;
    if (next !== undefined) settings[name] = next;
  }
  const checked = shape.safeParse(settings);
  const faults = checked.success
    ? {}
    : Object.fromEntries(
        checked.error.issues.map(({ path }) => [`settings.${String(path[0])}`, 'errors.setting_invalid']),
      );
  if (!given.ok || !checked.success) {
    const errors = { ...faults, ...(given.ok ? {} : given.errors) };
    return render(deps, ctx, staff, row, { errors, values: typed }, 422);
  }
  const { use, identity, factors, reason } = given.value;
  const cap: BridgeCap = { identity, factors: factorCounts[factors] };
  const fields = Object.keys({ ...known, ...settings }).filter((name) => known[name] !== settings[name]);
  await proposeChange(deps, {
    by: byOf(ctx, staff),
    what: {
      kind: 'bridge',
      payload: {
        bridge: traits.id,
        use,
        cap: identity === 'superior' && factors === '2' ? null : cap,
        sealedSettings: sealSettings(deps.keyring, traits.id, settings),
        fields,
        plain: Object.keys(shape.shape).filter((name) => !secrets.includes(name)),
        from: row?.version ?? null,
      },
    },
    reason,
  });
  return seeOther(ctx, `${bridgesPath}/${traits.id}?done=proposed`);
};

function textsOf(body: unknown): Record<string, string> {
  if (typeof body !== 'object' || body === null) return {};
  return Object.fromEntries(
    Object.entries(body).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1].length < 20_000,
    ),
  );
}

export const bridgeRoutes: readonly AdminRoute[] = [
  { method: 'get', path: bridgesPath, operation: 'source.read', handler: list },
  { method: 'get', path: `${bridgesPath}/:id`, operation: 'source.read', handler: show },
  { method: 'post', path: `${bridgesPath}/:id/propose`, operation: 'bridge.propose', handler: propose },
];
