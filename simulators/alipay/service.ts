import { randomBytes } from 'node:crypto';
import Router from '@koa/router';
import type { Context } from 'koa';
import { faultControl } from '../lib/fault-control.ts';
import { escapeHtml, fieldsOf, page, readBody, readJson, text } from '../lib/http.ts';
import type { SimulatedUpstream, UpstreamContext } from '../lib/upstream.ts';
import { type Account, type App, accountsOf, apps, type Change, unchanged } from './accounts.ts';
import { certifyMethods } from './certify.ts';
import { alipayFaults } from './faults.ts';
import { gatewayRoutes, type Permission } from './gateway.ts';
import { loadKeys } from './keys.ts';

const prefix = '/alipay';
const title = '支付宝（模拟）';

export interface AlipaySimulator extends SimulatedUpstream {
  /** `settings` of the app that is in certificate mode. */
  readonly certificateSettings: () => Readonly<Record<string, string>>;
}

/** Alipay's open platform: consent page and gateway; docs/bridges/alipay.md has what it is strict about. */
export const alipayUpstream = ({ origin, people, returnHosts }: UpstreamContext): AlipaySimulator => {
  const keys = loadKeys();
  const accounts = accountsOf(people);
  const changes = new Map<string, Change>();
  const control = faultControl(alipayFaults);
  const router = new Router({ prefix });
  const permissions = new Map<string, Permission>();
  let faultAt = 'info';
  const changeOf = (account: Account) => changes.get(account.person.id) ?? unchanged;

  router.get('/', (ctx) => {
    ctx.type = 'html';
    ctx.body = page(title, listing(accounts));
  });
  router.get('/_control', (ctx) => {
    ctx.body = { fault: control.name(), faults: alipayFaults };
  });
  router.put('/_control', async (ctx) => {
    const body = await readJson(ctx);
    // Which of the gateway's answers it is about; the profile's unless said.
    faultAt = text(fieldsOf(body).at) || 'info';
    ctx.status = control.set(body) ? 200 : 400;
    ctx.body = { fault: control.name() };
  });
  router.put('/_control/people/:id', async (ctx) => {
    const { closed, disabled, status, type, certified } = fieldsOf(await readJson(ctx));
    const change = {
      closed: closed === true || disabled === true,
      status: typeof status === 'string' ? status : null,
      type: typeof type === 'string' ? type : null,
      certified: typeof certified === 'boolean' ? certified : null,
    };
    changes.set(String(ctx.params.id), change);
    ctx.body = change;
  });

  router.use(control.line.middleware((ctx) => !ctx.path.startsWith(`${prefix}/_control`)));

  const authorizePath = '/oauth2/publicAppAuthorize.htm';
  router.get(authorizePath, (ctx) => {
    const refusal = refusalOf(ctx);
    ctx.type = 'html';
    ctx.status = refusal === null ? 200 : 400;
    const body =
      refusal === null
        ? `<p>Simulated: who are you?</p><form method="post" action="${escapeHtml(ctx.url)}">${accounts
            .map(
              ({ person }) =>
                `<button name="person" value="${person.id}">${escapeHtml(Object.values(person.names).join(' · '))}</button>`,
            )
            .join('')}<button name="person" value="">取消 · Cancel</button></form>`
        : `<p>${escapeHtml(refusal)}</p>`;
    ctx.body = page(title, `<h1>${title}</h1>${body}`);
  });

  router.post(authorizePath, async (ctx) => {
    const refusal = refusalOf(ctx);
    if (refusal !== null) {
      ctx.status = 400;
      ctx.type = 'html';
      ctx.body = page(title, `<p>${escapeHtml(refusal)}</p>`);
      return;
    }
    const query = (name: string) => text(ctx.query[name]);
    const chosen = new URLSearchParams((await readBody(ctx)) ?? '').get('person');
    const account = accounts.find(({ person }) => person.id === chosen);
    const back = new URL(query('redirect_uri'));
    const fault = control.take('state', 'app_id_other');
    back.searchParams.set('app_id', fault === 'app_id_other' ? '2021000000000009' : query('app_id'));
    back.searchParams.set('source', 'alipay_wallet');
    back.searchParams.set('scope', query('scope'));
    if (account) back.searchParams.set('auth_code', newCode(query('app_id'), account, query('scope')));
    back.searchParams.set('state', fault === 'state' ? 'of-another-request' : query('state'));
    ctx.status = 303;
    ctx.redirect(back.href);
  });

  const methods = certifyMethods({ router, people, returnHosts, path: prefix, title });
  gatewayRoutes({ router, methods, keys, control, faultAt: () => faultAt, permissions, changeOf, accounts });

  function newCode(appId: string, account: Account, scope: string): string {
    const code = randomBytes(16).toString('hex');
    permissions.set(code, { appId, account, scope, at: Date.now(), spent: false });
    return code;
  }

  /** What is wrong with a request for the consent page; null: nothing. */
  function refusalOf(ctx: Context): string | null {
    const query = (name: string) => text(ctx.query[name]);
    if (!apps.some(({ appId }) => appId === query('app_id'))) return 'app_id 无效';
    const scopes = query('scope').split(',');
    if (!scopes.every((scope) => ['auth_base', 'auth_user'].includes(scope))) return 'scope 无效';
    if (query('state').length > 100) return 'state 超过 100 个字符';
    if (!/^[A-Za-z0-9+/=]*$/.test(query('state'))) return 'state 只允许 base64 字符';
    const back = query('redirect_uri');
    if (!URL.canParse(back) || !returnHosts.includes(new URL(back).hostname)) return 'redirect_uri 与应用配置不一致';
    return null;
  }

  const urls = () => ({
    authorizeUrl: `${origin()}${prefix}${authorizePath}`,
    gatewayUrl: `${origin()}${prefix}/gateway.do`,
  });
  return {
    id: 'alipay',
    title,
    path: prefix,
    router,
    fault: control.name,
    settings: () => ({
      appId: appOf('key').appId,
      privateKey: keys.pem.app.privateKey,
      alipayPublicKey: keys.pem.gateway.publicKey,
      ...urls(),
    }),
    certificateSettings: () => ({
      appId: appOf('certificate').appId,
      privateKey: keys.pem.app.privateKey,
      appCertificate: keys.pem.app.certificate,
      alipayCertificate: keys.pem.gateway.certificate,
      alipayRootCertificate: keys.pem.roots,
      ...urls(),
    }),
  };
};

function appOf(mode: App['mode']): App {
  const app = apps.find((each) => each.mode === mode);
  if (!app) throw new Error(`no app in ${mode} mode`);
  return app;
}

const listing = (accounts: readonly Account[]) =>
  `<h1>${title}</h1><p>What becomes of an account: <code>PUT ${prefix}/_control/people/ID {"status": "B"}</code> (also <code>closed</code>, <code>type</code>, <code>certified</code>).</p>
<table><thead><tr><th>ID</th><th>user_id</th><th>is_certified</th><th>cert_type</th></tr></thead><tbody>${accounts
    .map(({ person, userId, profile }) => {
      const { is_certified: certified, cert_type: kind = '' } = profile(unchanged, true);
      return `<tr><td>${person.id}</td><td>${userId}</td><td>${certified}</td><td>${kind}</td></tr>`;
    })
    .join('')}</tbody></table>`;
