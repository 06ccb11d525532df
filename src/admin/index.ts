import Router from '@koa/router';
import { approvalRoutes } from './approvals.ts';
import { appRoutes } from './apps.ts';
import { appRequirementRoutes } from './apps-requirement.ts';
import { appSettingsRoutes } from './apps-settings.ts';
import { auditRoutes } from './audit.ts';
import { auditExportRoutes } from './audit-export.ts';
import { auditLineRoutes } from './audit-line.ts';
import { bridgeTryRoutes } from './bridge-try.ts';
import { bridgeRoutes } from './bridges.ts';
import { type AdminRoute, freshly, withStaff } from './context.ts';
import { counterRoutes } from './counter.ts';
import { counterCaseRoutes } from './counter-case.ts';
import { dashboardRoutes } from './dashboard.ts';
import { decisionRoutes } from './decisions.ts';
import type { AdminDeps } from './deps.ts';
import { enrolRoutes } from './enrol.ts';
import { homeRoutes } from './home.ts';
import { keyRoutes } from './keys.ts';
import { levelRoutes } from './levels.ts';
import { mergeRoutes } from './merges.ts';
import { peopleRoutes } from './people.ts';
import { personRoutes } from './person.ts';
import { previewRoutes } from './preview.ts';
import { sourceRoutes } from './sources.ts';
import { staffRoutes } from './staff.ts';

/**
 * Every endpoint of the console with the operation it needs. A page of yours: export `xxxRoutes: readonly AdminRoute[]`
 * from its file and add it here; nothing reaches the router but through this table, and test/admin walks it role by role.
 */
export const adminRoutes: readonly AdminRoute[] = [
  ...homeRoutes,
  ...dashboardRoutes,
  ...enrolRoutes,
  ...approvalRoutes,
  ...previewRoutes,
  ...appSettingsRoutes,
  ...appRoutes,
  ...appRequirementRoutes,
  ...levelRoutes,
  ...sourceRoutes,
  ...bridgeTryRoutes,
  ...bridgeRoutes,
  ...staffRoutes,
  ...keyRoutes,
  ...decisionRoutes,
  ...auditRoutes,
  ...auditExportRoutes,
  ...auditLineRoutes,
  ...peopleRoutes,
  ...personRoutes,
  ...mergeRoutes,
  ...counterRoutes,
  ...counterCaseRoutes,
];

export function adminRouter(deps: AdminDeps): Router {
  const router = new Router();
  for (const route of adminRoutes) {
    const handle = withStaff(deps, route.operation, route.handler);
    const guards = (route.fresh ?? route.method === 'post') ? [freshly(deps, route)] : [];
    if (route.method === 'get') router.get(route.path, ...guards, handle);
    else router.post(route.path, ...guards, handle);
  }
  return router;
}
