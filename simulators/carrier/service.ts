import Router from '@koa/router';
import type { Context } from 'koa';
import { faultControl } from '../lib/fault-control.ts';
import { escapeHtml, fieldsOf, page, readBody, readJson } from '../lib/http.ts';
import type { UpstreamFactory } from '../lib/upstream.ts';
import { checkAnswer, checkCredentials, checkFaults } from './checks.ts';
import { apps, exchangeFaults, keys } from './exchange.ts';
import { pageFaults, pageRoutes } from './page.ts';
import { mobileServer, telecomServer, unicomServer } from './servers.ts';
import { type Carrier, carriers, type Line, openNetwork } from './subscribers.ts';
import { tokenStore } from './tokens.ts';

const prefix = '/carrier';
const title = '三家运营商（模拟）';

/** The carriers' servers by path. */
const servers = new Map([
  [`${prefix}/unisdk/rsapi/loginTokenValidate`, mobileServer],
  [`${prefix}/openapi/networkauth/getMobile.do`, telecomServer],
  [`${prefix}/openapi/netauth/getmobile`, unicomServer],
]);

/** China Mobile, China Telecom and China Unicom; docs/bridges/carrier.md has their protocols. */
export const carrierUpstream: UpstreamFactory = ({ origin, people, returnHosts }) => {
  const network = openNetwork(people);
  const desk = { network, tokens: tokenStore(), requests: new Set<string>() };
  const router = new Router({ prefix });
  const control = faultControl([...checkFaults, ...exchangeFaults, ...pageFaults]);

  router.get('/', (ctx) => {
    ctx.type = 'html';
    ctx.body = page(title, listing(network.lines()));
  });
  router.get('/_control', (ctx) => {
    ctx.body = { ...control.line.state, fault: control.name(), lines: network.lines() };
  });
  router.put('/_control', async (ctx) => {
    const good = control.set(await readJson(ctx));
    answer(ctx, good ? 200 : 400, good ? { fault: control.name() } : { error: 'invalid' });
  });
  // {"status"?: 1, "months"?: 2, "carrier"?: "CUCC", "recycledTo"?: "chen-jiayi"}; an empty object undoes it.
  router.put('/_control/people/:id', async (ctx) => {
    const { status, months, carrier: wanted, recycledTo } = fieldsOf(await readJson(ctx));
    const carrier: Carrier | undefined = carriers.find((known) => known === wanted);
    const changed = network.change(String(ctx.params.id), {
      ...(typeof status === 'number' ? { status } : {}),
      ...(typeof months === 'number' ? { months } : {}),
      ...(carrier === undefined ? {} : { carrier }),
      ...(typeof recycledTo === 'string' ? { recycledTo } : {}),
    });
    answer(ctx, changed ? 200 : 404, network.byId(String(ctx.params.id)) ?? { error: 'not_found' });
  });

  pageRoutes(router, { ...desk, returnHosts, take: () => control.take(...pageFaults) });
  router.use(control.line.middleware((ctx) => servers.has(ctx.path)));
  for (const [path, server] of servers)
    router.post(path.slice(prefix.length), async (ctx) => {
      const body = (await readBody(ctx)) ?? '';
      ctx.type = 'json';
      ctx.body = server(desk, body, control.take(...exchangeFaults));
    });

  router.use(control.line.middleware((ctx) => ctx.path === `${prefix}/faceid`));
  router.post('/faceid', async (ctx) => {
    const body = (await readBody(ctx)) ?? '';
    const call = { path: ctx.path, host: ctx.host, body, header: (name: string) => ctx.get(name) };
    answer(ctx, 200, checkAnswer(call, network, control.take(...checkFaults)));
  });

  const settings = () => ({
    pageUrl: `${origin()}${prefix}/h5`,
    pageAppId: apps.page.id,
    cmccUrl: `${origin()}${prefix}/unisdk/rsapi/loginTokenValidate`,
    cmccAppId: apps.CMCC.id,
    cmccAppKey: apps.CMCC.key,
    ctccUrl: `${origin()}${prefix}/openapi/networkauth/getMobile.do`,
    ctccAppId: apps.CTCC.id,
    ctccAppSecret: apps.CTCC.secret,
    ctccKey: keys.telecom.public,
    cuccUrl: `${origin()}${prefix}/openapi/netauth/getmobile`,
    cuccAppId: apps.CUCC.id,
    cuccPrivateKey: keys.app.private,
    cuccKey: keys.unicom.public,
    checkUrl: `${origin()}${prefix}/faceid`,
    checkSecretId: checkCredentials.secretId,
    checkSecretKey: checkCredentials.secretKey,
  });
  return { id: 'carrier', title, path: prefix, router, fault: control.name, settings };
};

const listing = (lines: readonly Line[]) =>
  `<h1>${title}</h1><p>What becomes of a number: <code>PUT ${prefix}/_control/people/ID {"status": 1}</code>, <code>{"recycledTo": "chen-jiayi"}</code></p>
<table><thead><tr><th>Number</th><th>Carrier</th><th>Holder</th><th>Document</th><th>Months</th><th>Status</th></tr></thead><tbody>${lines
    .map(({ phone, carrier, name, document, months, status }) => [phone, carrier, name, document, months, status])
    .map((cells) => `<tr>${cells.map((cell) => `<td>${escapeHtml(String(cell))}</td>`).join('')}</tr>`)
    .join('')}</tbody></table>`;

function answer(ctx: Context, status: number, body: object): void {
  ctx.status = status;
  ctx.body = body;
}
