import type Router from '@koa/router';
import { underInterventions } from '../assurance/interventions.ts';
import { evidenceOf } from '../storage/evidence.ts';
import { openInterventions } from '../storage/interventions.ts';
import { disabledSources } from '../storage/sources.ts';
import { type Handler, withCitizen } from './context.ts';
import type { AccountDeps } from './deps.ts';

const evidence: Handler = async (deps, ctx, { account }) => {
  const [rows, off] = await Promise.all([evidenceOf(deps.db, account.id), disabledSources(deps.db)]);
  const open = await openInterventions(deps.db, account.id);
  const counting = new Set(underInterventions(open, { evidence: rows, events: [] }, deps.clock()).evidence);
  deps.renderer.render(ctx, 'account/evidence', {
    evidence: rows.toReversed().map((row) => {
      const { kind, source, recordedAt, expiresAt, revokedAt } = row;
      return {
        kind,
        source,
        off: off.has(source),
        recordedAt,
        expiresAt,
        revokedAt,
        revokedReason: null,
        anew: !counting.has(row),
      };
    }),
  });
};

export function evidenceRoutes(router: Router, deps: AccountDeps): void {
  router.get('/account/evidence', withCitizen(deps, evidence));
}
