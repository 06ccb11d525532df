import { z } from 'zod';
import { ShiminError } from '../../lib/errors.ts';
import { callJson } from '../../lib/http.ts';
import { type Bridge, type BridgePorts, type BridgeRefused, type BridgeUnavailable, defineBridge } from '../bridge.ts';
import { judge } from './judge.ts';
import { levels } from './levels.ts';
import { infoAnswer, personAnswer, tokenAnswer } from './wire.ts';

const settings = z.object({
  /** https://tyrz.gd.gov.cn; for tests tyrztest.gd.gov.cn. */
  baseUrl: z.url().max(200),
  /** /pscp/sso today, /tif/sso for older registrations. */
  path: z
    .string()
    .regex(/^(\/[a-z0-9_-]+){1,4}$/)
    .default('/pscp/sso'),
  clientId: z.string().regex(/^[A-Za-z0-9_]{1,64}$/),
  clientSecret: z.string().min(1).max(200),
});
type Settings = z.infer<typeof settings>;

const kept = z.object({ state: z.string(), redirectUri: z.string(), startedAt: z.number() });

/** How long a person may take there. */
const lifetimeMs = 10 * 60_000;

/** Guangdong unified identity (广东省统一身份认证), which 粤省事 and the provincial services sign in with. */
export const guangdong = defineBridge({
  traits: {
    id: 'guangdong',
    region: 'mainland',
    minutes: 2,
    levels,
    identityOfAccount: true,
    asks: [],
    have: ['have.device'],
  },
  settings,
  secrets: ['clientSecret'],
  open: (given, ports) => guangdongBridge(given, ports),
});

function guangdongBridge(own: Settings, { clock, ...ports }: BridgePorts): Bridge {
  const base = own.baseUrl.replace(/\/$/, '');
  const endpoint = (name: string, query: Readonly<Record<string, string>>) =>
    `${base}${own.path}/connect/page/oauth2/${name}?${new URLSearchParams(query)}`;
  // Errors come with 200 mostly; with these statuses they are read, too.
  const ask = <T extends z.ZodType>(url: string, schema: T) =>
    callJson({ url, schema, alsoStatus: [400, 401, 403], ...ports });

  return {
    // The level wanted can't be asked for either: the account has the level that it has.
    start({ redirectUri, state, fresh }) {
      // The protocol has no `state`; an address may have a query of its own, and keeps it. So it comes back, and the code is bound to it.
      const back = new URL(redirectUri);
      back.searchParams.set('state', state);
      const url = endpoint('authorize/', {
        client_id: own.clientId,
        service: 'initService',
        scope: 'all',
        redirect_uri: back.href,
        response_type: 'code',
      });
      // There is no way to ask for a new sign-in but to end the old one first.
      const first = `${base}/_tif_sso_logout_/?${new URLSearchParams({ redirect_uri: url })}`;
      const keep = { state, redirectUri: back.href, startedAt: clock().getTime() };
      return Promise.resolve({ outcome: 'started', url: fresh ? first : url, keep });
    },

    async finish(callback, keep) {
      const { state, redirectUri, startedAt } = kept.parse(keep);
      const [codes, states] = ['code', 'state'].map((name) => callback.searchParams.getAll(name));
      if (states?.length !== 1 || states[0] !== state) return refused('answer_invalid', 'state');
      if (clock().getTime() - startedAt > lifetimeMs) return refused('expired', 'too late');
      const error = callback.searchParams.get('error');
      if (error !== null) return refused(error === 'access_denied' ? 'cancelled' : 'denied', `error ${error}`);
      const [code = ''] = codes ?? [];
      if (codes?.length !== 1 || !/^[\x21-\x7e]{8,500}$/.test(code)) return refused('answer_invalid', 'code');
      const { clientId, clientSecret } = own;
      try {
        const token = await ask(
          endpoint('access_token', {
            client_id: clientId,
            client_secret: clientSecret,
            code,
            scope: 'all',
            redirect_uri: redirectUri,
            grant_type: 'authorization_code',
          }),
          tokenAnswer,
        );
        if (token.access_token === undefined) return refusedBy(token.errcode);
        const info = await ask(endpoint('tokeninfo', { access_token: token.access_token }), infoAnswer);
        if (info.errcode !== undefined && String(info.errcode) !== '0') return refusedBy(info.errcode);
        const person = personAnswer.safeParse(info);
        if (!person.success) return refused('answer_invalid', `shape: ${paths(person.error)}`);
        return judge(person.data.userobj, person.data.user_creditable_level ?? null, clientId);
      } catch (error) {
        return resultOf(error);
      }
    },
  };
}

/** Where it is wrong, never what was there: values of people do not belong in a log. */
const paths = ({ issues }: z.ZodError) => issues.map(({ path }) => path.join('.')).join(' ');

/** The platform's codes as far as they are known; anything else is its no. */
const meaning: Readonly<Record<string, 'expired' | 'unavailable'>> = {
  '-1': 'unavailable',
  system_busy: 'unavailable',
  invalid_code: 'expired',
  invalid_grant: 'expired',
  code_expired: 'expired',
};

function refusedBy(errcode: string | number): BridgeRefused | BridgeUnavailable {
  const means = Object.hasOwn(meaning, String(errcode)) ? meaning[String(errcode)] : undefined;
  const cause = new Error(`errcode ${errcode}`);
  if (means === 'unavailable') return { outcome: 'unavailable', retryAfter: 30, cause };
  return { outcome: 'refused', reason: means ?? 'denied', cause };
}

const refused = (reason: BridgeRefused['reason'], why: string): BridgeRefused => ({
  outcome: 'refused',
  reason,
  cause: new Error(why),
});

/** An answer of another shape is as good as none; faults of our own pass through. */
function resultOf(error: unknown): BridgeUnavailable {
  if (!(error instanceof ShiminError) || !error.code.startsWith('upstream_')) throw error;
  return { outcome: 'unavailable', retryAfter: error.retryAfter ?? 30, cause: error };
}
