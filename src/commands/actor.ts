import type { AuditEvent } from '../audit/events.ts';
import { isAppActor } from './app-roles.ts';

/** Ids of people at the command line; accounts have UUIDs, so that neither can be taken for the other. */
export const operatorPrefix = 'operator:';

/** Who does the work of staff, for the audit: a person, an app over the Admin API, or somebody at the command line. */
export function actorOf(id: string): AuditEvent['actor'] {
  if (id.startsWith(operatorPrefix)) return { kind: 'operator', id };
  return { kind: isAppActor(id) ? 'app' : 'staff', id };
}
