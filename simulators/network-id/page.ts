import type Router from '@koa/router';
import type { Context } from 'koa';
import { escapeHtml, page, readBody, text } from '../lib/http.ts';
import type { Holder } from './holders.ts';
import type { TicketStore } from './tickets.ts';

/** Faults of what the app comes back with; the last two are people who leave something away. */
export const appFaults = [
  'state',
  'app_seq',
  'password_unasked',
  'photo_unasked',
  'data_missing',
  'data_twice',
  'code_bad',
  'app_missing',
  'no_password',
  'no_face',
] as const;
export type AppFault = (typeof appFaults)[number];

interface PageOptions {
  readonly orgCode: string;
  readonly holders: readonly Holder[];
  readonly tickets: TicketStore;
  readonly returnHosts: readonly string[];
  readonly take: () => AppFault | null;
}

const title = '国家网络身份认证（模拟）';

/** Stands for the app on the person's phone: it shows the credential, with password and face where it is asked to. */
export function appRoutes(router: Router, { orgCode, holders, tickets, returnHosts, take }: PageOptions): void {
  const seen = new Set<string>();

  router.get('/app', (ctx) => {
    const wrong = refusalOf(ctx);
    ctx.type = 'html';
    ctx.status = wrong === null ? 200 : 400;
    ctx.body = page(title, wrong === null ? choices(ctx) : `<h1>${title}</h1><p>${escapeHtml(wrong)}</p>`);
  });

  router.post('/app', async (ctx) => {
    const wrong = refusalOf(ctx);
    if (wrong !== null) {
      ctx.status = 400;
      ctx.body = { error: 'invalid_request', message: wrong };
      return;
    }
    const form = new URLSearchParams((await readBody(ctx)) ?? '');
    const back = new URL(text(ctx.query.redirectUrl));
    for (const [name, value] of answerFor(ctx, form)) back.searchParams.append(name, value);
    ctx.status = 303;
    ctx.redirect(back.href);
  });

  function answerFor(ctx: Context, form: URLSearchParams): [string, string][] {
    const fault = take();
    const [state, bizSeq] = [text(ctx.query.state), text(ctx.query.bizSeq)];
    const plain = (resultCode: string): [string, string][] => [
      ['resultCode', resultCode],
      ['state', state],
    ];
    const person = form.get('person') ?? '';
    if (person === '') return plain('C0412001');
    if (fault === 'app_missing') return plain('C0412002');
    const holder = holders.find(({ id }) => id === person);
    if (!holder) return plain('C0412004');
    seen.add(bizSeq);
    const consents = ctx.query.info === '1' && form.get('info') === 'yes';
    const ticket = (kind: 'credential' | 'password' | 'face', right = true) =>
      tickets.give({ person, bizSeq, kind, right, consents });
    const credential: [string, string] = ['idCardAuthData', ticket('credential')];
    const password = (ctx.query.type === '1' && fault !== 'no_password') || fault === 'password_unasked';
    const face = (ctx.query.face === '1' && fault !== 'no_face') || fault === 'photo_unasked';
    return [
      ['resultCode', fault === 'code_bad' ? 'OK' : 'C0000000'],
      ['state', fault === 'state' ? 'ofanotherrequest' : state],
      ['bizSeq', fault === 'app_seq' ? '0123456789abcdef0123456789abcdef' : bizSeq],
      ...(fault === 'data_missing' ? [] : [credential]),
      ...(fault === 'data_twice' ? [credential] : []),
      ...(password ? [['certPwdData', ticket('password', form.get('password') !== 'wrong')] as [string, string]] : []),
      ...(face ? [['photoEncData', ticket('face', form.get('face') !== 'other')] as [string, string]] : []),
    ];
  }

  /** What is wrong with the way here; null: nothing. */
  function refusalOf(ctx: Context): string | null {
    const query = (name: string) => text(ctx.query[name]);
    if (query('orgID') !== orgCode) return 'unknown orgID';
    if (!['0001', '0002', '0003'].includes(query('appID'))) return 'unknown appID';
    const bizSeq = query('bizSeq');
    if (!/^[A-Za-z0-9]{32}$/.test(bizSeq) || seen.has(bizSeq)) return 'bizSeq must be 32 letters and digits, and new';
    if (![query('type'), query('face'), query('info')].every((value) => value === '0' || value === '1'))
      return 'type, face and info must be 0 or 1';
    const back = query('redirectUrl');
    if (!URL.canParse(back) || !returnHosts.includes(new URL(back).hostname)) return 'redirectUrl is not registered';
    return /^[A-Za-z0-9]{1,64}$/.test(query('state')) ? null : 'state must be 1 to 64 letters and digits';
  }

  function choices(ctx: Context): string {
    const choice = (name: string, label: string, options: readonly (readonly [string, string])[]) =>
      `<p><label>${label} <select name="${name}">${options
        .map(([value, text]) => `<option value="${value}">${text}</option>`)
        .join('')}</select></label></p>`;
    const asked = [
      ctx.query.type === '1'
        ? choice('password', '口令 Password', [
            ['right', '正确 right'],
            ['wrong', '错误 wrong'],
          ])
        : '',
      ctx.query.face === '1'
        ? choice('face', '人脸 Face', [
            ['own', '本人 own'],
            ['other', '他人 another’s'],
          ])
        : '',
      ctx.query.info === '1'
        ? '<p><label><input type="checkbox" name="info" value="yes" checked> 同意提供姓名和证件号码 · Tell name and number</label></p>'
        : '',
    ].join('');
    return `<h1>${title}</h1><p>Simulated: who are you?</p><form method="post" action="${escapeHtml(ctx.url)}">${asked}${holders
      .map(
        ({ id, name }) =>
          `<button name="person" value="${escapeHtml(id)}"><strong>${escapeHtml(name)}</strong></button>`,
      )
      .join('')}<button name="person" value="">取消 · Cancel</button></form>`;
  }
}
