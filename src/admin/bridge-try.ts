import type { Context } from 'koa';
import { upstreamFacts } from '../assurance/upstream-facts.ts';
import type { BridgeResult } from '../bridges/bridge.ts';
import type { OpenBridge } from '../bridges/index.ts';
import { arrive, depart, newState } from '../commands/bridge-pending.ts';
import { noteTrial } from '../commands/note-trial.ts';
import { readNumber } from '../identity/read-number.ts';
import { ShiminError } from '../lib/errors.ts';
import { seeOther } from '../web/forms.ts';
import { localeOf } from '../web/preferences.ts';
import { bridgesPath, moduleOf, worthInWords } from './bridges.ts';
import { type AdminHandler, type AdminRoute, byOf, page, type Staff, wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';

const pathOf = (id: string, rest: string) => `${bridgesPath}/${id}/${rest}`;

/** A sign-in at the upstream that signs nobody in here: it shows what comes back. */
const begin: AdminHandler = async (deps, ctx, staff) => {
  const { traits } = moduleOf(ctx);
  const open = await deps.bridges.get(traits.id);
  const input = inputOf(deps, ctx, open);
  if (input === null) throw new ShiminError('form_invalid', { status: 422 });
  const state = newState();
  const started = await open.bridge.start({
    redirectUri: `${deps.issuer}/bridge/${traits.id}/callback`,
    state,
    level: traits.levels.at(-1)?.name ?? null,
    locale: localeOf(ctx, deps.renderer.i18n),
    fresh: true,
    sameDevice: false,
    input,
  });
  if (started.outcome === 'unavailable' || started.outcome === 'refused') return tell(deps, ctx, staff, open, started);
  // What sends nobody back is asked by the page itself; one look is enough to see that it answers.
  const to = pathOf(traits.id, 'tried');
  await depart(deps, state, {
    bridge: traits.id,
    to,
    bound: staff.accountId,
    accountId: staff.accountId,
    keep: started.keep,
  });
  if (started.outcome === 'waiting') {
    const { link, qr } = started.waiting;
    return page(deps, ctx, staff, 'bridge-waiting', { bridge: traits.id, link, qr, back: `${to}?state=${state}` });
  }
  ctx.set('Refresh', `0; url=${started.url}`);
  return page(deps, ctx, staff, 'bridge-leave', { bridge: traits.id, url: started.url });
};

function inputOf(deps: AdminDeps, ctx: Context, open: OpenBridge): Record<string, string> | null {
  const day = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(deps.clock()).replaceAll('-', '');
  const input: Record<string, string> = {};
  const body: unknown = ctx.request.body;
  for (const { name, type } of open.traits.asks) {
    const given: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
    const read = readNumber(type, typeof given === 'string' ? given : '', day);
    if (!read.ok) return null;
    input[name] = read.number;
  }
  return input;
}

const tried: AdminHandler = async (deps, ctx, staff) => {
  const { traits } = moduleOf(ctx);
  const open = await deps.bridges.get(traits.id);
  const { accountId } = staff;
  const departure = await arrive(deps, ctx.query.state, { bridge: traits.id, bound: accountId, accountId });
  if (departure === null) throw new ShiminError('ceremony_expired', { status: 400 });
  const callback = new URL(`${deps.issuer}/bridge/${traits.id}/callback${ctx.search}`);
  const result = open.bridge.poll
    ? await open.bridge.poll(departure.keep)
    : await open.bridge.finish(callback, departure.keep);
  if (result.outcome === 'pending') {
    const state = String(ctx.query.state);
    await depart(deps, state, departure);
    return page(deps, ctx, staff, 'bridge-waiting', {
      bridge: traits.id,
      link: null,
      qr: null,
      back: `${pathOf(traits.id, 'tried')}?state=${state}`,
    });
  }
  return tell(deps, ctx, staff, open, result);
};

/** Exactly what came back, and what it would count for. Nothing of it is kept. */
async function tell(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  open: OpenBridge,
  result: BridgeResult,
): Promise<void> {
  const { id } = open.traits;
  await noteTrial(deps, { by: byOf(ctx, staff), bridge: id, result: result.outcome });
  const facts =
    result.outcome === 'identified' ? upstreamFacts(open.traits, open.cap, result.identity, deps.clock()) : null;
  page(deps, ctx, staff, 'bridge-tried', {
    bridge: id,
    outcome: result.outcome,
    reason: result.outcome === 'refused' ? result.reason : null,
    cause: result.outcome === 'identified' ? null : causeOf(result.cause),
    answer: result.outcome === 'identified' ? JSON.stringify(result.identity, null, 2) : null,
    worth:
      facts === null
        ? null
        : {
            ...worthInWords(wordsOf(deps, ctx), {
              identity: facts.evidence && { strength: facts.evidence.strength, confirms: facts.evidence.confirmed },
              authentication: facts.event,
            }),
            confirmed: facts.evidence?.confirmed ?? [],
          },
  });
}

/** The chain of causes, for whoever has to mend it. */
function causeOf(cause: unknown): string | null {
  const lines: string[] = [];
  for (let each = cause; each instanceof Error && lines.length < 5; each = each.cause)
    lines.push(each instanceof ShiminError ? `${each.code}: ${each.message}` : each.message);
  return lines.length > 0 ? lines.join('\n') : null;
}

const leave: AdminHandler = async (_deps, ctx) => seeOther(ctx, `${bridgesPath}/${moduleOf(ctx).traits.id}`);

export const bridgeTryRoutes: readonly AdminRoute[] = [
  { method: 'post', path: `${bridgesPath}/:id/try`, operation: 'bridge.try', handler: begin },
  { method: 'get', path: `${bridgesPath}/:id/try`, operation: 'bridge.try', handler: leave },
  { method: 'get', path: `${bridgesPath}/:id/tried`, operation: 'bridge.try', handler: tried },
];
