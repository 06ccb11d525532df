import type { BridgeRefusal, BridgeRefused, BridgeUnavailable } from '../bridge.ts';

export const SUCCESS = 'D00000';
/** Our content key is not known there (any more): ask for another one. */
export const KEY_GONE = 'D30002';
/** A parameter is not as it must be; for `timestamp`: another call of ours has overtaken this one. */
export const INVALID_PARAMETER = 'D20003';

/** The codes that are about the person or the moment (reference 4.3); every other one is the gateway's no. */
const meanings: Readonly<Record<string, BridgeRefusal | 'unavailable'>> = {
  D20000: 'unavailable',
  D20004: 'expired',
  D20009: 'expired',
  D20010: 'denied',
  // Its keys and ours do not fit together just now: nothing that the person could mend.
  D30001: 'unavailable',
  [KEY_GONE]: 'unavailable',
  D30003: 'unavailable',
  D30004: 'unavailable',
  D40000: 'cancelled',
  D40001: 'cancelled',
  D40002: 'denied',
  D40003: 'expired',
  D40004: 'expired',
  D50001: 'cancelled',
  D50002: 'denied',
  D50003: 'expired',
};

export function outcomeOf(code: string): BridgeRefused | BridgeUnavailable {
  const cause = new Error(`code ${code}`);
  const means = Object.hasOwn(meanings, code) ? meanings[code] : undefined;
  if (means === 'unavailable') return { outcome: 'unavailable', retryAfter: 30, cause };
  return { outcome: 'refused', reason: means ?? 'denied', cause };
}
