import type Router from '@koa/router';
import { evidenceOf } from '../storage/evidence.ts';
import { type Handler, withCitizen } from './context.ts';
import type { AccountDeps } from './deps.ts';

const evidence: Handler = async (deps, ctx, { account }) => {
  const rows = await evidenceOf(deps.db, account.id);
  deps.renderer.render(ctx, 'account/evidence', {
    evidence: rows.toReversed().map(({ kind, source, recordedAt, expiresAt, revokedAt }) => ({
      kind,
      source,
      recordedAt,
      expiresAt,
      revokedAt,
      revokedReason: null,
    })),
  });
};

export function evidenceRoutes(router: Router, deps: AccountDeps): void {
  router.get('/account/evidence', withCitizen(deps, evidence));
}
