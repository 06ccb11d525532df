import type Router from '@koa/router';
import { openCounterCase } from '../commands/counter-open.ts';
import { count } from '../commands/throttles.ts';
import { ShiminError } from '../lib/errors.ts';
import { seeOther } from '../web/forms.ts';
import { causeOf, type Handler, withSituation } from './context.ts';
import { officialsFor } from './counter-data.ts';
import type { JourneyDeps } from './deps.ts';

const open: Handler = async (deps, ctx, situation) => {
  const { citizen } = situation;
  // SP 800-63A-4 binds proofing to an authenticated account; one factor alone could be anybody with the phone.
  if (!citizen || citizen.assessment.aal < 2) throw new ShiminError('interaction_expired', { status: 403 });
  await count(deps, 'registerAccount', citizen.account.id);
  const officials = officialsFor(situation);
  await openCounterCase(deps, { accountId: citizen.account.id, officials, cause: causeOf(ctx, situation) });
  seeOther(ctx, situation.base);
};

export function counterRoutes(router: Router, deps: JourneyDeps): void {
  router.post('/interaction/:uid/prove/counter', withSituation(deps, open));
}
