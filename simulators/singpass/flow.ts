import { createHash, randomBytes } from 'node:crypto';
import { type Account, LOA, methodsOf } from './accounts.ts';
import type { SingpassFaults } from './faults.ts';
import type { Registration } from './registration.ts';

/** What one sign-in has been told, from the pushed request to the token. */
export interface SignIn {
  readonly app: Registration;
  readonly state: string;
  readonly nonce: string;
  readonly redirectUri: string;
  readonly challenge: string;
  readonly scopes: readonly string[];
  readonly levels: readonly string[];
  /** Thumbprint of its DPoP key. */
  readonly jkt: string;
  account?: Account;
  level?: 1 | 2 | 3;
}

const LIFETIME = 60;
/** For the person to make up their mind, once the page is before them. */
const PAGE_LIFETIME = 600;
const unguessable = () => randomBytes(32).toString('base64url');

/** Requests and codes: unguessable, once, for a minute. */
export function signIns(now: () => number, faults: SingpassFaults) {
  const requests = new Map<string, { signIn: SignIn; until: number; used: boolean }>();
  const codes = new Map<string, { signIn: SignIn; until: number; used: boolean }>();
  const tokens = new Map<string, SignIn>();

  return {
    lifetime: LIFETIME,
    push(signIn: SignIn): string {
      const uri = `urn:ietf:params:oauth:request_uri:${unguessable()}`;
      requests.set(uri, { signIn, until: now() + LIFETIME, used: false });
      return uri;
    },
    /** The page is opened: from now on the person has time. Null: there never was such a request. */
    open(uri: string): { signIn: SignIn; good: boolean } | null {
      const request = requests.get(uri);
      if (!request) return null;
      const good = !request.used && request.until > now() && !faults.plays('request_uri_expired');
      if (good) request.until = now() + PAGE_LIFETIME;
      return { signIn: request.signIn, good };
    },
    close(uri: string): void {
      const request = requests.get(uri);
      if (request) request.used = true;
    },
    newCode(signIn: SignIn, account: Account, most: 1 | 2 | 3): string {
      const code = unguessable();
      const level = levelReached(signIn.levels, most);
      codes.set(code, { signIn: { ...signIn, account, level }, until: now() + LIFETIME, used: false });
      return code;
    },
    /** A code is used up by whoever brings it, right or wrong. */
    redeem(
      code: string,
      by: { app: Registration; redirectUri: string; verifier: string },
    ): (SignIn & { account: Account; level: 1 | 2 | 3 }) | null {
      const known = codes.get(code);
      if (!known || known.signIn.app.id !== by.app.id) return null;
      const good = !known.used && known.until > now() && !faults.plays('code_expired');
      known.used = true;
      const { signIn } = known;
      const { account, level } = signIn;
      const proved = createHash('sha256').update(by.verifier).digest('base64url') === signIn.challenge;
      if (!good || !proved || signIn.redirectUri !== by.redirectUri) return null;
      return account === undefined || level === undefined ? null : { ...signIn, account, level };
    },
    keepToken: (token: string, signIn: SignIn) => tokens.set(token, signIn),
    ofToken: (token: string) => tokens.get(token),
  };
}

/** The first of the levels asked for that the person can do, else the most that they can; two factors where none is asked for. */
function levelReached(asked: readonly string[], most: 1 | 2 | 3): 1 | 2 | 3 {
  for (const name of asked)
    for (const level of [3, 2, 1] as const) if (LOA(level) === name && level <= most) return level;
  return asked.length > 0 || most < 2 ? most : 2;
}

/** Claims of the ID token, without what the scopes add. */
export function tokenClaims(
  issuer: string,
  { app, nonce, account, level }: SignIn & { account: Account; level: 1 | 2 | 3 },
  now: number,
): Record<string, unknown> {
  return {
    iss: issuer,
    aud: app.id,
    sub: account.uuid,
    sub_type: 'user',
    nonce,
    acr: LOA(level),
    amr: methodsOf[level],
    iat: now,
    exp: now + 600,
  };
}
