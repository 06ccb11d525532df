import { randomBytes } from 'node:crypto';
import Router from '@koa/router';
import type { Context } from 'koa';
import { faultControl } from '../lib/fault-control.ts';
import { escapeHtml, fieldsOf, page, readBody, readJson, text } from '../lib/http.ts';
import type { UpstreamFactory } from '../lib/upstream.ts';
import { type Account, type App, accountsOf, apps } from './accounts.ts';
import { apiRoutes, type Grant } from './api.ts';
import { callbackFaults, weChatFaults } from './faults.ts';

const prefix = '/wechat';
const title = '微信（模拟）';

/** The order in which WeChat wants the parameters; integrators report refusals for others. */
const order = ['appid', 'redirect_uri', 'response_type', 'scope', 'state'];
const scopes = { website: ['snsapi_login'], account: ['snsapi_base', 'snsapi_userinfo'] } as const;

/** WeChat's open platform: pages of `open.weixin.qq.com` and the API, under one path; docs/bridges/wechat.md. */
export const weChatUpstream: UpstreamFactory = ({ origin, people, returnHosts }) => {
  const accounts = accountsOf(people);
  const control = faultControl(weChatFaults);
  const router = new Router({ prefix });
  const codes = new Map<string, Grant>();
  const disabled = new Set<string>();
  let faultAt = 'info';

  router.get('/', (ctx) => {
    ctx.type = 'html';
    ctx.body = page(title, listing(accounts));
  });
  router.get('/_control', (ctx) => {
    ctx.body = { fault: control.name(), faults: weChatFaults };
  });
  router.put('/_control', async (ctx) => {
    const body = await readJson(ctx);
    // Which of the API's answers it is about; userinfo's unless said.
    faultAt = text(fieldsOf(body).at) || 'info';
    ctx.status = control.set(body) ? 200 : 400;
    ctx.body = { fault: control.name() };
  });
  router.put('/_control/people/:id', async (ctx) => {
    const id = String(ctx.params.id);
    if (fieldsOf(await readJson(ctx)).disabled === true) disabled.add(id);
    else disabled.delete(id);
    ctx.body = { id, disabled: disabled.has(id) };
  });

  router.use(control.line.middleware((ctx) => !ctx.path.startsWith(`${prefix}/_control`)));

  pages('/connect/qrconnect', 'website');
  pages('/connect/oauth2/authorize', 'account');
  apiRoutes({ router, control, faultAt: () => faultAt, codes, disabled, faults: weChatFaults });

  function pages(path: string, kind: App['kind']): void {
    router.get(path, (ctx) => {
      const refusal = refusalOf(ctx, kind);
      const lead = kind === 'website' ? '微信扫码登录' : '微信授权';
      show(ctx, refusal === null ? `<p>${lead} · Simulated: who are you?</p>${form(ctx.url)}` : refusalText(refusal));
    });
    router.post(path, async (ctx) => {
      const refusal = refusalOf(ctx, kind);
      if (refusal !== null) return show(ctx, refusalText(refusal));
      const query = (name: string) => text(ctx.query[name]);
      const chosen = new URLSearchParams((await readBody(ctx)) ?? '').get('person');
      const account = accounts.find(({ person }) => person.id === chosen);
      const fault = control.take(...callbackFaults);
      // Today who declines stays in WeChat, and the website hears nothing.
      if (!account && fault === 'cancel_stays') return show(ctx, '<p>已取消 · Cancelled. 请关闭此页。</p>');
      const back = new URL(query('redirect_uri'));
      const app = apps.find(({ appId }) => appId === query('appid'));
      if (account && app) back.searchParams.set('code', newCode(app, account, query('scope')));
      if (account && app && fault === 'code_twice')
        back.searchParams.append('code', newCode(app, account, query('scope')));
      back.searchParams.set('state', fault === 'state' ? 'of-another-request' : query('state'));
      ctx.status = 303;
      ctx.redirect(back.href);
    });
  }

  const form = (action: string) =>
    `<form method="post" action="${escapeHtml(action)}">${accounts
      .map(
        ({ person, nickname }) =>
          `<button name="person" value="${person.id}">${escapeHtml(`${nickname} (${Object.values(person.names)[0]})`)}</button>`,
      )
      .join('')}<button name="person" value="">取消 · Cancel</button></form>`;

  function newCode(app: App, account: Account, scope: string): string {
    const code = `0${randomBytes(15).toString('hex')}00`;
    const snapshot = ['snapshot', 'snapshot_unmarked'].includes(control.name());
    codes.set(code, { app, account, scope, at: Date.now(), snapshot, used: false });
    return code;
  }

  /** What is wrong with a request for a page; null: nothing. The real one says it with HTTP 200. */
  function refusalOf(ctx: Context, kind: App['kind']): string | null {
    const query = (name: string) => text(ctx.query[name]);
    const given = Object.keys(ctx.query).filter((name) => order.includes(name));
    if (!apps.some((app) => app.appId === query('appid') && app.kind === kind)) return 'appid 参数错误';
    const back = query('redirect_uri');
    // The host alone is registered, and must be the very one.
    if (!URL.canParse(back) || !returnHosts.includes(new URL(back).hostname)) return 'redirect_uri 参数错误';
    if (given.join() !== order.join()) return '参数顺序错误';
    if (query('response_type') !== 'code') return 'response_type 参数错误';
    if (!scopes[kind].some((scope) => scope === query('scope'))) return 'Scope 参数错误或没有 Scope 权限';
    if (Buffer.byteLength(query('state')) > 128) return 'state 参数过长';
    if (kind === 'account' && !/^[a-zA-Z0-9]*$/.test(query('state'))) return 'state 参数错误';
    if (kind === 'account' && !/MicroMessenger\//.test(ctx.get('User-Agent'))) return '请在微信客户端打开链接';
    return null;
  }

  const settings = (kind: App['kind']) => apps.find((app) => app.kind === kind);
  return {
    id: 'wechat',
    title,
    path: prefix,
    router,
    fault: control.name,
    settings: () => ({
      appId: settings('website')?.appId ?? '',
      appSecret: settings('website')?.secret ?? '',
      accountAppId: settings('account')?.appId ?? '',
      accountAppSecret: settings('account')?.secret ?? '',
      openUrl: origin() + prefix,
      apiUrl: origin() + prefix,
    }),
  };
};

function show(ctx: Context, body: string): void {
  ctx.type = 'html';
  ctx.body = page(title, `<h1>${title}</h1>${body}`);
}
const refusalText = (refusal: string) => `<p>${escapeHtml(refusal)}</p>`;

const listing = (accounts: readonly Account[]) =>
  `<h1>${title}</h1><p>An account that is blocked: <code>PUT ${prefix}/_control/people/ID {"disabled": true}</code></p>
<table><thead><tr><th>ID</th><th>Nickname</th><th>unionid</th></tr></thead><tbody>${accounts
    .map(
      ({ person, nickname, unionId }) =>
        `<tr><td>${person.id}</td><td>${escapeHtml(nickname)}</td><td>${unionId}</td></tr>`,
    )
    .join('')}</tbody></table>`;
