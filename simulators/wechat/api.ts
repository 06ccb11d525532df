import { randomBytes } from 'node:crypto';
import type Router from '@koa/router';
import type { Context } from 'koa';
import type { FaultControl } from '../lib/fault-control.ts';
import { text } from '../lib/http.ts';
import { type Account, type App, apps, virtualId } from './accounts.ts';
import { type Errcode, errcodes } from './faults.ts';

/** What a person allowed an app. */
export interface Grant {
  readonly app: App;
  readonly account: Account;
  readonly scope: string;
  readonly at: number;
  /** A page seen in the preview: the ids are made up. */
  readonly snapshot: boolean;
  used: boolean;
}

type Answer = Readonly<Record<string, unknown>> | Errcode;
type Query = (name: string) => string;

const codeLifetimeMs = { website: 10 * 60_000, account: 5 * 60_000 } as const;
const tokenLifetime = 7200;
const secretWord = () => randomBytes(32).toString('base64url');

export interface ApiParts {
  readonly router: Router;
  readonly control: FaultControl<string>;
  /** Which answer a fault is about: of `token` or of `info`. */
  readonly faultAt: () => string;
  readonly codes: ReadonlyMap<string, Grant>;
  readonly disabled: ReadonlySet<string>;
  readonly faults: readonly string[];
}

/** `api.weixin.qq.com/sns`: all GET, errors are HTTP 200, JSON is called text/plain. */
export function apiRoutes({ router, control, faultAt, codes, disabled, faults }: ApiParts): void {
  const tokens = new Map<string, { grant: Grant; code: string; at: number }>();
  const refreshes = new Map<string, { grant: Grant; code: string }>();

  const idsOf = ({ account, app, snapshot }: Grant, code: string) =>
    snapshot
      ? { openid: virtualId(`open ${code}`), unionid: virtualId(`union ${code}`) }
      : { openid: account.openId(app.appId), unionid: account.unionId };

  function granted(grant: Grant, code: string) {
    const [accessToken, refreshToken] = [secretWord(), secretWord()];
    tokens.set(accessToken, { grant, code, at: Date.now() });
    refreshes.set(refreshToken, { grant, code });
    const { openid, unionid } = idsOf(grant, code);
    return {
      access_token: accessToken,
      expires_in: tokenLifetime,
      refresh_token: refreshToken,
      openid,
      scope: grant.scope,
      ...(grant.snapshot ? { is_snapshotuser: 1 } : {}),
      ...(grant.scope === 'snsapi_base' ? {} : { unionid }),
    };
  }

  function exchange(query: Query): Answer {
    if (query('appid') === '') return 41002;
    const app = apps.find(({ appId }) => appId === query('appid'));
    if (!app) return 40013;
    if (query('secret') === '') return 41004;
    if (query('secret') !== app.secret) return 40125;
    if (query('grant_type') !== 'authorization_code') return 40002;
    if (query('code') === '') return 41008;
    const grant = codes.get(query('code'));
    if (!grant || grant.app !== app) return 40029;
    if (grant.used) return 40163;
    grant.used = true;
    if (Date.now() - grant.at > codeLifetimeMs[app.kind]) return 42003;
    if (disabled.has(grant.account.person.id)) return 50002;
    return granted(grant, query('code'));
  }

  function refresh(query: Query): Answer {
    if (query('grant_type') !== 'refresh_token') return 40002;
    const known = refreshes.get(query('refresh_token'));
    return known && known.grant.app.appId === query('appid') ? granted(known.grant, known.code) : 40030;
  }

  /** The token's grant, or why it can't be used for this person. */
  function bearer(query: Query): { grant: Grant; code: string } | Errcode {
    const known = tokens.get(query('access_token'));
    if (!known) return 40001;
    if (Date.now() - known.at > tokenLifetime * 1000) return 40014;
    return idsOf(known.grant, known.code).openid === query('openid') ? known : 40003;
  }

  function check(query: Query): Answer {
    const known = bearer(query);
    return typeof known === 'object' ? { errcode: 0, errmsg: 'ok' } : known;
  }

  function userinfo(query: Query): Answer {
    const known = bearer(query);
    if (typeof known !== 'object') return known;
    const { grant, code } = known;
    if (grant.scope === 'snsapi_base' || grant.snapshot) return 48001;
    return {
      ...idsOf(grant, code),
      nickname: grant.account.nickname,
      // Not told by official accounts since October 2021.
      sex: 0,
      language: '',
      city: '',
      province: '',
      country: '',
      headimgurl: `https://thirdwx.qlogo.cn/mmopen/${grant.account.person.id}/132`,
      privilege: [],
    };
  }

  const route = (path: string, at: string, answer: (query: Query) => Answer) =>
    router.get(path, (ctx: Context) => {
      const on = control.name();
      const here = on.startsWith('snapshot') || on.startsWith('unionid') || at === faultAt();
      const fault = here ? control.take(...faults) : null;
      const forced = errcodeOf(fault);
      const honest = forced ?? answer((name) => text(ctx.query[name]));
      ctx.set('Content-Type', fault === 'json_content_type' ? 'application/json; charset=utf-8' : 'text/plain');
      ctx.body = written(honest, fault, at);
    });
  route('/sns/oauth2/access_token', 'token', exchange);
  route('/sns/oauth2/refresh_token', 'refresh', refresh);
  route('/sns/auth', 'auth', check);
  route('/sns/userinfo', 'info', userinfo);
}

