import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { upstreamFacts } from '../assurance/upstream-facts.ts';
import type { OpenBridge } from '../bridges/index.ts';
import { arrive, depart, newState } from '../commands/bridge-pending.ts';
import { linkIdentity, unlinkIdentity } from '../commands/link-identity.ts';
import { refuseIdentity } from '../commands/refuse-identity.ts';
import { readNumber } from '../identity/read-number.ts';
import { ShiminError } from '../lib/errors.ts';
import { identitiesOf } from '../storage/external-identities.ts';
import { seeOther } from '../web/forms.ts';
import { localeOf } from '../web/preferences.ts';
import { qrSvg } from '../web/qr.ts';
import { causeOf, doneKey, freshly, type Handler, param, type SignedIn, withCitizen } from './context.ts';
import type { AccountDeps } from './deps.ts';

const page = '/account/identities';
/** What the bridge wants to see again, and what the person is shown meanwhile. */
const kept = z.object({
  own: z.unknown(),
  shown: z.object({ link: z.string().nullable(), qr: z.string().nullable() }).nullable(),
});
/** What a page about the upstream says, with an audit line; anything else is a fault of ours. */
const told: readonly string[] = ['identity_in_use', 'identity_mismatch', 'identity_minor'];
const notices = ['account.identities.done_linked', 'account.identities.done_unlinked'];

const show: Handler = async (deps, ctx, citizen) => render(deps, ctx, citizen, {}, 200);

async function render(
  deps: AccountDeps,
  ctx: Context,
  { account }: SignedIn,
  again: { refused?: { bridge: string; reason: string }; ask?: string; errors?: Record<string, string> },
  status: number,
): Promise<void> {
  const [linked, bridges] = await Promise.all([identitiesOf(deps.db, account.id), deps.bridges.list()]);
  const has = new Set(linked.map(({ bridge }) => bridge));
  deps.renderer.render(
    ctx,
    'account/identities',
    {
      linked: linked.map(({ id, bridge, linkedAt, lastUsedAt }) => ({
        id,
        bridge,
        linkedAt,
        lastUsedAt,
        off: !bridges.some(({ traits }) => traits.id === bridge),
      })),
      others: bridges
        .filter(({ traits }) => !has.has(traits.id))
        .map(({ traits, healthy }) => ({ bridge: traits.id, asks: traits.asks, healthy })),
      errors: {},
      ask: null,
      refused: null,
      done: doneKey(ctx, notices),
      ...again,
    },
    { status },
  );
}

const start: Handler = async (deps, ctx, citizen) => {
  const open = await deps.bridges.get(param(ctx, 'bridge'));
  const { id } = open.traits;
  const input = inputOf(deps, ctx, open);
  if (input === null) return render(deps, ctx, citizen, { ask: id, errors: { number: 'errors.number_invalid' } }, 422);
  const state = newState();
  const started = await open.bridge.start({
    redirectUri: `${deps.issuer}/bridge/${id}/callback`,
    state,
    level: open.traits.levels.at(-1)?.name ?? null,
    locale: localeOf(ctx, deps.renderer.i18n),
    fresh: true,
    sameDevice: /Mobile|Android|iPhone/.test(ctx.get('User-Agent')),
    userAgent: ctx.get('User-Agent'),
    input,
  });
  if (started.outcome === 'unavailable') return refuse(deps, ctx, citizen, id, 'unavailable', started.cause);
  if (started.outcome === 'refused') return refuse(deps, ctx, citizen, id, started.reason, started.cause);
  const { id: accountId } = citizen.account;
  const to = `${page}/${id}/finish`;
  const shown = started.outcome === 'waiting' ? { link: started.waiting.link, qr: started.waiting.qr } : null;
  await depart(deps, state, { bridge: id, to, bound: accountId, accountId, keep: { own: started.keep, shown } });
  if (started.outcome === 'waiting') {
    const { link, qr, every } = started.waiting;
    return waiting(deps, ctx, id, `${to}?state=${state}`, every, { link, qr });
  }
  ctx.set('Refresh', `0; url=${started.url}`);
  return deps.renderer.render(ctx, 'journey/bridge-leave', { base: page, bridge: id, url: started.url });
};

