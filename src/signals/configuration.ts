import { z } from 'zod';
import { isPublicAddress, literalAddress } from '../lib/outbound-address.ts';
import type { SignalStream, StreamSettings } from '../storage/signal-streams.ts';
import { eventsSupported } from './set.ts';

export const methods = { push: 'urn:ietf:rfc:8935', poll: 'urn:ietf:rfc:8936' } as const;

/** Seconds between verification requests; oftener is answered 429 (SSF 1.0 8.1.1). */
export const minVerificationInterval = 2;

export const pollEndpoint = (issuer: string, streamId: string) => `${issuer}/ssf/poll/${streamId}`;

const text = z.string().min(1).max(1_000);
const eventUris = z.array(text).max(100);
// A header value: visible ASCII, so that nothing can be smuggled behind it.
const headerValue = z
  .string()
  .regex(/^[\x21-\x7e](?:[\x20-\x7e]{0,4094}[\x21-\x7e])?$/)
  .nullable();

/**
 * Where we are asked to send: https, or loopback where that is allowed; no user info, no fragment, no inner address by
 * number. A name that leads to one is refused when it is looked up, each time anew (`lib/http.ts`).
 */
function usable(value: string, allowLoopback: boolean): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  if (url.username !== '' || url.password !== '' || url.hash !== '') return false;
  const literal = literalAddress(url.hostname);
  if (literal !== null && !isPublicAddress(literal, allowLoopback)) return false;
  return url.protocol === 'https:' || (allowLoopback && url.protocol === 'http:');
}

const deliverySchema = (allowLoopback: boolean) =>
  z.discriminatedUnion('method', [
    z.object({
      method: z.literal(methods.push),
      endpoint_url: text.refine((value) => usable(value, allowLoopback), 'must be an https URL'),
      authorization_header: headerValue.optional(),
    }),
    z.object({ method: z.literal(methods.poll), endpoint_url: z.string().nullish() }),
  ]);
type Delivery = z.infer<ReturnType<typeof deliverySchema>>;

/** What the transmitter says; a receiver may repeat it, and must then repeat it right (SSF 1.0 8.1.1.3). */
const ours = {
  iss: z.unknown().optional(),
  aud: z.unknown().optional(),
  events_supported: z.unknown().optional(),
  events_delivered: z.unknown().optional(),
  min_verification_interval: z.unknown().optional(),
  inactivity_timeout: z.unknown().optional(),
};

export function streamSchemas(allowLoopback: boolean) {
  const delivery = deliverySchema(allowLoopback);
  const theirs = {
    events_requested: eventUris.optional(),
    description: z.string().max(10_000).optional(),
  };
  return {
    create: z.object({ ...theirs, delivery: delivery.optional() }),
    update: z.object({ ...ours, ...theirs, stream_id: text, delivery: delivery.optional() }),
    // Delivery can't be taken away, so a replacement without it is no configuration.
    replace: z.object({ ...ours, ...theirs, stream_id: text, delivery }),
  };
}

export interface Wanted {
  readonly delivery?: Delivery | undefined;
  readonly events_requested?: string[] | undefined;
  readonly description?: string | undefined;
}

/** A description is for people at a glance; the rest is cut off (SSF 1.0 8.1.1, "description"). */
const shortened = (value: string | undefined) => (value === undefined ? null : value.slice(0, 500));

/** Settings from nothing; without delivery it is poll (SSF 1.0 8.1.1.1). */
export function newSettings(wanted: Wanted, present: SignalStream | null = null): StreamSettings {
  return {
    ...deliverySettings(wanted.delivery, present),
    eventsRequested: wanted.events_requested ?? null,
    description: shortened(wanted.description),
  };
}

/** Settings with only what is named changed. */
export function changedSettings(wanted: Wanted, present: SignalStream): StreamSettings {
  const { method, endpointUrl, authorization } = present;
  const delivery = wanted.delivery
    ? deliverySettings(wanted.delivery, present)
    : { method, endpointUrl, authorization };
  return {
    ...delivery,
    eventsRequested: wanted.events_requested ?? present.eventsRequested,
    description: wanted.description === undefined ? present.description : shortened(wanted.description),
  };
}

/**
 * The authorization header is never shown again, so a configuration that was read and sent back does not have it: it
 * stays as long as the address does, and never goes along to another one. `null` takes it away.
 */
function deliverySettings(delivery: Delivery | undefined, present: SignalStream | null) {
  if (delivery?.method !== methods.push) return { method: 'poll' as const, endpointUrl: null, authorization: null };
  const same = present?.endpointUrl === delivery.endpoint_url;
  const given = delivery.authorization_header;
  const authorization = given === undefined ? (same ? (present?.authorization ?? null) : null) : given;
  return { method: 'push' as const, endpointUrl: delivery.endpoint_url, authorization };
}

/** The stream as its receiver sees it (SSF 1.0 8.1.1). */
export function configurationOf(issuer: string, stream: SignalStream): Readonly<Record<string, unknown>> {
  const { eventsRequested, description } = stream;
  const push = stream.method === 'push';
  return {
    stream_id: stream.id,
    iss: issuer,
    aud: stream.clientId,
    delivery: {
      method: methods[stream.method],
      endpoint_url: push ? stream.endpointUrl : pollEndpoint(issuer, stream.id),
    },
    events_supported: eventsSupported,
    ...(eventsRequested === null ? undefined : { events_requested: eventsRequested }),
    events_delivered: eventsSupported.filter((uri) => eventsRequested === null || eventsRequested.includes(uri)),
    min_verification_interval: minVerificationInterval,
    ...(description === null ? undefined : { description }),
  };
}

/** The first of our properties that is repeated wrong; null: none. */
export function wrongProperty(
  issuer: string,
  stream: SignalStream,
  given: Readonly<Record<string, unknown>>,
): string | null {
  const right = configurationOf(issuer, stream);
  const plain = (value: unknown) => JSON.stringify(Array.isArray(value) ? value.toSorted() : value);
  for (const name of Object.keys(ours)) {
    if (given[name] !== undefined && plain(given[name]) !== plain(right[name])) return name;
  }
  const { delivery } = given;
  if (typeof delivery !== 'object' || delivery === null || !('method' in delivery)) return null;
  if (delivery.method !== methods.poll || !('endpoint_url' in delivery) || delivery.endpoint_url == null) return null;
  return delivery.endpoint_url === pollEndpoint(issuer, stream.id) ? null : 'delivery.endpoint_url';
}