function errcodeOf(fault: string | null): Errcode | null {
  const [, number] = /^errcode_(-?\d+)$/.exec(fault ?? '') ?? [];
  if (fault === 'errcode_as_text' || fault === 'errcode_unreadable') return 40029;
  return number !== undefined && isErrcode(number) ? errcodeNumber(number) : null;
}
const isErrcode = (number: string): number is `${Errcode}` => Object.hasOwn(errcodes, number);
const errcodeNumber = (number: `${Errcode}`): Errcode => (number === '-1' ? number : (Number(number) as Errcode));

const requestId = () =>
  `${randomBytes(4).toString('hex')}-${randomBytes(4).toString('hex')}-${randomBytes(4).toString('hex')}`;

/** An answer as it stands in the body; with a fault, made wrong. */
function written(answer: Answer, fault: string | null, at: string): string {
  const plain = typeof answer === 'object' ? spoilt(answer, fault, at) : errorBody(answer, fault);
  const json = JSON.stringify(plain).replaceAll('/', '\\/');
  return fault === 'key_twice' ? json.replace('{', '{"openid":"oSomebodyElse0000000000000001",') : json;
}

function errorBody(errcode: Errcode, fault: string | null): object {
  const number = fault === 'errcode_as_text' ? String(errcode) : fault === 'errcode_unreadable' ? 'E' : Number(errcode);
  return { errcode: number, errmsg: `${errcodes[errcode]}, rid: ${requestId()}` };
}

function spoilt(answer: Readonly<Record<string, unknown>>, fault: string | null, at: string): object {
  const { unionid, openid, access_token: accessToken, ...rest } = answer;
  const token = accessToken === undefined ? {} : { access_token: accessToken };
  const { is_snapshotuser: _, ...unmarked } = answer;
  switch (fault) {
    case 'unionid_absent':
      return { ...token, ...rest, openid };
    case 'unionid_empty':
      return { ...answer, unionid: '' };
    case 'unionid_late':
      return at === 'token' ? { ...token, ...rest, openid } : answer;
    case 'unionid_other':
      return at === 'info' ? { ...answer, unionid: 'oUnionOfSomebodyElse00000001' } : answer;
    case 'unionid_blank':
      return { ...answer, unionid: ' ' };
    case 'errcode_zero':
      return { errcode: 0, errmsg: 'ok', ...answer };
    case 'not_a_snapshot':
      return { ...answer, is_snapshotuser: 0 };
    case 'snapshot_as_text':
      return { ...answer, is_snapshotuser: '1' };
    case 'snapshot_late':
      return at === 'info' ? { ...answer, is_snapshotuser: 1 } : unmarked;
    case 'snapshot_unmarked':
      return unmarked;
    case 'openid_other':
      return { ...answer, openid: 'oSomebodyElse0000000000000001' };
    case 'openid_missing':
      return { ...token, ...rest, unionid };
    case 'openid_blank':
      return { ...answer, openid: ' ' };
    case 'openid_number':
      return { ...answer, openid: 1234567890123 };
    case 'access_token_missing':
      return { ...rest, openid, unionid };
    default:
      return answer;
  }
}
