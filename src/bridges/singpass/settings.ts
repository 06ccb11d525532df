import { z } from 'zod';
import { keysFault } from './keys.ts';

/** What the person is about to do, as Singpass wants to be told of Login apps. */
const contexts = /^(?:APP_(?:AUTHENTICATION|ONBOARDING)_DEFAULT|APP_ACCOUNT_DETAILS_CHANGE_DEFAULT)$/;

export const singpassSettings = z.object({
  /** `https://id.singpass.gov.sg/fapi`, or `https://stg-id.singpass.gov.sg/fapi` of the staging environment. */
  issuer: z.url(),
  clientId: z.string().regex(/^[A-Za-z0-9]{32}$/),
  /** How the app is registered: Login tells who it is in the ID token, Myinfo whatever was asked for at userinfo. */
  product: z.enum(['login', 'myinfo']).default('login'),
  /** Only what was agreed on at registration may be asked for. */
  scope: z
    .string()
    .regex(/^openid(?: [a-z_.]+)*$/)
    .default('openid user.identity name'),
  context: z.string().regex(contexts).default('APP_AUTHENTICATION_DEFAULT'),
  /** Whether `acr_values` may be sent, which Singpass has to allow the app. */
  asksLevel: z.enum(['yes', 'no']).default('no'),
  /** Our private keys as a JWK set, at least one to sign and one to decrypt with. */
  keys: z.string().check((given) => {
    const fault = keysFault(given.value);
    if (fault !== null) given.issues.push({ code: 'custom', message: fault, input: '' });
  }),
});
export type SingpassSettings = z.infer<typeof singpassSettings>;
