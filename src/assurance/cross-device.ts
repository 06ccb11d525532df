import type { AuthenticationEvent } from './evidence.ts';

/** How long a phone's sign-in is fresh enough to sign in another device by. */
export const approvalMaxAgeMs = 5 * 60_000;

/**
 * The sign-in that another device may be signed in by: the newest use of a passkey with user verification, of no longer
 * ago than five minutes and not before `since`; null: none. Never one that came from another device itself, so that one
 * approval does not beget the next.
 */
export function approvingEvent<E extends AuthenticationEvent>(
  events: readonly E[],
  now: Date,
  since: Date | null,
): E | null {
  const oldest = Math.max(now.getTime() - approvalMaxAgeMs, since?.getTime() ?? 0);
  const good = events.filter(
    (event) =>
      event.method === 'passkey' &&
      event.userVerified &&
      event.phishingResistant &&
      event.factors.length >= 2 &&
      event.at.getTime() >= oldest &&
      event.at <= now,
  );
  return good.toSorted((a, b) => b.at.getTime() - a.at.getTime())[0] ?? null;
}

/**
 * What it is worth on the other device: the phone's factors at the phone's time. Not phishing resistant, since nothing
 * ties the two screens together but the person (draft-ietf-oauth-cross-device-security 6), and no key is on the device.
 */
export function crossDeviceFacts(
  event: Pick<AuthenticationEvent, 'at' | 'credentialId' | 'factors' | 'userVerified'>,
): Omit<AuthenticationEvent, 'id' | 'interaction'> & { readonly method: 'cross_device' } {
  const { at, credentialId, factors, userVerified } = event;
  return {
    method: 'cross_device',
    at,
    credentialId,
    factors,
    userVerified,
    phishingResistant: false,
    deviceBound: false,
  };
}
