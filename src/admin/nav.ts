import { may, type Operation, type Role } from '../commands/permissions.ts';

/** The console's pages in the order of the menu. A page of yours: one row here, and a text `admin.nav.<id>`. */
const items: readonly { readonly id: string; readonly path: string; readonly operation: Operation }[] = [
  { id: 'home', path: '/admin', operation: 'home.read' },
  { id: 'dashboard', path: '/admin/dashboard', operation: 'dashboard.read' },
  { id: 'approvals', path: '/admin/approvals', operation: 'change.read' },
  { id: 'levels', path: '/admin/levels', operation: 'policy.read' },
  { id: 'apps', path: '/admin/apps', operation: 'app.read' },
  { id: 'sources', path: '/admin/sources', operation: 'source.read' },
  { id: 'bridges', path: '/admin/bridges', operation: 'source.read' },
  { id: 'staff', path: '/admin/staff', operation: 'staff.read' },
  { id: 'keys', path: '/admin/keys', operation: 'keys.read' },
  { id: 'people', path: '/admin/people', operation: 'person.search' },
  { id: 'merges', path: '/admin/merges', operation: 'merge.propose' },
  { id: 'counter', path: '/admin/counter', operation: 'counter.verify' },
  { id: 'decisions', path: '/admin/decisions', operation: 'decision.explain' },
  { id: 'audit', path: '/admin/audit', operation: 'audit.read' },
];

/** What these roles may open, and the item this path belongs to. */
export function navFor(roles: readonly Role[], path: string): { nav: { id: string; path: string }[]; current: string } {
  const nav = items.filter(({ operation }) => may(roles, operation)).map(({ id, path }) => ({ id, path }));
  // A preview is the first look at a change, though not everybody who drafts one reads the others'.
  const place = path.replace(/^\/admin\/preview(?=\/)/, '/admin/approvals');
  const under = nav.filter((item) => place === item.path || place.startsWith(`${item.path}/`));
  return { nav, current: under.at(-1)?.id ?? 'home' };
}
