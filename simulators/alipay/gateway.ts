import { randomBytes } from 'node:crypto';
import type Router from '@koa/router';
import type { Context } from 'koa';
import type { FaultControl } from '../lib/fault-control.ts';
import { escapeHtml, readBody } from '../lib/http.ts';
import type { Account, App, Change } from './accounts.ts';
import { bodyOf, type ErrorName, errorOf, forgeries } from './answers.ts';
import { type AlipayFault, alipayFaults, callbackFaults, charsetFault, errorFaults, errorOfFault } from './faults.ts';
import type { Keys } from './keys.ts';
import { checkRequest, type Parameters, textToSign } from './request.ts';
import { namesFor, profileAnswer } from './spoilt.ts';

/** What a person allowed an app; its code is spent by the first exchange, good or bad. */
export interface Permission {
  readonly appId: string;
  readonly account: Account;
  readonly scope: string;
  readonly at: number;
  spent: boolean;
}

export type Inner = Readonly<Record<string, unknown>>;
/** What a method answers: signed members, one of the known errors, or a page for the person (`page`). */
export type Method = (
  app: App,
  parameters: Parameters,
  fault: AlipayFault | null,
  userAgent: string,
) => Inner | ErrorName;

/** The shortest life that a real code has. */
const codeLifetimeMs = 3 * 60_000;

export interface GatewayParts {
  readonly router: Router;
  readonly keys: Keys;
  readonly control: FaultControl<AlipayFault>;
  /** Which answer a fault is about: of `token` or of `info`. */
  readonly faultAt: () => string;
  readonly permissions: Map<string, Permission>;
  readonly changeOf: (account: Account) => Change;
  readonly accounts: readonly Account[];
  readonly methods?: Readonly<Record<string, Method>>;
}

