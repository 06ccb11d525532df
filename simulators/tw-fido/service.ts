import Router from '@koa/router';
import type { Context } from 'koa';
import { faultControl } from '../lib/fault-control.ts';
import { escapeHtml, fieldsOf, page, readBody, readJson, text } from '../lib/http.ts';
import type { UpstreamFactory } from '../lib/upstream.ts';
import { type Account, accountsOf } from './accounts.ts';
import { openAuthority } from './authority.ts';
import { checksum, fits } from './checksum.ts';
import {
  certificateFaults,
  codeFaultNames,
  codeFaults,
  listFaults,
  resultFaults,
  ticketFaults,
  twFidoFaults,
} from './faults.ts';
import { resultMaker } from './results.ts';
import { newTransaction, spoiltTicket, type Transaction } from './tickets.ts';

const prefix = '/tw-fido';
const title = '行動自然人憑證（模擬） TW FidO';
const serviceId = 'SVC0001';
const aesKey = '11'.repeat(32);
const key = Buffer.from(aesKey, 'hex');
/** ATH-02 is not to be asked faster. */
const pollMs = 4000;
const signDataLimit = 1000;

/** TW FidO as its service providers see it (reference 5.1), and a page that stands for the app on the telephone. */
export const twFidoUpstream: UpstreamFactory = ({ origin, people, returnHosts }) => {
  const router = new Router({ prefix });
  const control = faultControl(twFidoFaults);
  const authority = openAuthority();
  const resultOf = resultMaker(authority, key);
  const accounts = accountsOf(people);
  const disabled = new Set<string>();
  const transactions = new Map<string, Transaction>();
  let slowEnough = pollMs;

  router.get('/_control', (ctx) => {
    ctx.body = { fault: control.name(), faults: twFidoFaults, people: accounts };
  });
  // {"fault", "times"?, "pollMs"?}: tests do not wait four seconds.
  router.put('/_control', async (ctx) => {
    const body = await readJson(ctx);
    const { pollMs: wanted } = fieldsOf(body);
    if (typeof wanted === 'number') slowEnough = wanted;
    ctx.status = control.set(body) ? 200 : 400;
    ctx.body = { fault: control.name() };
  });
  // {"disabled"?, "revoked"?}; an empty object undoes it.
  router.put('/_control/people/:id', async (ctx) => {
    const account = accounts.find(({ id }) => id === ctx.params.id);
    if (!account) {
      ctx.status = 404;
      return;
    }
    const fields = fieldsOf(await readJson(ctx));
    if (fields.disabled === true) disabled.add(account.id);
    else disabled.delete(account.id);
    authority.revoke(account, fields.revoked === true);
    ctx.body = { id: account.id, disabled: disabled.has(account.id), revoked: fields.revoked === true };
  });

  router.use(control.line.middleware((ctx) => !ctx.path.startsWith(`${prefix}/_control`)));

  router.get('/crl', (ctx) => {
    const list = authority.list(control.take(...listFaults));
    ctx.status = list === null ? 404 : 200;
    ctx.type = 'application/pkix-crl';
    ctx.body = list ?? '';
  });

  // ATH-01
  router.post('/moise/sp/getSpTicket', async (ctx) => {
    const fields = fieldsOf(await readJson(ctx));
    const field = (name: string) => text(fields[name]);
    const {
      sign_data: data,
      sign_type: type,
      tbs_encoding: encoding,
      hash_algorithm: hash,
    } = fieldsOf(fields.sign_info);
    const id = field('transaction_id');
    const account = accounts.find(({ number }) => number === field('id_num'));
    const payload =
      id + field('sp_service_id') + field('id_num') + field('op_code') + field('op_mode') + field('hint') + text(data);
    const seconds = Number(fields.time_limit);
    const wrong =
      told('ticket') ??
      first([
        ['SPSVCID_NF', field('sp_service_id') !== serviceId],
        ['INV_SP_CHECKSUM', !fits(key, payload, field('sp_checksum'))],
        ['PM_IDN_FT_ERR', !/^[A-Z][12][0-9]{8}$/.test(field('id_num'))],
        ['TXNLOG_INS_ERR', id === '' || id.length > 100 || transactions.has(id)],
        ['SPTKT_TIME_ORV', !(seconds >= 30 && seconds <= 600)],
        ['SIGNDATA_LEN_LIMIT', text(data).length > signDataLimit],
        ['PM_FT_ERR', field('op_code') !== 'ATH' || !['I-SCAN', 'APP2APP', 'MWEB2APP'].includes(field('op_mode'))],
        ['PM_FT_ERR', type !== 'PKCS#1' || encoding !== 'base64' || hash !== 'SHA256' || text(data) === ''],
        ['IDNUM_USERPROF_NF', account === undefined || disabled.has(account.id)],
      ]);
    if (wrong !== null || account === undefined) return answer(ctx, wrong ?? 'IDNUM_USERPROF_NF', 'ATH-01');
    const transaction = newTransaction({ id, account, hint: field('hint'), signData: text(data), seconds });
    transactions.set(id, transaction);
    const fault = control.take(...ticketFaults);
    const ticket = spoiltTicket(transaction, fault);
    const over = fault === 'ticket_idp_checksum' ? 'another' : (ticket ?? '');
    answer(ctx, '0', 'ATH-01', { sp_ticket: ticket, idp_checksum: checksum(key, over) });
  });

  // ATH-02
  router.post('/moise/sp/getAthOrSignResult', async (ctx) => {
    const fields = fieldsOf(await readJson(ctx));
    const [id, service, ticketId] = ['transaction_id', 'sp_service_id', 'sp_ticket_id'].map((n) => text(fields[n]));
    const found = transactions.get(id ?? '');
    if (service !== serviceId) return answer(ctx, 'SPSVCID_NF', 'ATH-02');
    if (!fits(key, `${id}${service}${ticketId}`, text(fields.sp_checksum)))
      return answer(ctx, 'INV_SP_CHECKSUM', 'ATH-02');
    if (!found || found.ticketId !== ticketId) return answer(ctx, 'SPTKTID_TXNLOG_NF', 'ATH-02');
    const since = Date.now() - found.askedAt;
    found.askedAt = Date.now();
    if (since < slowEnough) {
      ctx.status = 429;
      ctx.body = { error_code: '429', error_message: 'too many requests' };
      return;
    }
    const wrong = told('result');
    if (wrong !== null) return answer(ctx, wrong, 'ATH-02');
    const states = { cancelled: 'APP_USER_CANCEL', redeemed: 'SPTKTID_SPTKT_RDM', open: '20002' };
    if (found.state !== 'approved') {
      const overdue = found.state === 'open' && Date.now() > found.until;
      return answer(ctx, overdue ? 'SPTKT_OVD' : states[found.state], 'ATH-02');
    }
    found.state = 'redeemed';
    const other = accounts.find((each) => each !== found.account) ?? found.account;
    const faults = { certificate: control.take(...certificateFaults), result: control.take(...resultFaults) };
    answer(ctx, '0', 'ATH-02', resultOf(found, other, faults));
  });

  // The app: what the code or the link leads to.
  router.get('/app', (ctx) => {
    const transaction = ticketOf(ctx);
    ctx.type = 'html';
    if (!transaction) return told404(ctx);
    const buttons = accounts.map(
      ({ id, name }) => `<button name="person" value="${escapeHtml(id)}"><strong>${escapeHtml(name)}</strong></button>`,
    );
    ctx.body = page(
      title,
      `<h1>${title}</h1><p>市民 Shimin：<strong>${escapeHtml(transaction.hint)}</strong></p><p>這是您手機上的應用程式。確認後以指紋或臉部解鎖簽章。<br><span lang="en">This stands for the app on your phone. Who are you?</span></p>
<form method="post" action="${escapeHtml(ctx.url)}">${buttons.join('')}<button name="person" value="">拒絕 · Decline</button></form>`,
      'zh-Hant',
    );
  });
  router.post('/app', async (ctx) => {
    const transaction = ticketOf(ctx);
    ctx.type = 'html';
    if (!transaction) return told404(ctx);
    const person = new URLSearchParams((await readBody(ctx)) ?? '').get('person');
    const account = accounts.find(({ id }) => id === person);
    // The app asks only the telephone of the number that the ticket is for.
    if (account !== undefined && !isFor(transaction, account)) {
      ctx.status = 403;
      ctx.body = page(
        title,
        `<h1>${title}</h1><p>這不是給您的要求。<br><span lang="en">This request is not for you.</span></p>`,
        'zh-Hant',
      );
      return;
    }
    transaction.state = account === undefined ? 'cancelled' : 'approved';
    const back = decoded(ctx.query.rtn_url);
    if (URL.canParse(back) && returnHosts.includes(new URL(back).hostname)) {
      ctx.status = 303;
      ctx.redirect(back);
      return;
    }
    ctx.body = page(
      title,
      `<h1>${title}</h1><p>完成。請回到原來的裝置。<br><span lang="en">Done. Go back to the other device.</span></p>`,
      'zh-Hant',
    );
  });

  function ticketOf(ctx: Context): Transaction | undefined {
    const ticket = text(ctx.query.sp_ticket);
    return [...transactions.values()].find(
      (each) => each.ticket === ticket && each.state === 'open' && Date.now() <= each.until,
    );
  }

  const isFor = ({ account }: Transaction, { id }: Account) => account.id === id && !disabled.has(id);

  function told404(ctx: Context): void {
    ctx.status = 404;
    ctx.body = page(
      title,
      `<h1>${title}</h1><p>要求不存在或已逾時。<br><span lang="en">No such request, or too late.</span></p>`,
      'zh-Hant',
    );
  }

  /** What this call is told to answer. */
  function told(call: 'ticket' | 'result'): string | null {
    const fault = control.take(...codeFaultNames.filter((name) => codeFaults[name][0] === call));
    return fault === null ? null : codeFaults[fault][1];
  }

  return {
    id: 'tw-fido',
    title,
    path: prefix,
    router,
    fault: control.name,
    settings: () => ({
      baseUrl: origin() + prefix,
      spServiceId: serviceId,
      aesKey,
      roots: authority.rootPem,
      authorities: authority.authorityPem,
      revocation: 'crl',
      crlUrls: `${origin()}${prefix}/crl`,
      appUrl: `${origin()}${prefix}/app`,
      hint: '登入市民帳號',
      idpChecksum: 'checked',
    }),
  };
};

const first = (checks: readonly (readonly [string, boolean])[]) => checks.find(([, is]) => is)?.[0] ?? null;

/** Errors come with 200 and the interface's name, unless they are the app's or the queue's. */
function answer(ctx: Context, code: string, by: 'ATH-01' | 'ATH-02', result?: object): void {
  const plain = code === '' || /^([0-9]+|APP_.*|SP-API-.*)$/.test(code);
  ctx.status = 200;
  ctx.body = {
    ...(code === '' ? {} : { error_code: plain ? code : `SP-API-${by}-${code}` }),
    error_message: code === '0' ? 'SUCCESS' : code,
    ...(result === undefined ? {} : { result }),
  };
}

const decoded = (value: unknown) => Buffer.from(text(value), 'base64url').toString('utf8');
