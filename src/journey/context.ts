import type { Context } from 'koa';
import type { Cause } from '../commands/command.ts';
import { ShiminError } from '../lib/errors.ts';
import type { JourneyDeps } from './deps.ts';
import { gather, type Situation } from './gather.ts';
import { type PageName, renderPage } from './pages.ts';

export type Handler = (deps: JourneyDeps, ctx: Context, situation: Situation) => Promise<void>;

/**
 * Route handler that first reads the situation of the interaction in the address. `evenStopped`: also for somebody whose
 * account staff have stopped.
 */
export function withSituation(deps: JourneyDeps, handler: Handler, { evenStopped = false } = {}) {
  return async (ctx: Context & { params: Record<string, string> }): Promise<void> => {
    const situation = await gather(deps, ctx, ctx.params.uid ?? '');
    if (situation.stop && !evenStopped) throw new ShiminError('account_suspended', { status: 403 });
    await handler(deps, ctx, situation);
  };
}

export function causeOf(ctx: Context, situation: Situation): Cause {
  return {
    requestId: typeof ctx.state.requestId === 'string' ? ctx.state.requestId : null,
    clientId: situation.app.id,
  };
}

/** The same page again with what to mend; nothing typed is lost but secrets. */
export async function fieldErrors(
  deps: JourneyDeps,
  ctx: Context,
  situation: Situation,
  page: PageName,
  errors: Readonly<Record<string, string>>,
): Promise<void> {
  await renderPage(deps, ctx, situation, page, { errors, status: 422 });
}