/** One address for all methods; errors too are HTTP 200. */
export function gatewayRoutes(parts: GatewayParts): void {
  const { router, keys, control, faultAt, permissions, changeOf, accounts } = parts;
  const tokens = new Map<string, Permission>();
  let lastProfile: string | null = null;

  const oauthToken: Method = (app, parameters, fault) => {
    if (parameters.grant_type !== 'authorization_code') return 'grant_type';
    const permission = permissions.get(parameters.code ?? '');
    if (!permission || permission.spent || permission.appId !== app.appId) return 'code_invalid';
    permission.spent = true;
    if (Date.now() - permission.at > codeLifetimeMs) return 'code_invalid';
    if (changeOf(permission.account).closed) return 'closed';
    const accessToken = `authusrB${randomBytes(16).toString('hex')}`;
    tokens.set(accessToken, permission);
    const asText = fault === 'numbers_as_strings';
    return {
      ...(fault === 'access_token_missing' ? {} : { access_token: accessToken }),
      ...namesFor(permission.account, app, fault),
      auth_token_type: 'permanent',
      auth_start: chinaTime(new Date(permission.at)),
      expires_in: asText ? '1296000' : 1_296_000,
      re_expires_in: asText ? '2592000' : 2_592_000,
      refresh_token: `authusrB${randomBytes(16).toString('hex')}`,
    };
  };

  const userInfo: Method = (app, parameters, fault) => {
    const permission = tokens.get(parameters.auth_token ?? '');
    if (!permission || permission.appId !== app.appId) return 'auth_token';
    if (!permission.scope.split(',').includes('auth_user')) return 'auth_token';
    if (changeOf(permission.account).closed) return 'closed';
    const other = accounts.find(({ userId }) => userId !== permission.account.userId) ?? permission.account;
    return profileAnswer({ app, account: permission.account, other, change: changeOf(permission.account), fault });
  };

  const methods: Readonly<Record<string, Method>> = {
    'alipay.system.oauth.token': oauthToken,
    'alipay.user.info.share': userInfo,
    ...parts.methods,
  };

  const answer = async (ctx: Context) => {
    const form = new URLSearchParams((await readBody(ctx)) ?? '');
    const parameters = Object.fromEntries([...new URLSearchParams(ctx.querystring), ...form]);
    ctx.set('Content-Type', 'text/html;charset=utf-8');
    const { app, error } = checkRequest(parameters, keys);
    if (error === 'signature') {
      spend(parameters.code);
      ctx.body = unsigned({ ...errorOf('code_invalid'), sub_code: 'isv.invalid-signature', sub_msg: hint(parameters) });
      return;
    }
    if (error !== null || app === null) {
      ctx.body = unsigned(errorOf(error ?? 'app_id'));
      return;
    }
    const method = parameters.method ?? '';
    const perform = Object.hasOwn(methods, method) ? methods[method] : undefined;
    const fault = faultIn(method);
    const done = perform ? (fault.error ?? perform(app, parameters, fault.name, ctx.get('User-Agent'))) : 'method';
    if (typeof done === 'object' && typeof done.page === 'string') {
      ctx.body = done.page;
      return;
    }
    const body = write(app, method, done, fault.name);
    const isProfile = method === 'alipay.user.info.share';
    const sent = isProfile && fault.name === 'replay' ? (lastProfile ?? body) : body;
    ctx.body = fault.name === charsetFault ? inGbk(sent) : sent;
    if (isProfile) lastProfile = body;
  };
  router.post('/gateway.do', answer);
  router.get('/gateway.do', answer);

  /** The fault that is on, if it is about this method. */
  function faultIn(method: string): { name: AlipayFault | null; error: ErrorName | null } {
    const isToken = method === 'alipay.system.oauth.token';
    const here = isToken ? 'token' : 'info';
    const everywhere = ['open_id_only', 'both_names', 'empty_open_id', 'numbers_as_strings', 'other_open_id'];
    const inToken = ['code_expired', 'access_token_missing'];
    const on = control.name();
    const applies = everywhere.includes(on) || (inToken.includes(on) ? isToken : here === faultAt());
    const known = alipayFaults.filter((each) => !callbackFaults.some((callback) => callback === each));
    const name = applies ? control.take(...known) : null;
    if (name === null || !errorFaults.some((each) => each === name)) return { name, error: null };
    return { name, error: errorOfFault[name] ?? (isToken ? 'code_invalid' : 'auth_token') };
  }

  function write(app: App, method: string, done: Inner | ErrorName, fault: AlipayFault | null): string {
    const isError = typeof done === 'string';
    // Errors of the token method stand under the common key, those of the others under their own.
    const common = isError && (method === 'alipay.system.oauth.token' || done === 'method');
    const swapped = fault === 'error_other_key';
    return bodyOf({
      method: common === swapped ? method : null,
      inner: isError ? errorOf(done) : done,
      key: fault === 'error_unsigned' ? null : keys.gatewayKey,
      certificate: app.mode === 'certificate' && fault !== 'error_unsigned' ? keys.names.gateway : null,
      forgery: fault === 'error_forged' ? 'signature' : (forgeries.find((each) => each === fault) ?? null),
    });
  }

  function spend(code: string | undefined): void {
    const permission = permissions.get(code ?? '');
    if (permission) permission.spent = true;
  }
}

const unsigned = (inner: Inner) => bodyOf({ method: null, inner, key: null, certificate: null, forgery: null });

/** What the gateway would have signed, HTML-escaped as it sends it. */
const hint = (parameters: Parameters) =>
  `验签出错，建议检查签名字符串或签名私钥与应用公钥是否匹配，网关生成的验签字符串为：${escapeHtml(
    textToSign(parameters, false),
  ).replaceAll('&#38;', '&amp;')}`;

const chinaTime = (at: Date) => new Date(at.getTime() + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');

/** 李晓明 in the bytes of GBK, the rest as it is. */
const inGbk = (body: string) =>
  Buffer.from(
    Buffer.from(body)
      .toString('latin1')
      .replaceAll(Buffer.from('李晓明').toString('latin1'), '\u00c0\u00ee\u00cf\u00fe\u00c3\u00f7'),
    'latin1',
  );
