import type Router from '@koa/router';
import type { Context } from 'koa';
import { escapeHtml, page, readBody, text } from '../lib/http.ts';
import { apps } from './exchange.ts';
import type { Network } from './subscribers.ts';
import type { TokenStore } from './tokens.ts';

/** Faults of what the page comes back with. */
export const pageFaults = [
  'state',
  'operator',
  'token_missing',
  'token_twice',
  'code_bad',
  'sdk_late',
  'sdk_no_data',
] as const;
export type PageFault = (typeof pageFaults)[number];

interface PageOptions {
  readonly network: Network;
  readonly tokens: TokenStore;
  readonly returnHosts: readonly string[];
  readonly take: () => PageFault | null;
}

const title = '本机号码一键登录（模拟）';

/**
 * Stands for the carriers' SDK: on a real phone the network names the number, here one chooses whose phone it is.
 */
export function pageRoutes(router: Router, { network, tokens, returnHosts, take }: PageOptions): void {
  router.get('/h5', (ctx) => {
    const wrong = refusalOf(ctx);
    ctx.type = 'html';
    ctx.status = wrong === null ? 200 : 400;
    ctx.body = page(title, wrong === null ? choices(ctx) : `<h1>${title}</h1><p>${escapeHtml(wrong)}</p>`);
  });

  router.post('/h5', async (ctx) => {
    const wrong = refusalOf(ctx);
    if (wrong !== null) {
      ctx.status = 400;
      ctx.body = { error: 'invalid_request', message: wrong };
      return;
    }
    const chosen = new URLSearchParams((await readBody(ctx)) ?? '').get('person') ?? '';
    const back = new URL(text(ctx.query.redirectUrl));
    const answer = answerFor(chosen, text(ctx.query.state));
    for (const [name, value] of answer) back.searchParams.append(name, value);
    ctx.status = 303;
    ctx.redirect(back.href);
  });

  function answerFor(chosen: string, state: string): [string, string][] {
    const fault = take();
    const plain = (resultCode: string): [string, string][] => [
      ['resultCode', resultCode],
      ['state', state],
    ];
    if (chosen === '') return plain('200020');
    const line = network.byId(chosen);
    if (fault === 'sdk_late') return plain('102507');
    if (fault === 'sdk_no_data') return plain('200027');
    if (!line) return plain('200010');
    if (line.status !== 0) return plain('105002');
    const token: [string, string] = ['token', tokens.give(line.carrier, line.id)];
    return [
      ['resultCode', fault === 'code_bad' ? 'ok' : '103000'],
      ['state', fault === 'state' ? 'ofanotherrequest' : state],
      ['operator', fault === 'operator' ? 'CBN' : line.carrier],
      ...(fault === 'token_missing' ? [] : [token]),
      ...(fault === 'token_twice' ? [token] : []),
    ];
  }

  /** What is wrong with the way here; null: nothing. */
  function refusalOf(ctx: Context): string | null {
    if (ctx.query.appId !== apps.page.id) return 'unknown appId';
    const back = text(ctx.query.redirectUrl);
    if (!URL.canParse(back) || !returnHosts.includes(new URL(back).hostname)) return 'redirectUrl is not registered';
    if (!/^[A-Za-z0-9]{1,64}$/.test(text(ctx.query.state))) return 'state must be 1 to 64 letters and digits';
    return null;
  }

  const choices = (ctx: Context) =>
    `<h1>${title}</h1><p>Simulated: whose phone is this?</p><form method="post" action="${escapeHtml(ctx.url)}">${network
      .lines()
      .map(
        ({ id, phone, carrier, name }) =>
          `<button name="person" value="${escapeHtml(id)}"><strong>${escapeHtml(name)}</strong> ${phone.replace(/^(\d{3})\d{4}/, '$1****')} ${carrier}</button>`,
      )
      .join('')}<button name="person" value="">其他方式登录 · Cancel</button></form>`;
}
