import { readFileSync } from 'node:fs';
import Router from '@koa/router';
import type { Context } from 'koa';
import { faultControl } from '../lib/fault-control.ts';
import { escapeHtml, fieldsOf, page, readBody, readJson } from '../lib/http.ts';
import type { UpstreamFactory } from '../lib/upstream.ts';
import { unionPayFaults, wireFaults } from './answers.ts';
import { type Card, cardsOf, type Standing, standings } from './cards.ts';
import { decrypted, type Fields, holderOf, isSignedBy, type KeyPair, signatureOf } from './wire.ts';

const keys: Readonly<Record<'merchant' | 'gateway' | 'gatewayNext' | 'encryption' | 'stranger', KeyPair>> = JSON.parse(
  readFileSync(new URL('./demo-keys.json', import.meta.url), 'utf8'),
);

const prefix = '/unionpay';
const title = '银联银行卡四要素验证（模拟）';
const merchant = { id: '777290058110048', certId: '69026276696' } as const;
const encryptCertId = '68759622183';
/** The gateway's signing keys by certificate number: the one in use, and the one after it. */
const certIds = ['68759585097', '68759663125'] as const;

/** What a real-name check must say of itself; anything else is another service of theirs. */
const transaction: Fields = {
  version: '5.1.0',
  encoding: 'UTF-8',
  signMethod: '01',
  txnType: '72',
  txnSubType: '12',
  bizType: '000803',
  productId: 'B156',
  accessType: '0',
  encryptCertId,
  certId: merchant.certId,
};
const alsoRequired = ['merId', 'orderId', 'txnTime', 'accNo', 'customerInfo', 'signature'];

/** Their words for their codes. */
const messages: Readonly<Record<string, string>> = {
  '00': '成功[0000000]',
  '10': '报文格式错误',
  '11': '验证签名失败',
  '12': '重复交易',
  '13': '报文交易要素缺失',
  '31': '商户状态不正确',
  '61': '输入的卡号无效，请确认后输入',
  '63': '卡状态不正确',
  '66': '持卡人身份信息或手机号输入不正确，验证失败',
  '68': '您的银行卡暂不支持该业务，请向您的银行或95516咨询',
  '77': '银行卡未开通认证支付',
};

