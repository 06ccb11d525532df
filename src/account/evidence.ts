import type Router from '@koa/router';
import { standingOfAccount } from '../standing/account.ts';
import { type Handler, withCitizen } from './context.ts';
import type { AccountDeps } from './deps.ts';

const evidence: Handler = async (deps, ctx, { account }) => {
  const standing = await standingOfAccount(deps.db, account.id, { at: deps.clock() });
  const { off, facts } = standing;
  const counting = new Set(standing.evidence);
  deps.renderer.render(ctx, 'account/evidence', {
    evidence: facts.evidence.toReversed().map((row) => {
      const { kind, source, recordedAt, expiresAt, revokedAt } = row;
      return {
        kind,
        source,
        off: off.has(source),
        recordedAt,
        expiresAt,
        revokedAt,
        revokedReason: null,
        anew: !off.has(source) && !counting.has(row),
      };
    }),
  });
};

export function evidenceRoutes(router: Router, deps: AccountDeps): void {
  router.get('/account/evidence', withCitizen(deps, evidence));
}