function inputOf(deps: AccountDeps, ctx: Context, open: OpenBridge): Record<string, string> | null {
  const day = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(deps.clock()).replaceAll('-', '');
  const body: unknown = ctx.request.body;
  const input: Record<string, string> = {};
  for (const { name, type } of open.traits.asks) {
    const given: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
    const read = readNumber(type, typeof given === 'string' ? given : '', day);
    if (!read.ok) return null;
    input[name] = read.number;
  }
  return input;
}

function waiting(
  deps: AccountDeps,
  ctx: Context,
  bridge: string,
  next: string,
  every: number,
  { link, qr }: { link: string | null; qr: string | null },
): void {
  ctx.set('Refresh', `${every}; url=${next}`);
  deps.renderer.render(ctx, 'account/identity-waiting', { bridge, link, qr: qr === null ? null : qrSvg(qr), next });
}

const finish: Handler = async (deps, ctx, citizen) => {
  const open = await deps.bridges.get(param(ctx, 'bridge'));
  const { id } = open.traits;
  const { id: accountId } = citizen.account;
  const departure = await arrive(deps, ctx.query.state, { bridge: id, bound: accountId, accountId });
  if (departure === null) throw new ShiminError('ceremony_expired', { status: 400 });
  const { own, shown } = kept.parse(departure.keep);
  const result = open.bridge.poll
    ? await open.bridge.poll(own)
    : await open.bridge.finish(new URL(`${deps.issuer}/bridge/${id}/callback${ctx.search}`), own);
  if (result.outcome === 'pending') {
    const state = String(ctx.query.state);
    await depart(deps, state, departure);
    return waiting(deps, ctx, id, `${page}/${id}/finish?state=${state}`, 5, shown ?? { link: null, qr: null });
  }
  if (result.outcome === 'unavailable') return refuse(deps, ctx, citizen, id, 'unavailable', result.cause);
  if (result.outcome === 'refused') return refuse(deps, ctx, citizen, id, result.reason, result.cause);
  const facts = upstreamFacts(open.traits, open.cap, result.identity, deps.clock());
  try {
    await linkIdentity(deps, { accountId, facts, interaction: null, cause: causeOf(ctx) });
  } catch (error) {
    if (!(error instanceof ShiminError) || !told.includes(error.code)) throw error;
    return refuse(deps, ctx, citizen, id, error.code, error);
  }
  return seeOther(ctx, `${page}?done=identities.done_linked`);
};

async function refuse(
  deps: AccountDeps,
  ctx: Context,
  citizen: SignedIn,
  bridge: string,
  reason: string,
  cause?: unknown,
): Promise<void> {
  if (cause !== undefined) deps.log.warn({ err: cause, bridge, reason }, 'bridge refused');
  await refuseIdentity(deps, { accountId: citizen.account.id, bridge, reason, cause: causeOf(ctx) });
  return render(deps, ctx, citizen, { refused: { bridge, reason } }, 409);
}

const unlink: Handler = async (deps, ctx, citizen) => {
  const done = await unlinkIdentity(deps, { accountId: citizen.account.id, id: param(ctx, 'id'), cause: causeOf(ctx) });
  if (!done) throw new ShiminError('not_found', { status: 404 });
  seeOther(ctx, `${page}?done=identities.done_unlinked`);
};

export function identityRoutes(router: Router, deps: AccountDeps): void {
  const guard = freshly(deps, page);
  router.get(page, guard, withCitizen(deps, show));
  router.post(`${page}/:bridge/start`, guard, withCitizen(deps, start));
  router.get(`${page}/:bridge/finish`, withCitizen(deps, finish));
  router.post(`${page}/:id/unlink`, guard, withCitizen(deps, unlink));
}
