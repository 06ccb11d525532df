/**
 * The catalogue of audit events. `data` lists the only extra fields an entry of the type may have; none of them is
 * personal: ids, codes, counts and names of kinds. An entry never says a name, a number, an address or a secret.
 */
export const auditEvents = [
  { type: 'account.registered', data: ['authenticator'] },
  { type: 'account.status_changed', data: ['from', 'to'] },
  { type: 'authentication.succeeded', data: ['methods'] },
  { type: 'authentication.failed', data: ['methods'] },
  { type: 'authentication.locked', data: ['methods', 'failures'] },
  { type: 'authenticator.added', data: ['kind', 'authenticatorId', 'deviceBound'] },
  { type: 'authenticator.renamed', data: ['kind', 'authenticatorId'] },
  { type: 'authenticator.revoked', data: ['kind', 'authenticatorId'] },
  { type: 'recovery_codes.replaced', data: ['count'] },
  { type: 'contact.changed', data: ['kind', 'change'] },
  { type: 'evidence.recorded', data: ['kind', 'source', 'strength', 'category', 'evidenceId'] },
  { type: 'evidence.refused', data: ['kind', 'source'] },
  { type: 'evidence.revoked', data: ['kinds', 'count'] },
  { type: 'identity.linked', data: ['bridge'] },
  { type: 'identity.unlinked', data: ['bridge'] },
  { type: 'identity.refused', data: ['bridge'] },
  { type: 'session.ended', data: ['count', 'scope'] },
  { type: 'consent.given', data: ['scopes', 'claims'] },
  { type: 'consent.withdrawn', data: ['scopes'] },
  { type: 'token.reuse_detected', data: ['kind'] },
  { type: 'key.rotated', data: ['algorithms', 'kids'] },
  { type: 'policy.published', data: ['version', 'previous', 'apps', 'levels'] },
  { type: 'app.saved', data: ['change', 'fields'] },
  { type: 'role.assigned', data: ['role', 'change', 'app'] },
  { type: 'staff.invited', data: ['role'] },
  { type: 'person.searched', data: ['by', 'found'] },
  { type: 'person.viewed', data: ['what', 'ref'] },
  { type: 'intervention.set', data: ['interventionId', 'kind', 'until'] },
  { type: 'intervention.ended', data: ['interventionId', 'kind', 'how'] },
  { type: 'intervention.refused', data: ['operation', 'kind'] },
  { type: 'counter.saved', data: ['counters'] },
  { type: 'counter_case.opened', data: ['caseId', 'officials'] },
  { type: 'counter_case.cancelled', data: ['caseId', 'officials'] },
  { type: 'counter_case.taken', data: ['caseId', 'counter'] },
  { type: 'counter_case.confirmed', data: ['caseId', 'counter', 'official', 'officials', 'category', 'documentType'] },
  { type: 'counter_case.refused', data: ['caseId', 'counter', 'official', 'officials'] },
  { type: 'counter_case.expired', data: ['caseId', 'officials'] },
  { type: 'counter_case.denied', data: ['caseId', 'counter', 'operation'] },
  { type: 'staff.refused', data: ['operation', 'roles', 'method'] },
  { type: 'change.drafted', data: ['changeId', 'kind', 'basedOn', 'revision', 'fields'] },
  { type: 'change.proposed', data: ['changeId', 'kind', 'basedOn', 'roles'] },
  { type: 'change.decided', data: ['changeId', 'kind', 'decision', 'roles', 'publishAt'] },
  { type: 'change.withdrawn', data: ['changeId', 'kind'] },
  { type: 'change.expired', data: ['changeId', 'kind'] },
  { type: 'change.published', data: ['changeId', 'kind', 'version'] },
  { type: 'change.refused', data: ['changeId', 'kind', 'operation', 'roles'] },
  { type: 'source.switched', data: ['source', 'from', 'to', 'changeId'] },
  { type: 'bridge.saved', data: ['bridge', 'use', 'identity', 'factors', 'fields'] },
  { type: 'bridge.tried', data: ['bridge', 'result'] },
  { type: 'signal_stream.changed', data: ['change', 'streamId', 'method', 'fields', 'status'] },
  { type: 'maintenance.performed', data: ['task', 'count'] },
] as const;

export type AuditType = (typeof auditEvents)[number]['type'];

export const actorKinds = ['citizen', 'anonymous', 'staff', 'app', 'system', 'operator'] as const;
export type ActorKind = (typeof actorKinds)[number];

export const outcomes = ['ok', 'refused', 'failed'] as const;
export type Outcome = (typeof outcomes)[number];

export type AuditValue = string | number | boolean | null | readonly string[];

/** What happened, before it has its place in the chain. */
export interface AuditEvent {
  readonly at: Date;
  readonly type: AuditType;
  readonly actor: { readonly kind: ActorKind; readonly id: string };
  readonly accountId: string | null;
  readonly clientId: string | null;
  readonly requestId: string | null;
  readonly outcome: Outcome;
  /** A reason code, never free text. */
  readonly reason: string | null;
  readonly data: Readonly<Record<string, AuditValue>>;
}

const allowed: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  auditEvents.map(({ type, data }) => [type, new Set<string>(data)]),
);

/** The fields of an event that the catalogue does not allow; empty: it may be written. */
export function strayFields(event: Pick<AuditEvent, 'type' | 'data'>): string[] {
  const fields = allowed.get(event.type);
  return fields === undefined ? ['type'] : Object.keys(event.data).filter((key) => !fields.has(key));
}
