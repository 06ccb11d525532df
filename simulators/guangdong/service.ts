import { randomBytes } from 'node:crypto';
import Router from '@koa/router';
import type { Context } from 'koa';
import { faultControl } from '../lib/fault-control.ts';
import { escapeHtml, fieldsOf, page, readBody, readJson } from '../lib/http.ts';
import type { UpstreamFactory } from '../lib/upstream.ts';
import { type Account, accountsOf, creditLevels, logins } from './accounts.ts';
import { infoAnswer, infoFaults } from './answer.ts';

/** Faults of the way back and of the exchange. */
export const exchangeFaults = [
  'state_missing',
  'state_other',
  'state_twice',
  'code_gone',
  'code_twice',
  'denied',
  'token_missing',
  'token_and_error',
  'token_and_zero',
  'token_busy',
  'token_refused',
] as const;
export const guangdongFaults = [...exchangeFaults, ...infoFaults] as const;

export const guangdongClient = { clientId: 'tyrz_shimin', clientSecret: 'demo-guangdong-secret' } as const;

interface Code {
  readonly id: string;
  readonly redirectUri: string;
  readonly login: string;
  readonly at: number;
  used: boolean;
}

const prefix = '/guangdong';
const title = '广东省统一身份认证平台（模拟）';
const codeLifetimeMs = 5 * 60_000;
const tokenLifetimeMs = 60_000;
const sessionCookie = 'gd_session';
const unguessable = () => randomBytes(24).toString('base64url');
const loginNames: Readonly<Record<string, string>> = { 1: '账号密码', 2: '数字证书', 3: '粤省事扫码', 4: '微警' };

