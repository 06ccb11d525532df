import type Router from '@koa/router';
import { authenticateRoutes } from './authenticate.ts';
import { bridgeRoutes } from './bridge.ts';
import { bridgeLinkRoutes } from './bridge-link.ts';
import { checkRoutes } from './check.ts';
import { consentRoutes } from './consent.ts';
import { counterRoutes } from './counter.ts';
import type { JourneyDeps } from './deps.ts';
import { enrolRoutes } from './enrol.ts';
import { hubRoutes } from './hub.ts';
import { proveRoutes } from './prove.ts';
import { qrRoutes } from './qr.ts';
import { registerRoutes } from './register.ts';

/** All routes of the sign-in area. */
export function journeyRoutes(router: Router, deps: JourneyDeps): void {
  hubRoutes(router, deps);
  authenticateRoutes(router, deps);
  registerRoutes(router, deps);
  enrolRoutes(router, deps);
  proveRoutes(router, deps);
  counterRoutes(router, deps);
  checkRoutes(router, deps);
  bridgeRoutes(router, deps);
  bridgeLinkRoutes(router, deps);
  qrRoutes(router, deps);
  consentRoutes(router, deps);
}