/** UnionPay's gateway, as far as its four-element check goes; docs/bridges/unionpay.md. */
export const unionpayUpstream: UpstreamFactory = ({ origin, people }) => {
  const cards = new Map(cardsOf(people).map((card) => [card.number, card]));
  const router = new Router({ prefix });
  const control = faultControl(unionPayFaults);
  const orders = new Set<string>();
  let signing = 0;
  let last: string | null = null;
  let count = 0;

  router.get('/', (ctx) => {
    ctx.type = 'html';
    ctx.body = page(title, listing([...cards.values()]));
  });
  router.get('/_control', (ctx) => {
    ctx.body = { ...control.line.state, fault: control.name(), cards: [...cards.values()] };
  });
  router.put('/_control', async (ctx) => {
    const good = control.set(await readJson(ctx));
    answer(ctx, good ? 200 : 400, good ? { fault: control.name() } : { error: 'invalid' });
  });
  // The next certificate signs from now on.
  router.post('/_control/rotate', (ctx) => {
    signing = 1 - signing;
    answer(ctx, 200, { certId: certIds[signing] });
  });
  // {"standing": "lost"}; an empty object undoes it.
  router.put('/_control/people/:id', async (ctx) => {
    const { standing: wanted } = fieldsOf(await readJson(ctx));
    const original = cardsOf(people).find(({ person }) => person === ctx.params.id);
    const standing = wanted === undefined ? original?.standing : standingOf(wanted);
    if (original === undefined || standing === undefined) return answer(ctx, 404, { error: 'not_found' });
    cards.set(original.number, { ...original, standing });
    answer(ctx, 200, { person: original.person, standing });
  });

  router.use(control.line.middleware((ctx) => ctx.path === `${prefix}/gateway/api/backTransReq.do`));

  // Errors are answers, too: HTTP 200 and signed.
  router.post('/gateway/api/backTransReq.do', async (ctx) => {
    const body = await readBody(ctx);
    if (body === null || !ctx.is('application/x-www-form-urlencoded'))
      return answer(ctx, 400, { error: 'bad request' });
    const form = new URLSearchParams(body);
    const request: Fields = Object.fromEntries(form);
    const respCode = form.size === Object.keys(request).length ? codeFor(request) : '10';
    count += 1;
    const reply: Fields = {
      ...Object.fromEntries(replied.flatMap((name) => (request[name] === undefined ? [] : [[name, request[name]]]))),
      version: transaction.version ?? '',
      encoding: 'UTF-8',
      signMethod: '01',
      respCode,
      respMsg: messages[respCode] ?? '交易失败',
      ...(respCode === '00' ? { queryId: `8220${String(Date.now())}${String(count % 10_000).padStart(4, '0')}` } : {}),
    };
    const fault = control.take(...unionPayFaults);
    const key = signing === 0 ? keys.gateway : keys.gatewayNext;
    const certId = certIds[signing] ?? '';
    const honest = sealed({ ...reply, certId }, key.private);
    ctx.type = 'text/html; charset=utf-8';
    ctx.body =
      fault === null
        ? honest
        : wireFaults[fault]({ reply: { ...reply, certId }, key: key.private, stranger: keys.stranger, last, sealed });
    last = honest;
  });

  function codeFor(request: Fields): string {
    if ([...Object.keys(transaction), ...alsoRequired].some((name) => (request[name] ?? '') === '')) return '13';
    if (request.merId !== merchant.id) return '31';
    if (request.certId !== merchant.certId || !isSignedBy(request, keys.merchant.public)) return '11';
    const known = [...Object.keys(transaction), ...alsoRequired];
    const formed =
      Object.keys(request).every((name) => known.includes(name)) &&
      Object.entries(transaction).every(([name, value]) => request[name] === value) &&
      /^[0-9A-Za-z]{8,40}$/.test(request.orderId ?? '') &&
      isNow(request.txnTime ?? '');
    const number = decrypted(request.accNo ?? '', keys.encryption.private);
    const holder = holderOf(request.customerInfo ?? '', keys.encryption.private);
    if (!formed || number === null || holder === null) return '10';
    if (orders.has(request.orderId ?? '')) return '12';
    orders.add(request.orderId ?? '');
    const { certifTp, certifId, customerNm, phoneNo } = holder;
    if ([certifTp, certifId, customerNm, phoneNo].some((value) => (value ?? '') === '')) return '13';
    const card = cards.get(number);
    if (card === undefined) return '61';
    const agrees =
      card.certificateType === certifTp &&
      card.certificate === certifId &&
      card.holder === customerNm &&
      card.phone === phoneNo;
    // What became of a card is only said to who knows whose it is.
    return agrees ? standings[card.standing] : '66';
  }

  const settings = () => ({
    gatewayUrl: `${origin()}${prefix}/gateway/api/backTransReq.do`,
    merchantId: merchant.id,
    certId: merchant.certId,
    signKey: keys.merchant.private,
    encryptCertId,
    encryptKey: keys.encryption.public,
    verifyKeys: JSON.stringify({ [certIds[0]]: keys.gateway.public, [certIds[1]]: keys.gatewayNext.public }),
  });
  return { id: 'unionpay', title, path: prefix, router, fault: control.name, settings };
};

/** What a request says and its answer says again. */
const replied = ['txnType', 'txnSubType', 'bizType', 'accessType', 'merId', 'orderId', 'txnTime'];

const standingOf = (wanted: unknown): Standing | undefined =>
  wanted === 'good' || wanted === 'lost' || wanted === 'no_service' || wanted === 'not_enabled' ? wanted : undefined;

const sealed = (reply: Fields, key: string): string =>
  new URLSearchParams({ ...reply, signature: signatureOf(reply, key) }).toString();

/** YYYYMMDDhhmmss in Beijing, within an hour. */
function isNow(time: string): boolean {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(time) ?? [];
  const at = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}+08:00`);
  return Math.abs(at - Date.now()) < 3_600_000;
}

const listing = (cards: readonly Card[]) =>
  `<h1>${title}</h1><p>What becomes of a card: <code>PUT ${prefix}/_control/people/ID {"standing": "lost"}</code></p>
<table><thead><tr><th>Card</th><th>Holder</th><th>Document</th><th>Phone</th><th>Standing</th></tr></thead><tbody>${cards
    .map(
      (card) =>
        `<tr>${[card.number, card.holder, `${card.certificateType} ${card.certificate}`, card.phone, card.standing]
          .map((cell) => `<td>${escapeHtml(cell)}</td>`)
          .join('')}</tr>`,
    )
    .join('')}</tbody></table>`;

function answer(ctx: Context, status: number, body: object): void {
  ctx.status = status;
  ctx.body = body;
}