/** Guangdong unified identity as its callers see it (reference 11): GET everywhere, secrets in the query, errors in HTTP 200. */
export const guangdongUpstream: UpstreamFactory = ({ origin, people, returnHosts }) => {
  const original = accountsOf(people);
  const accounts = new Map(original.map((account) => [account.id, account]));
  const disabled = new Set<string>();
  const codes = new Map<string, Code>();
  const tokens = new Map<string, { code: Code; at: number }>();
  const sessions = new Map<string, string>();
  const router = new Router({ prefix });
  const control = faultControl(guangdongFaults);

  router.get('/_control', (ctx) => {
    ctx.body = { ...control.line.state, fault: control.name(), people: [...accounts.values()] };
  });
  router.put('/_control', async (ctx) => {
    const good = control.set(await readJson(ctx));
    answer(ctx, good ? 200 : 400, good ? { fault: control.name() } : { error: 'invalid' });
  });
  // {"disabled"?, "level"?, "login"?, "name"?}; an empty object undoes it.
  router.put('/_control/people/:id', async (ctx) => {
    const account = original.find(({ id }) => id === ctx.params.id);
    if (!account) return answer(ctx, 404, { error: 'not_found' });
    const fields = fieldsOf(await readJson(ctx));
    const level = creditLevels.find((known) => known === fields.level) ?? account.level;
    const login = logins.find((known) => known === fields.login) ?? account.login;
    const name = typeof fields.name === 'string' ? fields.name : account.name;
    accounts.set(account.id, { ...account, level, login, name });
    if (fields.disabled === true) disabled.add(account.id);
    else disabled.delete(account.id);
    answer(ctx, 200, { ...accounts.get(account.id), disabled: disabled.has(account.id) });
  });
  router.use(control.line.middleware((ctx) => !ctx.path.startsWith(`${prefix}/_control`)));

  for (const base of ['/pscp/sso', '/tif/sso']) {
    const at = `${base}/connect/page/oauth2`;
    router.get(`${at}/authorize{/}`, (ctx) => {
      const wrong = refusalOf(ctx);
      ctx.type = 'html';
      ctx.status = wrong === null ? 200 : 400;
      ctx.body = page(title, wrong === null ? signInPage(ctx) : `<h1>${title}</h1><p>${escapeHtml(wrong)}</p>`);
    });
    router.post(`${at}/authorize{/}`, signIn);
    for (const [name, work] of [['access_token', exchange] as const, ['tokeninfo', tokenInfo] as const])
      router.get(`${at}/${name}`, (ctx) => {
        // Errors are answers like any other there.
        ctx.status = 200;
        ctx.type = 'json';
        ctx.body = work(ctx);
      });
  }

  router.get('/_tif_sso_logout_{/}', (ctx) => {
    sessions.delete(ctx.cookies.get(sessionCookie) ?? '');
    ctx.cookies.set(sessionCookie, '', { path: prefix, maxAge: 0 });
    const next = one(ctx, 'redirect_uri') ?? '';
    // Only on within the platform or to a registered host: a logout is no open redirect.
    const allowed = URL.canParse(next) && [new URL(origin()).hostname, ...returnHosts].includes(new URL(next).hostname);
    if (allowed) ctx.redirect(next);
    else answer(ctx, 400, { errcode: 'invalid_redirect_uri' });
  });

  function signInPage(ctx: Context): string {
    const last = accounts.get(sessions.get(ctx.cookies.get(sessionCookie) ?? '') ?? '');
    const shown = [...accounts.values()].toSorted((a, b) => Number(b === last) - Number(a === last));
    const buttons = shown.map(
      ({ id, name, level, login }) =>
        `<button name="person" value="${escapeHtml(id)}"><strong>${escapeHtml(name)}</strong><br><small>${id === last?.id ? '已登录 signed in · ' : ''}${level} · ${loginNames[login]}</small></button>`,
    );
    const kinds = logins.map((kind) => `<option value="${kind}">${loginNames[kind]}</option>`);
    return `<h1>${title}</h1><p>请选择您是谁。<br><span lang="en">Simulated: who are you?</span></p>
<form method="post" action="${escapeHtml(ctx.url)}"><p><label>登录方式 · Login <select name="login"><option value="">—</option>${kinds.join('')}</select></label></p>${buttons.join('')}<button name="person" value="">取消 · Cancel</button></form>`;
  }

  async function signIn(ctx: Context): Promise<void> {
    const wrong = refusalOf(ctx);
    if (wrong !== null) return answer(ctx, 400, { errcode: 'invalid_request', errmsg: wrong });
    const form = new URLSearchParams((await readBody(ctx)) ?? '');
    const account = accounts.get(form.get('person') ?? '');
    const redirectUri = one(ctx, 'redirect_uri') ?? '';
    const back = new URL(redirectUri);
    if (account === undefined) back.searchParams.set('error', 'access_denied');
    else if (disabled.has(account.id)) back.searchParams.set('error', 'account_disabled');
    else {
      const login = logins.find((kind) => kind === form.get('login')) ?? account.login;
      const code = unguessable();
      codes.set(code, { id: account.id, redirectUri, login, at: Date.now(), used: false });
      const session = unguessable();
      sessions.set(session, account.id);
      ctx.cookies.set(sessionCookie, session, { path: prefix, httpOnly: true, sameSite: 'lax' });
      back.searchParams.set('code', code);
    }
    spoilWayBack(back);
    ctx.status = 303;
    ctx.redirect(back.href);
  }

  function spoilWayBack({ searchParams }: URL): void {
    const other = 'e'.repeat(32);
    const changes = {
      state_missing: () => searchParams.delete('state'),
      state_other: () => searchParams.set('state', other),
      state_twice: () => searchParams.append('state', other),
      code_gone: () => searchParams.delete('code'),
      code_twice: () => searchParams.append('code', unguessable()),
      denied: () => searchParams.set('error', 'unauthorized_client'),
    };
    const fault = control.take('state_missing', 'state_other', 'state_twice', 'code_gone', 'code_twice', 'denied');
    if (fault !== null) changes[fault]();
  }

  function exchange(ctx: Context): object {
    const fault = control.take('token_missing', 'token_and_error', 'token_and_zero', 'token_busy', 'token_refused');
    if (fault === 'token_busy') return failed('system_busy', '系统繁忙');
    if (fault === 'token_refused') return failed('unauthorized_client', '应用未授权');
    if (
      one(ctx, 'client_id') !== guangdongClient.clientId ||
      one(ctx, 'client_secret') !== guangdongClient.clientSecret
    )
      return failed('invalid_client', '应用标识或密钥错误');
    if (one(ctx, 'grant_type') !== 'authorization_code' || one(ctx, 'scope') !== 'all')
      return failed('invalid_request', '参数错误');
    const code = codes.get(one(ctx, 'code') ?? '');
    // Whoever tries a code that is not theirs spends it.
    const fresh = code !== undefined && !code.used && Date.now() - code.at < codeLifetimeMs;
    if (code) code.used = true;
    if (!fresh || code.redirectUri !== one(ctx, 'redirect_uri')) return failed('invalid_code', '授权码无效或已使用');
    const token = unguessable();
    tokens.set(token, { code, at: Date.now() });
    if (fault === 'token_missing') return {};
    const errcode = fault === 'token_and_error' ? 'invalid_code' : fault === 'token_and_zero' ? 0 : undefined;
    return { access_token: token, errcode };
  }

  function tokenInfo(ctx: Context): object | string {
    const found = tokens.get(one(ctx, 'access_token') ?? '');
    const account = found && Date.now() - found.at < tokenLifetimeMs ? current(found.code) : undefined;
    if (account === undefined) return failed('invalid_token', 'access_token无效');
    return infoAnswer(account, control.take(...infoFaults));
  }

  /** The account as it is now, signed in as it was then; none once it is closed. */
  function current({ id, login }: Code): Account | undefined {
    const account = disabled.has(id) ? undefined : accounts.get(id);
    return account && { ...account, login: logins.find((kind) => kind === login) ?? account.login };
  }

  function refusalOf(ctx: Context): string | null {
    if (one(ctx, 'client_id') !== guangdongClient.clientId) return '应用不存在 unknown client_id';
    const back = one(ctx, 'redirect_uri') ?? '';
    if (!URL.canParse(back) || !returnHosts.includes(new URL(back).hostname) || new URL(back).hash !== '')
      return '回调地址未登记 redirect_uri is not registered';
    if (one(ctx, 'response_type') !== 'code') return 'response_type must be code';
    if (one(ctx, 'service') !== 'initService' || one(ctx, 'scope') !== 'all') return 'service and scope are wrong';
    return null;
  }

  return {
    id: 'guangdong',
    title,
    path: prefix,
    router,
    fault: control.name,
    settings: () => ({ baseUrl: origin() + prefix, path: '/pscp/sso', ...guangdongClient }),
  };
};

/** A parameter that is there exactly once. */
function one(ctx: Context, name: string): string | null {
  const value = ctx.query[name];
  return typeof value === 'string' ? value : null;
}

function answer(ctx: Context, status: number, body: object): void {
  ctx.status = status;
  ctx.body = body;
}

const failed = (errcode: string, errmsg: string) => ({ errcode, errmsg });
