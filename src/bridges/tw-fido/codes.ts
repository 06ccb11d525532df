import type { BridgeRefusal, BridgeRefused, BridgeUnavailable } from '../bridge.ts';

export const SUCCESS = '0';

/** The person has not done anything in the app yet. */
const pending = new Set(['20002', '20003', 'SPTKTID_TXNLOG_NF']);

/** The codes that are about the person or the moment, without the interface in front; every other one is the service's no. */
const meanings: Readonly<Record<string, BridgeRefusal | 'unavailable'>> = {
  SPTKT_OVD: 'expired',
  SPTKTID_SPTKT_RDM: 'expired',
  // Nobody with this number has the app set up.
  IDNUM_USERPROF_NF: 'denied',
  APP_USER_CANCEL: 'cancelled',
  APP_SIGN_FAILURE: 'denied',
  // Our transaction could not be written down there; the next one has another number.
  TXNLOG_INS_ERR: 'unavailable',
};

/** `SP-API-ATH-02-SPTKT_OVD` is `SPTKT_OVD`, whichever interface says it. */
const bare = (code: string) => code.replace(/^SP-API-[A-Z]+-[0-9]{2}-/, '');

export const isPending = (code: string) => pending.has(bare(code));

export function outcomeOf(code: string): BridgeRefused | BridgeUnavailable {
  const cause = new Error(`code ${code}`);
  const known = bare(code);
  const means = Object.hasOwn(meanings, known) ? meanings[known] : undefined;
  if (means === 'unavailable') return { outcome: 'unavailable', retryAfter: 30, cause };
  return { outcome: 'refused', reason: means ?? 'denied', cause };
}
