import { defaultPolicy } from '../../seeds/policy.ts';
import type { AssurancePolicy } from '../../src/assurance/policy.ts';
import type { By } from '../../src/commands/change-rules.ts';
import type { CommandDeps } from '../../src/commands/command.ts';
import type { Role } from '../../src/commands/permissions.ts';
import { rotateKeys } from '../../src/commands/rotate-keys.ts';
import type { Db } from '../../src/storage/db.ts';
import { appendPolicy } from '../../src/storage/policies.ts';
import { assignRole } from '../../src/storage/staff.ts';
import { storedAccount, t0, testKeyring } from '../support/rows.ts';

export interface Office {
  readonly deps: CommandDeps;
  /** The office's clock; tests move it. */
  now: Date;
  member(...roles: Role[]): Promise<By>;
}

/** An installation with its first policy, signing keys and nobody on the staff yet. */
export async function openOffice(db: Db): Promise<Office> {
  await appendPolicy(db, {
    version: 1,
    document: { ...defaultPolicy, version: 1 },
    createdBy: 'seed',
    at: t0,
    expectedPrevious: 0,
  });
  const office: Office = {
    now: t0,
    deps: { db, keyring: testKeyring, clock: () => office.now },
    async member(...roles) {
      const { id } = await storedAccount(db);
      for (const role of roles) await assignRole(db, { accountId: id, role, grantedBy: 'test', at: t0 });
      return { accountId: id, cause: { requestId: 'request-1', clientId: 'admin' } };
    },
  };
  await rotateKeys(office.deps, { onlyIfNone: true });
  return office;
}

export const loa = (n: 1 | 2 | 3 | 4) => `urn:shimin:loa:${n}`;

/** The library asks for another level; nothing else changes. */
export function raised(policy: AssurancePolicy, floor: string, app = 'library'): AssurancePolicy {
  const known = policy.apps[app];
  if (known === undefined) throw new Error(`no app ${app}`);
  return { ...policy, apps: { ...policy.apps, [app]: { ...known, floor } } };
}
