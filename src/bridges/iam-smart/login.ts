import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { ShiminError } from '../../lib/errors.ts';
import type { Bridge, BridgeRefusal, BridgeRefused, BridgeResult, ExternalClaims } from '../bridge.ts';
import { outcomeOf } from './codes.ts';
import { UntrustedContent } from './content.ts';
import type { Gateway } from './gateway.ts';
import { claimsOf, profileContent, profileFields } from './profile.ts';
import { sourceOf } from './source.ts';
import { isTimely, openIdOf, type Token, tokenContent } from './token.ts';

export const BASIC = 'iam-smart';
export const PLUS = 'iam-smart-plus';

interface LoginSettings {
  readonly baseUrl: string;
  readonly clientId: string;
  readonly basicUserType: string;
}

const SCOPES = { login: 'eidapi_auth', profile: 'eidapi_profiles' } as const;

/** After this nothing comes back any more (reference 4.1). */
const LONGEST_MS = 18 * 60_000;

const kept = z.object({ state: z.string(), startedAt: z.number() });

export function iamSmartBridge(settings: LoginSettings, ask: Gateway, clock: Clock): Bridge {
  const { clientId } = settings;
  return {
    // There is no word for a new sign-in, nor for a level: the app asks every time, and people have what they have.
    start({ redirectUri, state, locale, sameDevice, userAgent = '' }) {
      const url = new URL(`${settings.baseUrl.replace(/\/$/, '')}/api/v1/auth/getQR`);
      url.search = new URLSearchParams({
        clientID: clientId,
        responseType: 'code',
        source: sourceOf(sameDevice, userAgent),
        redirectURI: redirectUri,
        scope: `${SCOPES.login} ${SCOPES.profile}`,
        lang: languageOf(locale),
        state,
        brokerPage: 'false',
      }).toString();
      return Promise.resolve({ outcome: 'started', url: url.href, keep: { state, startedAt: clock().getTime() } });
    },

    async finish(callback, keep) {
      const { state, startedAt } = kept.parse(keep);
      const code = codeOf(callback.searchParams, state);
      if (typeof code !== 'string') return code;
      if (clock().getTime() - startedAt > LONGEST_MS) return refused('expired', 'too late');
      try {
        return await identify(code, startedAt);
      } catch (error) {
        if (error instanceof UntrustedContent) return { outcome: 'refused', reason: 'answer_invalid', cause: error };
        if (error instanceof ShiminError && error.code.startsWith('upstream_'))
          return { outcome: 'unavailable', retryAfter: error.retryAfter ?? 30, cause: error };
        throw error;
      }
    },
  };

  async function identify(code: string, startedAt: number): Promise<BridgeResult> {
    const exchanged = await ask('/auth/getToken', { code, grantType: 'authorization_code' });
    if (!exchanged.ok) return outcomeOf(exchanged.code);
    const parsed = tokenContent.safeParse(exchanged.content);
    if (!parsed.success) throw new UntrustedContent(`token: ${paths(parsed.error)}`);
    const token = parsed.data;
    const openId = openIdOf(token.openID);
    if (openId === null) throw new UntrustedContent('openID');
    if (!isTimely(token, startedAt, clock().getTime())) throw new UntrustedContent('issueAt');
    const scopes = token.scope.split(/\s+/);
    if (!scopes.includes(SCOPES.login)) throw new UntrustedContent('scope');
    const claims = scopes.includes(SCOPES.profile) ? await profileOf(token, openId) : {};
    if ('outcome' in claims) return claims;
    return {
      outcome: 'identified',
      identity: {
        // Tokenised for each service: together with our client's id it is one person's.
        subjects: [{ part: 'openID', of: [clientId, openId] }],
        level: levelOf(token.userType ?? null),
        methods: ['mfa', 'pop'],
        authTime: new Date(token.issueAt),
        claims,
      },
    };
  }

  async function profileOf(token: Token, openId: string): Promise<ExternalClaims | Exclude<BridgeResult, Identified>> {
    const { accessToken, openID } = token;
    const told = await ask('/account/auth/profile/initiateRequest', { accessToken, openID, profileFields });
    if (!told.ok) return outcomeOf(told.code);
    const profile = profileContent.safeParse(told.content);
    if (!profile.success) throw new UntrustedContent(`profile: ${paths(profile.error)}`);
    const whose = profile.data.openID ?? null;
    if (whose !== null && openIdOf(whose) !== openId) throw new UntrustedContent('profile of somebody else');
    return claimsOf(profile.data);
  }

  /** `sign`: may sign with the digital certificate, which is what the plus is. */
  function levelOf(userType: string | null): string | null {
    if (userType === 'sign') return PLUS;
    return userType === settings.basicUserType ? BASIC : null;
  }
}

type Identified = Extract<BridgeResult, { outcome: 'identified' }>;

/** The code that the browser brought, or why there is none. */
function codeOf(query: URLSearchParams, state: string): string | BridgeResult {
  const twice = ['state', 'code', 'error_code'].find((name) => query.getAll(name).length > 1);
  if (twice !== undefined) return refused('answer_invalid', `${twice} twice`);
  if (query.get('state') !== state) return refused('answer_invalid', 'state');
  const [code, error] = [query.get('code'), query.get('error_code')];
  if (code !== null && error !== null) return refused('answer_invalid', 'code and error_code');
  if (error !== null) return /^D[0-9]{5}$/.test(error) ? outcomeOf(error) : refused('answer_invalid', 'error_code');
  // Whoever declines is sent back with the state alone (reference 4.1).
  if (code === null) return refused('cancelled', 'no code');
  return /^[0-9a-f]{32}$/i.test(code) ? code : refused('answer_invalid', 'code');
}

const refused = (reason: BridgeRefusal, why: string): BridgeRefused => ({
  outcome: 'refused',
  reason,
  cause: new Error(why),
});

/** Where it is wrong, never what was there: values of people do not belong in a log. */
const paths = ({ issues }: z.ZodError) => issues.map(({ path }) => path.join('.')).join(' ');

function languageOf(locale: string): 'en-US' | 'zh-HK' | 'zh-CN' {
  if (locale.startsWith('zh-Hans')) return 'zh-CN';
  return locale.startsWith('zh') ? 'zh-HK' : 'en-US';
}
