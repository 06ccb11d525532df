import { z } from 'zod';
import { ShiminError } from '../../lib/errors.ts';
import {
  type Bridge,
  type BridgePorts,
  type BridgeRefusal,
  type BridgeRefused,
  type BridgeResult,
  type BridgeStart,
  defineBridge,
  type SubjectKey,
} from '../bridge.ts';
import { tokenAnswer, UntrustedAnswer, userAnswer, type WeChatApi, WeChatError, weChatApi } from './api.ts';

const appId = z.string().regex(/^wx[0-9a-f]{16}$/);

const settings = z
  .object({
    /** The website app of the Open Platform: a code to scan, in any browser. */
    appId,
    appSecret: z.string().min(1),
    /** The official account: inside WeChat's own browser, where nobody can scan. Empty: the code is shown there, too. */
    accountAppId: z.union([z.literal(''), appId]).default(''),
    accountAppSecret: z.string().default(''),
    openUrl: z.url().default('https://open.weixin.qq.com'),
    apiUrl: z.url().default('https://api.weixin.qq.com'),
  })
  .refine((given) => (given.accountAppId === '') === (given.accountAppSecret === ''), {
    message: 'an official account has an id and a secret, or neither',
    path: ['accountAppSecret'],
  });
type Settings = z.infer<typeof settings>;

export const wechat = defineBridge({
  traits: {
    id: 'wechat',
    region: 'mainland',
    minutes: 1,
    levels: [
      {
        // No name, no number, no level: whoever has the telephone, or the PC that WeChat runs on.
        name: null,
        worth: {
          identity: null,
          authentication: {
            factors: ['possession'],
            userVerified: false,
            phishingResistant: false,
            deviceBound: false,
          },
        },
      },
    ],
    keepsSession: true,
    asks: [],
    have: [],
  },
  settings,
  secrets: ['appSecret', 'accountAppSecret'],
  open: openWeChat,
});

/** The two ways in: another app id, another secret, another page. */
const modes = {
  website: { path: '/connect/qrconnect', scope: 'snsapi_login' },
  account: { path: '/connect/oauth2/authorize', scope: 'snsapi_userinfo' },
} as const;
type Mode = keyof typeof modes;

const kept = z.object({ state: z.string(), mode: z.enum(['website', 'account']) });

/** Sign-in with WeChat (docs/bridges/wechat.md). It has no PKCE, nonce, ID token or signature: TLS and the secret are all. */
function openWeChat(given: Settings, ports: BridgePorts): Bridge {
  const api = weChatApi({ url: given.apiUrl, ...ports });
  const apps = {
    website: { appid: given.appId, secret: given.appSecret },
    account: { appid: given.accountAppId, secret: given.accountAppSecret },
  };
  return {
    async start(request) {
      const mode = given.accountAppId !== '' && isInside(request) ? 'account' : 'website';
      const url = authorizationUrl(given.openUrl, mode, apps[mode].appid, request);
      return { outcome: 'started', url, keep: { state: request.state, mode } };
    },
    async finish(callback, keep) {
      const { state, mode } = kept.parse(keep);
      const code = codeOf(callback.searchParams, state);
      if (typeof code !== 'string') return code;
      try {
        return await identify(api, apps[mode], code);
      } catch (cause) {
        return resultOf(cause);
      }
    },
  };
}

/** WeChat's own browser names itself; WeChat Work's says so too, and is another service. */
const isInside = ({ userAgent = '' }: BridgeStart) =>
  /\bMicroMessenger\//.test(userAgent) && !/\bwxwork\//i.test(userAgent);

/** The order of the parameters and the fragment are WeChat's: other orders have been refused. */
function authorizationUrl(
  openUrl: string,
  mode: Mode,
  appid: string,
  { redirectUri, state, fresh }: BridgeStart,
): string {
  const { path, scope } = modes[mode];
  const query = new URLSearchParams([
    ['appid', appid],
    ['redirect_uri', redirectUri],
    ['response_type', 'code'],
    ['scope', scope],
    ['state', state],
    // Asks for consent again. Whoever scans a code has to confirm each time anyway.
    ...(fresh && mode === 'account' ? [['forcePopup', 'true']] : []),
  ]);
  return `${openUrl.replace(/\/$/, '')}${path}?${query}#wechat_redirect`;
}

const refused = (reason: BridgeRefusal, cause: unknown): BridgeRefused => ({ outcome: 'refused', reason, cause });

/** The code that the browser brought, or why there is none. */
function codeOf(query: URLSearchParams, state: string): string | BridgeRefused {
  const twice = ['state', 'code'].find((name) => query.getAll(name).length > 1);
  if (twice !== undefined) return refused('answer_invalid', new Error(`${twice} twice`));
  if (query.get('state') !== state) return refused('answer_invalid', new Error('state'));
  const code = query.get('code') ?? '';
  // Who declines mostly stays in WeChat; where they are sent back, it is with the state alone.
  if (code === '') return refused('cancelled', new Error('no code'));
  return /^[A-Za-z0-9_-]{1,512}$/.test(code) ? code : refused('answer_invalid', new Error('code'));
}

async function identify(
  api: WeChatApi,
  { appid, secret }: { appid: string; secret: string },
  code: string,
): Promise<BridgeResult> {
  const exchange = { appid, secret, code, grant_type: 'authorization_code' };
  const token = await api('/sns/oauth2/access_token', exchange, tokenAnswer);
  if (isVirtual(token)) return virtual();
  // Asked also where the first answer says all: the flag of virtual users has been missing there, and so has the unionid.
  const query = { access_token: token.access_token, openid: token.openid, lang: 'zh_CN' };
  const user = await api('/sns/userinfo', query, userAnswer);
  if (isVirtual(user)) return virtual();
  if (user.openid !== token.openid) throw new UntrustedAnswer('another openid');
  if (token.unionid !== undefined && user.unionid !== undefined && token.unionid !== user.unionid)
    throw new UntrustedAnswer('another unionid');
  const unionid = token.unionid ?? user.unionid;
  // Never one in place of the other (D12): an openid is one app's, a unionid all apps' of one Open Platform account.
  const openid: SubjectKey = { part: 'openid', of: [appid, token.openid] };
  return {
    outcome: 'identified',
    identity: {
      subjects: unionid === undefined ? [openid] : [{ part: 'unionid', of: [unionid] }, openid],
      level: null,
      methods: [],
      authTime: null,
      // The nickname is whatever the person likes, and is not even read.
      claims: {},
    },
  };
}

const isVirtual = ({ is_snapshotuser: flag }: { is_snapshotuser?: number | string | undefined }) =>
  flag !== undefined && Number(flag) !== 0;
const virtual = () => refused('denied', new Error('a virtual user of the page’s preview'));

/** 40029 was never a code of ours, 40163 was used, 42003 is too old: from outside all three are a sign-in to begin again. */
const worn = new Set([40029, 40163, 42003]);
/** System busy, and too many calls: nothing about this person. */
const busy = new Set([-1, 45009, 45011]);

function resultOf(cause: unknown): BridgeResult {
  if (cause instanceof UntrustedAnswer) return refused('answer_invalid', cause);
  if (cause instanceof WeChatError) {
    if (busy.has(cause.errcode)) return { outcome: 'unavailable', retryAfter: 30, cause };
    return refused(worn.has(cause.errcode) ? 'expired' : 'denied', cause);
  }
  if (cause instanceof ShiminError && cause.code.startsWith('upstream_'))
    return { outcome: 'unavailable', retryAfter: cause.retryAfter ?? 30, cause };
  throw cause;
}
