import { may } from '../commands/permissions.ts';
import { changesIn } from '../storage/changes.ts';
import { disabledSources } from '../storage/sources.ts';
import { changeLines, waitsFor } from './approvals.ts';
import { type AdminHandler, type AdminRoute, doneKey, page } from './context.ts';

/** What waits for this member of staff, what they began, and what is out of the ordinary. */
const home: AdminHandler = async (deps, ctx, staff) => {
  const seesChanges = may(staff.roles, 'change.read');
  const open = seesChanges ? await changesIn(deps.db, ['draft', 'proposed'], { limit: 200 }) : [];
  const waiting = open.filter((change) => waitsFor(staff, change));
  const drafts = open.filter((change) => change.status === 'draft' && change.createdBy === staff.accountId);
  page(deps, ctx, staff, 'home', {
    waiting: may(staff.roles, 'change.decide') ? await changeLines(deps, ctx, waiting) : null,
    drafts: await changeLines(deps, ctx, drafts),
    off: may(staff.roles, 'source.read') ? [...(await disabledSources(deps.db))] : [],
    done: doneKey(ctx, ['enrolled']),
  });
};

export const homeRoutes: readonly AdminRoute[] = [
  { method: 'get', path: '/admin', operation: 'home.read', handler: home },
];
