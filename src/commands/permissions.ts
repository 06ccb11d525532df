/** Who may do what in the console. Data only: `src/admin/context.ts` and the commands that take a decision ask it. */
export const roles = ['owner', 'assurance_admin', 'app_admin', 'bridge_admin', 'support', 'clerk', 'auditor'] as const;
export type Role = (typeof roles)[number];

export const isRole = (value: unknown): value is Role => roles.some((role) => role === value);

const everyone = roles;

/**
 * Operation by role: no role has more than its work needs (NIST SP 800-53 AC-5, AC-6). The owner runs the staff and is a
 * second pair of eyes, but neither looks at citizens nor at the audit; the auditor reads and changes nothing; only support
 * looks citizens up; only clerks sit at counters.
 */
const matrix = {
  'home.read': everyone,
  'dashboard.read': ['owner', 'assurance_admin', 'app_admin', 'bridge_admin', 'auditor'],
  'policy.read': ['owner', 'assurance_admin', 'app_admin', 'auditor'],
  'policy.propose': ['owner', 'assurance_admin'],
  'policy.approve': ['owner', 'assurance_admin'],
  /** What an app requires, and nothing else of the policy. */
  'requirement.propose': ['owner', 'assurance_admin', 'app_admin'],
  'app.read': ['owner', 'assurance_admin', 'app_admin', 'auditor'],
  'app.save': ['app_admin'],
  /** The second look at what an app is: its addresses, keys, scopes, and whether there is one. */
  'app.approve': ['owner', 'assurance_admin', 'app_admin'],
  'change.read': ['owner', 'assurance_admin', 'app_admin', 'bridge_admin', 'auditor'],
  /** To come as far as the decision; whether this kind of change may be decided is asked then (`approvalOf`). */
  'change.decide': ['owner', 'assurance_admin', 'app_admin', 'bridge_admin'],
  'change.withdraw': ['owner', 'assurance_admin', 'app_admin', 'bridge_admin'],
  'source.read': ['owner', 'assurance_admin', 'bridge_admin', 'auditor'],
  'source.switch': ['assurance_admin', 'bridge_admin'],
  'source.kill': ['owner', 'assurance_admin', 'bridge_admin'],
  'source.approve': ['owner', 'assurance_admin', 'bridge_admin'],
  /** Settings, use and cap of a bridge; a test sign-in that shows what came back. */
  'bridge.propose': ['bridge_admin'],
  'bridge.try': ['bridge_admin'],
  'bridge.approve': ['owner', 'assurance_admin', 'bridge_admin'],
  'staff.read': ['owner', 'auditor'],
  'staff.propose': ['owner'],
  'staff.approve': ['owner'],
  'keys.read': ['owner', 'assurance_admin', 'auditor'],
  'keys.propose': ['owner', 'assurance_admin'],
  'keys.approve': ['owner', 'assurance_admin'],
  'person.search': ['support'],
  'person.read': ['support'],
  'intervention.set': ['support'],
  /** Two accounts of one person made one, and that undone: never by one official alone. */
  'merge.propose': ['support'],
  'merge.approve': ['support'],
  'counter.verify': ['clerk'],
  'counter.confirm': ['clerk'],
  'audit.read': ['auditor'],
  /** What staff wrote in their own words about a person. */
  'audit.note': ['auditor'],
  'audit.export': ['auditor'],
  'decision.explain': ['auditor'],
  'signals.manage': ['app_admin'],
} as const satisfies Record<string, readonly Role[]>;

export type Operation = keyof typeof matrix;
export const operations = Object.keys(matrix).filter((name): name is Operation => name in matrix);

/** Whether one of these roles suffices. */
export function may(held: readonly Role[], operation: Operation): boolean {
  const allowed: readonly Role[] = matrix[operation];
  return held.some((role) => allowed.includes(role));
}

export const changeKinds = [
  'policy',
  'rollback',
  'role',
  'keys',
  'source',
  'bridge',
  'app',
  'merge',
  'unmerge',
] as const;
export type ChangeKind = (typeof changeKinds)[number];

/** What it takes to propose and to approve a change of each kind. */
export const powersOf: Readonly<Record<ChangeKind, { readonly propose: Operation; readonly approve: Operation }>> = {
  policy: { propose: 'policy.propose', approve: 'policy.approve' },
  rollback: { propose: 'policy.propose', approve: 'policy.approve' },
  role: { propose: 'staff.propose', approve: 'staff.approve' },
  keys: { propose: 'keys.propose', approve: 'keys.approve' },
  source: { propose: 'source.switch', approve: 'source.approve' },
  bridge: { propose: 'bridge.propose', approve: 'bridge.approve' },
  app: { propose: 'app.save', approve: 'app.approve' },
  merge: { propose: 'merge.propose', approve: 'merge.approve' },
  unmerge: { propose: 'merge.propose', approve: 'merge.approve' },
};
