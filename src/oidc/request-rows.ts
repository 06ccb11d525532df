import type { KoaContextWithOIDC } from 'oidc-provider';
import type { StandingDeps } from '../standing/session.ts';
import type { StandingRows } from '../storage/standing.ts';

const read = new WeakMap<object, Promise<StandingRows>>();

/** What the ledger says of the request's account and session: asked once per request, forgotten with it. */
export function rowsOfRequest(deps: StandingDeps, ctx: KoaContextWithOIDC, accountId: string): Promise<StandingRows> {
  const known = read.get(ctx);
  if (known) return known;
  const fresh = deps.readStanding(accountId, ctx.oidc.session?.uid ?? null);
  read.set(ctx, fresh);
  return fresh;
}

/** After this request itself changed the ledger. */
export function forgetRows(ctx: KoaContextWithOIDC): void {
  read.delete(ctx);
}
