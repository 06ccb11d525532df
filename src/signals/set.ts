import { type QueuedSignal, signalEvents } from '../commands/announce.ts';

export const verificationEvent = 'https://schemas.openid.net/secevent/ssf/event-type/verification';

/** Events a receiver may ask for. */
export const eventsSupported: readonly string[] = Object.values(signalEvents).map(({ uri }) => uri);

export type SubjectIdentifier = Readonly<Record<string, unknown>> & { readonly format: string };

export interface Envelope {
  readonly issuer: string;
  readonly audience: string;
  readonly issuedAt: Date;
}

const seconds = (ms: number) => Math.floor(ms / 1000);

/**
 * The claims of a security event token (RFC 8417) as SSF 1.0 section 4 narrows them: no `sub`, no `exp`, the subject in
 * `sub_id`, one event. `jti` comes with the row that keeps them.
 */
export function signalClaims(envelope: Envelope, id: string, signal: QueuedSignal, subject: SubjectIdentifier) {
  const { uri } = signalEvents[signal.event];
  return {
    iss: envelope.issuer,
    aud: envelope.audience,
    iat: seconds(envelope.issuedAt.getTime()),
    toe: seconds(signal.at),
    txn: signal.txn ?? id,
    sub_id: subject,
    events: { [uri]: eventBody(signal) },
  };
}

function eventBody(signal: QueuedSignal): Record<string, unknown> {
  const { uri, claims } = signalEvents[signal.event];
  const allowed: readonly string[] = claims;
  const data = Object.entries(signal.data ?? {}).filter(
    ([name, value]) => allowed.includes(name) && (name !== 'reason' || disabledReasons.has(value)),
  );
  // RISC events have attributes of their own only; CAEP ones share these (CAEP 1.0 section 2).
  if (!uri.includes('/caep/')) return Object.fromEntries(data);
  return {
    ...Object.fromEntries(data),
    event_timestamp: seconds(signal.at),
    ...(signal.initiator === undefined ? undefined : { initiating_entity: signal.initiator }),
    ...(signal.reason === undefined ? undefined : { reason_admin: { en: signal.reason } }),
  };
}

/** RISC 1.0, account-disabled: what `reason` may say. Other reasons are not the apps' business. */
const disabledReasons = new Set(['hijacking', 'bulk-account']);

/** Who the event is about, in words of the app: its own `sub`, its own `sid`, or the identifier that changed. */
export function subjectOf(
  issuer: string,
  subject: string,
  signal: Pick<QueuedSignal, 'identifier'>,
  sid: string | null,
): SubjectIdentifier {
  if (signal.identifier) {
    const { format, value } = signal.identifier;
    return { format, [format]: value };
  }
  const user = { format: 'iss_sub', iss: issuer, sub: subject };
  return sid === null ? user : { format: 'complex', user, session: { format: 'opaque', id: sid } };
}

/** SSF 1.0 8.1.4.1: about the stream itself; `state` comes back as it was sent. */
export function verificationClaims(envelope: Envelope, streamId: string, state: string | null) {
  return {
    iss: envelope.issuer,
    aud: envelope.audience,
    iat: seconds(envelope.issuedAt.getTime()),
    sub_id: { format: 'opaque', id: streamId },
    events: { [verificationEvent]: state === null ? {} : { state } },
  };
}
