import Router from '@koa/router';
import type { Context } from 'koa';
import { faultControl } from '../lib/fault-control.ts';
import { escapeHtml, fieldsOf, page, readBody, readJson } from '../lib/http.ts';
import type { UpstreamFactory } from '../lib/upstream.ts';
import { checkAnswer, checkCredentials, checkFaults } from './checks.ts';
import { type Carrier, carriers, type Line, openNetwork } from './subscribers.ts';

const prefix = '/carrier';
const title = '三家运营商（模拟）';

/** China Mobile, China Telecom and China Unicom; docs/bridges/carrier.md has their protocols. */
export const carrierUpstream: UpstreamFactory = ({ origin, people }) => {
  const network = openNetwork(people);
  const router = new Router({ prefix });
  const control = faultControl(checkFaults);

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

  router.use(control.line.middleware((ctx) => ctx.method === 'POST'));

  router.post('/faceid', async (ctx) => {
    const body = (await readBody(ctx)) ?? '';
    const call = { path: ctx.path, host: ctx.host, body, header: (name: string) => ctx.get(name) };
    answer(ctx, 200, checkAnswer(call, network, control.take(...checkFaults)));
  });

  const settings = () => ({
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
