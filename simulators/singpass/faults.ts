import { type Fault, faultSwitch, faults } from '../lib/faults.ts';
import { fieldsOf, text } from '../lib/http.ts';

/** What an ID token can be made wrong in: its claims, its inner signature, its encryption. */
export const tokenFaults = [
  'iss',
  'aud',
  'aud_twice',
  'azp',
  'expired',
  'iat_future',
  'iat_old',
  'nonce',
  'nonce_missing',
  'sub_missing',
  'sub_old_form',
  'sub_type',
  'acting',
  'alg_none',
  'hs256',
  'rs256',
  'kid_unknown',
  'signature',
  'not_encrypted',
  'enc_key',
  'enc_kid',
  'enc_weak',
  'replay',
] as const;
export type TokenFault = (typeof tokenFaults)[number];

/** Of the answers around it. */
export const answerFaults = [
  'iss_parameter',
  'iss_missing',
  'state',
  'denied',
  'server_error',
  'temporarily_unavailable',
  'request_uri_expired',
  'code_expired',
  'bearer',
  'no_id_token',
  'client_unknown',
] as const;

export const userinfoFaults = [
  'userinfo_sub',
  'userinfo_iss',
  'userinfo_aud',
  'userinfo_json',
  'userinfo_not_encrypted',
  'userinfo_signature',
  'userinfo_key',
  'userinfo_token',
  'userinfo_dependency',
] as const;

/** What real deployments do though the documents say otherwise, and what has to be borne. */
export const oddities = ['gcm', 'iat_fraction', 'amr_unknown'] as const;

const all = [...tokenFaults, ...answerFaults, ...userinfoFaults, ...oddities] as const;
export type SingpassFault = (typeof all)[number];

/** One switch for the line and for the protocol: the last word set counts. */
export function singpassFaults() {
  const line = faultSwitch();
  let fault: SingpassFault | null = null;
  let times: number | null = null;
  return {
    line,
    now: (): string => fault ?? line.state.fault,
    /** Plays a fault of the protocol: true as long as it is switched on. */
    plays(wanted: SingpassFault): boolean {
      if (fault !== wanted) return false;
      if (times !== null) times -= 1;
      if (times === 0) {
        fault = null;
        times = null;
      }
      return true;
    },
    token: (): TokenFault | null => tokenFaults.find((known) => known === fault) ?? null,
    set(body: unknown): boolean {
      const fields = fieldsOf(body);
      const wanted = text(fields.fault);
      const ofLine = faults.find((known): known is Fault => known === wanted && known !== 'wrong');
      const ofProtocol = all.find((known) => known === wanted) ?? null;
      if (ofLine === undefined && ofProtocol === null) return false;
      fault = ofProtocol;
      times = ofProtocol !== null && typeof fields.times === 'number' && fields.times > 0 ? fields.times : null;
      line.set({ ...fields, fault: ofLine ?? 'none' });
      return true;
    },
  };
}
export type SingpassFaults = ReturnType<typeof singpassFaults>;
