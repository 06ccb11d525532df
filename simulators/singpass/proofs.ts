import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, importJWK, type JWK } from 'jose';
import { fieldsOf, text } from '../lib/http.ts';

const ALGORITHMS = ['ES256', 'ES384', 'ES512'];
const LIFETIME = 120;
const SKEW = 60;

export interface DpopCall {
  readonly method: string;
  readonly url: string;
  /** Of a call with an access token: the proof has to name it. */
  readonly accessToken?: string;
  /** Thumbprint of the key that the sign-in began with. */
  readonly jkt?: string;
}

/** Verified or not: the words of a compact JWS. */
async function opened(jws: string, key: JWK, alg: string): Promise<Readonly<Record<string, unknown>>> {
  const { payload } = await compactVerify(jws, await importJWK(key, alg), { algorithms: ALGORITHMS });
  return fieldsOf(JSON.parse(new TextDecoder().decode(payload)));
}

/** Checks how apps prove themselves: one proof, one use, two minutes. */
export function proofChecks(now: () => number) {
  const seen = new Map<string, number>();

  function once(kind: string, jti: unknown, until: number): boolean {
    for (const [old, end] of seen) if (end < now()) seen.delete(old);
    const name = `${kind}\n${text(jti)}`;
    if (text(jti) === '' || seen.has(name)) return false;
    seen.set(name, until + SKEW);
    return true;
  }

  function timeFault({ iat, exp }: Readonly<Record<string, unknown>>): string | null {
    if (typeof iat !== 'number' || typeof exp !== 'number') return 'iat and exp are required';
    if (iat > now() + SKEW || iat < now() - LIFETIME - SKEW) return 'iat is not now';
    if (exp <= now() - SKEW) return 'expired';
    return exp > iat + LIFETIME ? 'lives longer than 120 seconds' : null;
  }

  return {
    /** What is wrong with a client assertion (RFC 7523, and Singpass' lifetime); null: nothing. */
    async assertionFault(jws: string, clientId: string, issuer: string, keys: readonly JWK[]): Promise<string | null> {
      try {
        const { alg = '', kid, typ } = decodeProtectedHeader(jws);
        const key = keys.find((each) => each.kid === kid && each.use === 'sig');
        if (!ALGORITHMS.includes(alg) || typ !== 'JWT') return 'alg must be ES256, ES384 or ES512 and typ JWT';
        if (key === undefined) return 'kid is not that of a registered signing key';
        const claims = await opened(jws, key, alg);
        if (claims.iss !== clientId || claims.sub !== clientId) return 'iss and sub must be the client_id';
        if (claims.aud !== issuer) return 'aud must be the issuer';
        const untimely = timeFault(claims);
        if (untimely !== null) return untimely;
        return once('assertion', claims.jti, Number(claims.exp)) ? null : 'jti was used before, or is missing';
      } catch {
        return 'not a JWT that the registered key signed';
      }
    },

    /** The thumbprint of a good proof's key (RFC 9449 4.3), or what is wrong with it. */
    async dpop(header: string, call: DpopCall): Promise<{ jkt: string } | { fault: string }> {
      try {
        const { alg = '', jwk, typ } = decodeProtectedHeader(header);
        if (typ !== 'dpop+jwt' || !ALGORITHMS.includes(alg)) return { fault: 'typ must be dpop+jwt, alg ES256' };
        if (jwk === undefined || 'd' in jwk || jwk.kty !== 'EC') return { fault: 'jwk must be a public EC key' };
        const claims = await opened(header, jwk, alg);
        if (claims.htm !== call.method || claims.htu !== call.url) return { fault: 'htm or htu is of another call' };
        const untimely = timeFault(claims);
        if (untimely !== null) return { fault: untimely };
        const hash = (token: string) => createHash('sha256').update(token).digest('base64url');
        if (call.accessToken !== undefined && claims.ath !== hash(call.accessToken))
          return { fault: 'ath is not that of the token' };
        const jkt = await calculateJwkThumbprint(jwk);
        if (call.jkt !== undefined && call.jkt !== jkt) return { fault: 'another key than the sign-in began with' };
        return once('dpop', claims.jti, Number(claims.exp)) ? { jkt } : { fault: 'jti was used before, or is missing' };
      } catch {
        return { fault: 'no proof, or not one that its own key signed' };
      }
    },
  };
}
export type ProofChecks = ReturnType<typeof proofChecks>;
