import { z } from 'zod';
import { upstreamProofs } from '../../assurance/worth.ts';
import { ShiminError } from '../../lib/errors.ts';
import { type Bridge, type BridgePorts, type BridgeRefusal, type BridgeRefused, defineBridge } from '../bridge.ts';
import { type Gateway, type GatewayAnswer, gateway, UntrustedAnswer } from './gateway.ts';
import { privateKeyOf } from './keys.ts';
import { isClosed, profileAnswer, subjectsOf, tokenAnswer, toldBy } from './profile.ts';
import { type Trust, trustInCertificates, trustInKey } from './trust.ts';

/** Whether a key or certificate file can be read is said where it is typed in, not at the first sign-in. */
const readable = (read: (text: string) => unknown) => (text: string) => {
  try {
    read(text);
    return true;
  } catch {
    return false;
  }
};

const settings = z
  .object({
    appId: z.string().regex(/^[0-9]{16}$/),
    /** The app's RSA key, PEM or bare base64. */
    privateKey: z.string().refine(readable(privateKeyOf), 'not an RSA key of 2048 bits or more'),
    /** Public-key mode; empty in certificate mode. */
    alipayPublicKey: z.string().default(''),
    /** Certificate mode: the app's, Alipay's (the next one may stand beside the current one) and its roots, as PEM. */
    appCertificate: z.string().default(''),
    alipayCertificate: z.string().default(''),
    alipayRootCertificate: z.string().default(''),
    authorizeUrl: z.url().default('https://openauth.alipay.com/oauth2/publicAppAuthorize.htm'),
    gatewayUrl: z.url().default('https://openapi.alipay.com/gateway.do'),
  })
  .refine((given) => readable(() => trustOf(given))(''), {
    message: 'either Alipay’s public key, or all three certificates, Alipay’s below its roots',
    path: ['alipayPublicKey'],
  });
type Settings = z.infer<typeof settings>;

function trustOf(given: {
  alipayPublicKey: string;
  appCertificate: string;
  alipayCertificate: string;
  alipayRootCertificate: string;
}): Trust {
  const files = { app: given.appCertificate, alipay: given.alipayCertificate, roots: given.alipayRootCertificate };
  const any = Object.values(files).some((file) => file !== '');
  // An app is in one mode or the other: with both given, nobody could say which of them counts.
  if (any && given.alipayPublicKey !== '') throw new Error('both modes at once');
  return any ? trustInCertificates(files) : trustInKey(given.alipayPublicKey);
}

const authentication = {
  // A confirmation in the app of the telephone that holds the account; by what (face, password, nothing) is not told.
  factors: ['possession'],
  userVerified: false,
  phishingResistant: false,
  deviceBound: false,
} as const;

export const alipay = defineBridge({
  traits: {
    id: 'alipay',
    region: 'mainland',
    minutes: 1,
    levels: [
      { name: null, worth: { identity: null, authentication } },
      {
        name: 'certified',
        worth: { identity: upstreamProofs.alipay.certified, authentication },
      },
    ],
    identityOfAccount: true,
    keepsSession: true,
    asks: [],
    have: [],
  },
  settings,
  secrets: ['privateKey'],
  multiline: ['privateKey', 'alipayPublicKey', 'appCertificate', 'alipayCertificate', 'alipayRootCertificate'],
  open: openAlipay,
});

const kept = z.object({ state: z.string() });

/** Sign-in with Alipay (docs/bridges/alipay.md): consent page, code, gateway. It has no PKCE, nonce or ID token. */
function openAlipay(given: Settings, ports: BridgePorts): Bridge {
  const { appId, authorizeUrl } = given;
  const ask = gateway({
    url: given.gatewayUrl,
    appId,
    privateKey: privateKeyOf(given.privateKey),
    trust: trustOf(given),
    ...ports,
  });
  return {
    async start({ redirectUri, state }) {
      const url = new URL(authorizeUrl);
      url.search = new URLSearchParams({
        app_id: appId,
        scope: 'auth_user',
        redirect_uri: redirectUri,
        state,
      }).toString();
      return { outcome: 'started', url: url.href, keep: { state } };
    },
    async finish(callback, keep) {
      const own = kept.parse(keep);
      const code = codeOf(callback.searchParams, own.state, appId);
      if (typeof code !== 'string') return code;
      try {
        return await identify(ask, appId, code);
      } catch (cause) {
        if (cause instanceof UntrustedAnswer) return refused('answer_invalid', cause);
        if (cause instanceof ShiminError && cause.code.startsWith('upstream_'))
          return { outcome: 'unavailable', retryAfter: cause.retryAfter ?? 30, cause };
        throw cause;
      }
    },
  };
}

const refused = (reason: BridgeRefusal, cause: unknown): BridgeRefused => ({ outcome: 'refused', reason, cause });

/** The code that the browser brought, or why there is none. */
function codeOf(query: URLSearchParams, state: string, appId: string): string | BridgeRefused {
  const twice = ['state', 'app_id', 'auth_code'].find((name) => query.getAll(name).length > 1);
  if (twice !== undefined) return refused('answer_invalid', new Error(`${twice} twice`));
  if (query.get('state') !== state) return refused('answer_invalid', new Error('state'));
  // A code of another app of ours would be exchanged in vain and be spent by it (RFC 9700 4.4: mix-up).
  if (query.get('app_id') !== appId) return refused('answer_invalid', new Error('app_id'));
  const code = query.get('auth_code') ?? '';
  if (code === '') return refused('cancelled', new Error('no auth_code'));
  return code.length <= 128 ? code : refused('answer_invalid', new Error('auth_code'));
}

async function identify(ask: Gateway, appId: string, code: string) {
  const exchanged = await ask('alipay.system.oauth.token', { grant_type: 'authorization_code', code });
  if (!exchanged.ok) return failureOf(exchanged);
  const token = tokenAnswer.safeParse(exchanged.fields);
  if (!token.success) throw new UntrustedAnswer('token answer', { cause: token.error });
  const told = await ask('alipay.user.info.share', { auth_token: token.data.access_token });
  if (!told.ok) return failureOf(told);
  const profile = profileAnswer.safeParse(told.fields);
  if (!profile.success || profile.data.code !== '10000')
    throw new UntrustedAnswer('profile answer', { cause: profile.error });
  const [first, ...more] = subjectsOf(appId, token.data, profile.data) ?? [];
  if (!first) throw new UntrustedAnswer('token and profile do not name the same person');
  if (isClosed(profile.data)) return refused('denied', new Error('account is closed, or not a person’s'));
  const { level, claims } = toldBy(profile.data);
  // `auth_start` is when the permission began, which may be long before this sign-in: it is no sign-in time.
  const identity = { subjects: [first, ...more] as const, level, methods: [], authTime: null, claims };
  return { outcome: 'identified', identity } as const;
}

/** The gateway's own troubles come as 20000 and `isp.*`, too many calls as 40005: nothing about this person. */
function failureOf(answer: Extract<GatewayAnswer, { ok: false }>) {
  const { code, subCode } = answer;
  const cause = new Error(`gateway: ${code} ${subCode}`);
  if (code === '20000' || code === '40005' || subCode.startsWith('isp.'))
    return { outcome: 'unavailable', retryAfter: 30, cause } as const;
  return refused(subCode === 'isv.code-invalid' ? 'expired' : 'denied', cause);
}
