/** Of an app's settings and metadata what may be told: never a secret nor a trace of one, and of keys the fingerprints. */
export const appFields = [
  ...[
    'name.*',
    'purpose.*',
    'ownerName',
    'keys',
    'redirect_uris',
    'post_logout_redirect_uris',
    'client_uri',
    'logo_uri',
    'policy_uri',
    'tos_uri',
    'initiate_login_uri',
  ],
  ...[
    'scope',
    'grant_types',
    'response_types',
    'subject_type',
    'sector_identifier_uri',
    'jwks_uri',
    'application_type',
  ],
  ...['token_endpoint_auth_method', 'token_endpoint_auth_signing_alg', 'id_token_signed_response_alg'],
  ...['userinfo_signed_response_alg', 'id_token_encrypted_response_alg', 'userinfo_encrypted_response_alg'],
  ...['backchannel_logout_uri', 'backchannel_logout_session_required', 'dpop_bound_access_tokens'],
  ...[
    'require_pushed_authorization_requests',
    'require_signed_request_object',
    'default_acr_values',
    'default_max_age',
  ],
  ...['shimin_first_party', 'shimin_disabled', 'shimin_staff_roles', 'shimin_profile', 'shimin_pkce_exempt'],
];

/**
 * The catalogue of audit events. `data` lists the only extra fields an entry of the type may have; none of them is
 * personal: ids, codes, counts and names of kinds. An entry never says a name, a number, an address or a secret.
 * `roles`: those of the staff who did it, at that moment.
 * `note`: staff's own words about a person, sealed under that person's key (`storage/audit-notes.ts`).
 * `values`: of which fields it tells what they were `before` and are `after` (`fields.ts`); `x.*` is everything under x.
 */
export const auditEvents = [
  { type: 'account.registered', data: ['authenticator'] },
  { type: 'account.status_changed', data: ['from', 'to'] },
  { type: 'account.merged', data: ['mergeId', 'changeId', 'kept', 'gone'] },
  { type: 'account.merge_undone', data: ['mergeId', 'changeId', 'kept', 'gone'] },
  { type: 'merge.asked', data: ['changeId'] },
  { type: 'merge.confirmed', data: ['changeId'] },
  { type: 'merge.declined', data: ['changeId'] },
  { type: 'document.disputed', data: ['documentType', 'otherAccountId'] },
  { type: 'authentication.succeeded', data: ['methods'] },
  { type: 'authentication.failed', data: ['methods'] },
  { type: 'authentication.locked', data: ['methods', 'failures'] },
  { type: 'cross_device.approved', data: [] },
  { type: 'cross_device.refused', data: [] },
  { type: 'authenticator.added', data: ['kind', 'authenticatorId', 'deviceBound'] },
  { type: 'authenticator.renamed', data: ['kind', 'authenticatorId'] },
  { type: 'authenticator.revoked', data: ['kind', 'authenticatorId'] },
  { type: 'authenticator.refused', data: ['kind'] },
  { type: 'authenticator.suspended', data: ['kind', 'authenticatorId'] },
  { type: 'recovery_codes.replaced', data: ['count'] },
  { type: 'contact.changed', data: ['kind', 'change'] },
  { type: 'evidence.recorded', data: ['kind', 'source', 'strength', 'category', 'evidenceId'] },
  { type: 'evidence.refused', data: ['kind', 'source'] },
  { type: 'evidence.revoked', data: ['kinds', 'count'] },
  { type: 'identity.linked', data: ['bridge'] },
  { type: 'identity.unlinked', data: ['bridge'] },
  { type: 'identity.refused', data: ['bridge'] },
  { type: 'identity.attempted', data: [] },
  { type: 'source.odd', data: ['source'] },
  { type: 'identity.released', data: ['caseId'] },
  { type: 'identity.won_back', data: ['caseId'] },
  { type: 'session.ended', data: ['count', 'parked', 'scope', 'roles'] },
  { type: 'consent.given', data: ['scopes', 'claims'] },
  { type: 'consent.withdrawn', data: ['scopes', 'claims'] },
  { type: 'claims.passed_on', data: ['scopes', 'claims'] },
  { type: 'claims.stopped', data: ['scopes', 'claims'] },
  { type: 'token.reuse_detected', data: ['kind'] },
  { type: 'key.rotated', data: ['algorithms', 'kids', 'before', 'after'], values: ['current', 'next', 'previous'] },
  {
    type: 'policy.published',
    data: ['version', 'previous', 'apps', 'levels', 'before', 'after', 'omitted'],
    values: ['levels.*', 'authenticationLabels', 'authenticationLabels.*', 'apps.*', 'defaultFloor'],
  },
  { type: 'app.saved', data: ['change', 'fields', 'before', 'after', 'omitted', 'roles'], values: appFields },
  { type: 'role.assigned', data: ['role', 'change', 'app', 'before', 'after'], values: ['roles'] },
  { type: 'staff.invited', data: ['role'] },
  { type: 'person.searched', data: ['by', 'found', 'roles'] },
  { type: 'person.viewed', data: ['what', 'ref', 'roles'] },
  {
    type: 'intervention.set',
    data: ['interventionId', 'kind', 'until', 'note', 'before', 'after', 'roles'],
    values: ['open', 'until'],
  },
  {
    type: 'intervention.ended',
    data: ['interventionId', 'kind', 'how', 'note', 'before', 'after', 'roles'],
    values: ['open'],
  },
  { type: 'intervention.refused', data: ['operation', 'kind', 'roles'] },
  { type: 'counter.saved', data: ['counters'] },
  { type: 'counter_case.opened', data: ['caseId', 'officials'] },
  { type: 'counter_case.cancelled', data: ['caseId', 'officials'] },
  { type: 'counter_case.taken', data: ['caseId', 'counter'] },
  { type: 'counter_case.confirmed', data: ['caseId', 'counter', 'official', 'officials', 'category', 'documentType'] },
  { type: 'counter_case.refused', data: ['caseId', 'counter', 'official', 'officials'] },
  { type: 'counter_case.contested', data: ['caseId', 'counter', 'official', 'officials', 'documentType'] },
  { type: 'counter_case.disputed', data: ['caseId', 'counter', 'official', 'documentType'] },
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
  { type: 'shadow.set', data: ['changeId', 'on', 'replaced'] },
  {
    type: 'source.switched',
    data: ['source', 'from', 'to', 'changeId', 'before', 'after', 'roles'],
    values: ['enabled'],
  },
  {
    type: 'bridge.saved',
    data: ['bridge', 'use', 'identity', 'factors', 'fields', 'before', 'after', 'omitted'],
    values: ['use', 'identity', 'factors', 'settings.*'],
  },
  { type: 'bridge.tried', data: ['bridge', 'result', 'roles'] },
  { type: 'signal_stream.changed', data: ['change', 'streamId', 'method', 'fields', 'status'] },
  { type: 'audit.exported', data: ['by', 'actor', 'request', 'type', 'since', 'until', 'last', 'roles'] },
  { type: 'maintenance.performed', data: ['task', 'count'] },
] as const;

