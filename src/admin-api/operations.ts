import { appOperations } from './apps.ts';
import { auditOperations } from './audit.ts';
import { changeOperations } from './changes.ts';
import { countOperations } from './counts.ts';
import { decisionOperations } from './decisions.ts';
import type { ApiOperation } from './operation.ts';
import { peopleOperations } from './people.ts';
import { policyOperations } from './policy.ts';
import { sourceOperations } from './sources.ts';
import { staffOperations } from './staff.ts';

/** Every operation of the API with the permission it needs (`commands/permissions.ts`). */
export const apiOperations = (rules: { allowLoopback: boolean }): readonly ApiOperation[] => [
  ...policyOperations,
  ...changeOperations,
  ...appOperations(rules),
  ...sourceOperations,
  ...staffOperations,
  ...auditOperations,
  ...decisionOperations,
  ...countOperations,
  ...peopleOperations,
];
