import { type JWTVerifyGetKey, jwtVerify } from 'jose';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const TOLERANCE_S = 10;

export type LogoutTokenVerifier = (token: string) => Promise<{ sid: string | undefined; sub: string | undefined }>;

/**
 * Checks a logout token by OpenID Connect Back-Channel Logout 1.0, section 2.6. Throws for anything that is not a
 * valid, unseen token: the caller answers 400 and ends no session.
 */
export function createLogoutTokenVerifier(options: {
  issuer: string;
  clientId: string;
  keys: JWTVerifyGetKey;
  algorithms?: string[];
}): LogoutTokenVerifier {
  const seen = new Map<string, number>();

  return async (token) => {
    const { payload } = await jwtVerify(token, options.keys, {
      issuer: options.issuer,
      audience: options.clientId,
      // An allow-list: `none` can never pass (2.6 step 2).
      algorithms: options.algorithms ?? ['ES256'],
      // Explicit typing, so that an ID token cannot be replayed as a logout token (2.4, 4).
      typ: 'logout+jwt',
      requiredClaims: ['iss', 'aud', 'iat', 'exp', 'jti', 'events'],
      clockTolerance: TOLERANCE_S,
      maxTokenAge: 600,
    });
    const { events, jti, sub } = payload;
    const sid = payload.sid;
    if (typeof events !== 'object' || events === null || !Object.hasOwn(events, EVENT))
      throw new Error('no logout event');
    const event: unknown = Reflect.get(events, EVENT);
    if (typeof event !== 'object' || event === null) throw new Error('logout event is not an object');
    if (Object.hasOwn(payload, 'nonce')) throw new Error('nonce is prohibited in a logout token');
    if (sid !== undefined && typeof sid !== 'string') throw new Error('sid is not a string');
    if (sub === undefined && sid === undefined) throw new Error('neither sub nor sid');

    const now = Date.now() / 1000;
    for (const [id, until] of seen) if (until < now) seen.delete(id);
    const id = String(jti);
    if (seen.has(id)) throw new Error('logout token was used before');
    seen.set(id, (payload.exp ?? now) + TOLERANCE_S);
    return { sid, sub };
  };
}