export type AuditType = (typeof auditEvents)[number]['type'];

export const actorKinds = ['citizen', 'anonymous', 'staff', 'app', 'system', 'operator'] as const;
export type ActorKind = (typeof actorKinds)[number];

export const outcomes = ['ok', 'refused', 'failed'] as const;
export type Outcome = (typeof outcomes)[number];

export type AuditValue = string | number | boolean | null | readonly string[];
/** What fields said, by name. */
export type AuditFields = Readonly<Record<string, AuditValue>>;
export type AuditData = Readonly<Record<string, AuditValue | AuditFields>>;

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
  readonly data: AuditData;
}

interface Allowed {
  readonly data: ReadonlySet<string>;
  readonly values: readonly string[];
}

const allowed: ReadonlyMap<string, Allowed> = new Map(
  auditEvents.map((event) => [
    event.type,
    { data: new Set<string>(event.data), values: 'values' in event ? event.values : [] },
  ]),
);

/** Whether a field is one of those listed, or under one of them. */
export const isListed = (listed: readonly string[], field: string): boolean =>
  listed.some((name) => (name.endsWith('.*') ? field.startsWith(name.slice(0, -1)) : field === name));

export const isFields = (value: AuditValue | AuditFields | undefined): value is AuditFields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const sealed = /^p1\.[\w-]+$/;
const code = /^[A-Za-z0-9][\w.:-]{0,63}$/;

/** The fields of an event that the catalogue does not allow; empty: it may be written. */
export function strayFields(event: Pick<AuditEvent, 'type' | 'data'> & Partial<Pick<AuditEvent, 'reason'>>): string[] {
  const fields = allowed.get(event.type);
  if (fields === undefined) return ['type'];
  if (event.reason && !code.test(event.reason)) return ['reason'];
  return Object.entries(event.data).flatMap(([key, value]) => {
    if (!fields.data.has(key)) return [key];
    // In staff's own words: never in clear.
    if (key === 'note') return value === null || (typeof value === 'string' && sealed.test(value)) ? [] : [key];
    if (key !== 'before' && key !== 'after') return isFields(value) ? [key] : [];
    if (!isFields(value)) return [key];
    return Object.keys(value)
      .filter((name) => !isListed(fields.values, name))
      .map((name) => `${key}.${name}`);
  });
}
