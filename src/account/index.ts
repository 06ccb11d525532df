import Router from '@koa/router';
import { activityRoutes } from './activity.ts';
import { appRoutes } from './apps.ts';
import { authenticatorRoutes } from './authenticators.ts';
import { counterRoutes } from './counter.ts';
import { decisionRoutes } from './decisions.ts';
import type { AccountDeps } from './deps.ts';
import { evidenceRoutes } from './evidence.ts';
import { identityRoutes } from './identities.ts';
import { mergeRoutes } from './merges.ts';
import { overviewRoutes } from './overview.ts';
import { qrRoutes } from './qr.ts';
import { sessionRoutes } from './sessions.ts';
import { signedOutRoutes } from './signed-out.ts';

/** All routes of the citizen's own area; the area session stands in front of every one. */
export function accountRoutes(deps: AccountDeps): Router {
  const router = new Router();
  overviewRoutes(router, deps);
  authenticatorRoutes(router, deps);
  identityRoutes(router, deps);
  evidenceRoutes(router, deps);
  appRoutes(router, deps);
  sessionRoutes(router, deps);
  signedOutRoutes(router, deps);
  activityRoutes(router, deps);
  decisionRoutes(router, deps);
  counterRoutes(router, deps);
  mergeRoutes(router, deps);
  qrRoutes(router, deps);
  return router;
}
