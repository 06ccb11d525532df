import type { Context } from 'koa';
import type { OpenBridge } from '../bridges/index.ts';
import { type Ended, movesOn, returnFromBridge, startBridge, type Trip } from '../ceremonies/bridge.ts';
import { noteTrial } from '../commands/note-trial.ts';
import { ShiminError } from '../lib/errors.ts';
import { seeOther } from '../web/forms.ts';
import { bridgesPath, moduleOf, worthInWords } from './bridges.ts';
import { type AdminHandler, type AdminRoute, byOf, page, type Staff, wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';

const pathOf = (id: string, rest: string) => `${bridgesPath}/${id}/${rest}`;

const tripOf = ({ accountId }: Staff, bridge: string): Trip => ({
  bound: accountId,
  accountId,
  finish: pathOf(bridge, 'tried'),
  wait: pathOf(bridge, 'tried'),
});

/** A sign-in at the upstream that signs nobody in here: it shows what comes back. */
const begin: AdminHandler = async (deps, ctx, staff) => {
  const { traits } = moduleOf(ctx);
  const open = await deps.bridges.get(traits.id);
  const trip = tripOf(staff, traits.id);
  const started = await startBridge(deps, ctx, { open, trip, level: traits.levels.at(-1)?.name ?? null, fresh: true });
  switch (started.kind) {
    case 'asks':
      throw new ShiminError('form_invalid', { status: 422 });
    case 'over':
      return tell(deps, ctx, staff, open, started.result);
    case 'waits':
      return seeOther(ctx, started.next);
    case 'leaves':
      movesOn(ctx, started.url);
      return page(deps, ctx, staff, 'bridge-leave', { bridge: traits.id, url: started.url });
  }
};

const tried: AdminHandler = async (deps, ctx, staff) => {
  const { traits } = moduleOf(ctx);
  const open = await deps.bridges.get(traits.id);
  const returned = await returnFromBridge(deps, ctx, { open, trip: tripOf(staff, traits.id) });
  if (returned.kind === 'over') return tell(deps, ctx, staff, open, returned.result);
  movesOn(ctx, returned.shown.next, returned.shown.every);
  return page(deps, ctx, staff, 'bridge-waiting', { bridge: traits.id, ...returned.shown });
};

/** Exactly what came back, and what it would count for. Nothing of it is kept. */
async function tell(deps: AdminDeps, ctx: Context, staff: Staff, open: OpenBridge, result: Ended): Promise<void> {
  const { id } = open.traits;
  await noteTrial(deps, { by: byOf(ctx, staff), bridge: id, result: result.outcome });
  const facts = result.outcome === 'identified' ? result.facts : null;
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
