import type Router from '@koa/router';
import type { Context } from 'koa';
import { type Ended, movesOn, returnFromBridge, startBridge, type Trip } from '../ceremonies/bridge.ts';
import { linkIdentity, unlinkIdentity } from '../commands/link-identity.ts';
import { refuseIdentity } from '../commands/refuse-identity.ts';
import { ShiminError } from '../lib/errors.ts';
import { identitiesOf } from '../storage/external-identities.ts';
import { seeOther } from '../web/forms.ts';
import {
  causeOf,
  ceremonyOf,
  doneKey,
  freshlyHere,
  type Handler,
  param,
  type SignedIn,
  withCitizen,
} from './context.ts';
import type { AccountDeps } from './deps.ts';

const page = '/account/identities';
/** What a page about the upstream says, with an audit line; anything else is a fault of ours. */
const told: readonly string[] = ['identity_in_use', 'identity_mismatch', 'identity_minor', 'binding_too_weak'];
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

const tripOf = ({ account: { id } }: SignedIn, bridge: string): Trip => ({
  bound: id,
  accountId: id,
  finish: `${page}/${bridge}/finish`,
  wait: `${page}/${bridge}/finish`,
});

const start: Handler = async (deps, ctx, citizen) => {
  const open = await deps.bridges.get(param(ctx, 'bridge'));
  const { id, levels } = open.traits;
  const trip = tripOf(citizen, id);
  const started = await startBridge(deps, ctx, { open, trip, level: levels.at(-1)?.name ?? null, fresh: true });
  switch (started.kind) {
    case 'asks':
      return render(
        deps,
        ctx,
        citizen,
        { ask: id, errors: { number: 'errors.field_required', ...started.errors } },
        422,
      );
    case 'over':
      return ended(deps, ctx, citizen, id, started.result);
    case 'waits':
      return seeOther(ctx, started.next);
    case 'leaves':
      movesOn(ctx, started.url);
      return deps.renderer.render(ctx, 'journey/bridge-leave', { base: page, bridge: id, url: started.url });
  }
};

/** Back from the upstream, or still waiting for what is done in its app. */
const finish: Handler = async (deps, ctx, citizen) => {
  const open = await deps.bridges.get(param(ctx, 'bridge'));
  const { id } = open.traits;
  const returned = await returnFromBridge(deps, ctx, { open, trip: tripOf(citizen, id) });
  if (returned.kind === 'over') return ended(deps, ctx, citizen, id, returned.result);
  movesOn(ctx, returned.shown.next, returned.shown.every);
  return deps.renderer.render(ctx, 'account/identity-waiting', { bridge: id, ...returned.shown });
};

async function ended(deps: AccountDeps, ctx: Context, citizen: SignedIn, bridge: string, result: Ended): Promise<void> {
  if (result.outcome === 'unavailable') return refuse(deps, ctx, citizen, bridge, 'unavailable', result.cause);
  if (result.outcome === 'refused') return refuse(deps, ctx, citizen, bridge, result.reason, result.cause);
  const { facts } = result;
  try {
    const ground = await ceremonyOf(deps, citizen.session);
    await linkIdentity(deps, { accountId: citizen.account.id, facts, interaction: null, ground, cause: causeOf(ctx) });
  } catch (error) {
    if (!(error instanceof ShiminError) || !told.includes(error.code)) throw error;
    return refuse(deps, ctx, citizen, bridge, error.code, error);
  }
  return seeOther(ctx, `${page}?done=identities.done_linked`);
}

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
  const guard = freshlyHere(deps, page);
  router.get(page, guard, withCitizen(deps, show));
  router.post(`${page}/:bridge/start`, guard, withCitizen(deps, start));
  router.get(`${page}/:bridge/finish`, withCitizen(deps, finish));
  router.post(`${page}/:id/unlink`, guard, withCitizen(deps, unlink));
}
