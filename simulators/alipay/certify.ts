import { randomBytes } from 'node:crypto';
import type Router from '@koa/router';
import { escapeHtml, fieldsOf, page, readBody, text } from '../lib/http.ts';
import type { TestPerson } from '../people.ts';
import type { Inner, Method } from './gateway.ts';

/** Alipay's kinds of document, and which of a person's it is. All but the first work only inside the Alipay app. */
const kinds: Readonly<Record<string, string>> = {
  IDENTITY_CARD: 'cn_resident_id',
  HOME_VISIT_PERMIT_HK_MC: 'cn_hm_travel_permit',
  HOME_VISIT_PERMIT_TAIWAN: 'cn_tw_travel_permit',
  RESIDENCE_PERMIT_HK_MC: 'cn_hmt_residence_permit',
  RESIDENCE_PERMIT_TAIWAN: 'cn_hmt_residence_permit',
  PERMANENT_RESIDENCE_FOREIGNER: 'cn_foreign_pr_18',
};
const ways = ['FACE', 'CERT_PHOTO', 'CERT_PHOTO_FACE', 'SMART_FACE'];

/** How long a check can be begun, and its result be asked for. */
const startMs = 23 * 3_600_000;
const resultMs = 90 * 86_400_000;

interface Bill {
  readonly appId: string;
  readonly kind: string;
  readonly name: string;
  readonly number: string;
  readonly returnUrl: string;
  readonly at: number;
  /** Null until the person has been there; the return to the app says nothing of it. */
  passed: boolean | null;
}

/** `alipay.user.certify.open.*`: whether the face in front of the telephone belongs to a name and number that the app gives. */
export function certifyMethods(parts: {
  readonly router: Router;
  readonly people: readonly TestPerson[];
  readonly returnHosts: readonly string[];
  readonly path: string;
  readonly title: string;
}): Readonly<Record<string, Method>> {
  const { router, people, returnHosts, path, title } = parts;
  const bills = new Map<string, Bill>();
  const orders = new Set<string>();

  const billOf = (appId: string, content: string | undefined, lifeMs: number): Bill | null => {
    const bill = bills.get(text(parsed(content).certify_id));
    return bill && bill.appId === appId && Date.now() - bill.at <= lifeMs ? bill : null;
  };

  const initialize: Method = ({ appId }, parameters) => {
    const {
      outer_order_no: order,
      biz_code: way,
      identity_param: identity,
      merchant_config: config,
    } = parsed(parameters.biz_content);
    const { identity_type: type, cert_type: kind, cert_name: name, cert_no: number } = fieldsOf(identity);
    const returnUrl = text(fieldsOf(config).return_url);
    const whole =
      /^[\w-]{1,32}$/.test(text(order)) &&
      ways.includes(text(way)) &&
      ['CERT_INFO', 'AGENT_CERT_INFO'].includes(text(type)) &&
      Object.hasOwn(kinds, text(kind)) &&
      text(name) !== '' &&
      text(number) !== '' &&
      URL.canParse(returnUrl) &&
      returnHosts.includes(new URL(returnUrl).hostname);
    if (!whole) return 'parameter';
    if (orders.has(`${appId} ${order}`)) return 'certify_repeated';
    orders.add(`${appId} ${order}`);
    const id = randomBytes(16).toString('hex');
    const [at, passed] = [Date.now(), null];
    bills.set(id, { appId, kind: text(kind), name: text(name), number: text(number), returnUrl, at, passed });
    return { code: '10000', msg: 'Success', certify_id: id };
  };

  const query: Method = ({ appId }, parameters) => {
    const bill = billOf(appId, parameters.biz_content, resultMs);
    if (!bill) return 'certify_unknown';
    const failed = bill.passed === null ? '认证未完成' : '人脸比对不一致';
    const verdict: Inner = bill.passed === true ? { passed: 'T' } : { passed: 'F', fail_reason: failed };
    return { code: '10000', msg: 'Success', ...verdict, identity_info: '', material_info: '' };
  };

  /** The page that the person is sent to, by a signed address. */
  const certify: Method = ({ appId }, parameters, _, userAgent) => {
    const bill = billOf(appId, parameters.biz_content, startMs);
    if (!bill) return 'certify_unknown';
    if (bill.kind !== 'IDENTITY_CARD' && !/AlipayClient\//.test(userAgent))
      return { page: page(title, '<p>请在支付宝客户端内打开</p>') };
    const id = text(parsed(parameters.biz_content).certify_id);
    const buttons = people
      .map(
        ({ id: person, names }) =>
          `<button name="person" value="${person}">${escapeHtml(Object.values(names).join(' · '))}</button>`,
      )
      .join('');
    return {
      page: page(
        title,
        `<h1>${title}</h1><p>人脸核身 · Simulated: whose face does the camera see?</p>
<form method="post" action="${path}/certify/${id}">${buttons}<button name="person" value="">取消 · Cancel</button></form>`,
      ),
    };
  };

  router.post('/certify/:id', async (ctx) => {
    const bill = bills.get(String(ctx.params.id));
    if (!bill || bill.passed !== null) {
      ctx.status = 404;
      ctx.body = { error: 'not_found' };
      return;
    }
    const seen = new URLSearchParams((await readBody(ctx)) ?? '').get('person');
    const person = people.find(({ id }) => id === seen);
    if (person) bill.passed = isOf(person, bill);
    // Back in every case, and with nothing that says how it went.
    ctx.status = 303;
    ctx.redirect(bill.returnUrl);
  });

  return {
    'alipay.user.certify.open.initialize': initialize,
    'alipay.user.certify.open.certify': certify,
    'alipay.user.certify.open.query': query,
  };
}

const isOf = ({ names, documents }: TestPerson, { kind, name, number }: Bill) =>
  Object.values(names).includes(name) &&
  documents.some((document) => document.type === kinds[kind] && document.number === number);

function parsed(content: string | undefined): Readonly<Record<string, unknown>> {
  try {
    return fieldsOf(JSON.parse(content ?? ''));
  } catch {
    return {};
  }
}
