import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadPeople } from '../../simulators/people.ts';
import { unionPayFaults } from '../../simulators/unionpay/answers.ts';
import { type Card, cardsOf } from '../../simulators/unionpay/cards.ts';
import { unionpayUpstream } from '../../simulators/unionpay/service.ts';
import { signatureOf } from '../../simulators/unionpay/wire.ts';
import { checkDocument } from '../../src/identity/documents.ts';
import { createUpstream } from '../../src/lib/upstream.ts';
import type { Applicant } from '../../src/proofing/method.ts';
import { unionPayCheck, unionPaySecrets, unionPaySettings } from '../../src/proofing/unionpay.ts';
import { digestToSign, openedAnswer, textToSign } from '../../src/proofing/unionpay-wire.ts';
import { type ServedUpstream, serveUpstream } from '../support/upstream.ts';

let gateway: ServedUpstream;
beforeAll(async () => {
  gateway = await serveUpstream(unionpayUpstream);
});
afterAll(() => gateway.close());
afterEach(async () => {
  await gateway.control({ fault: 'none' });
  for (const id of ['li-xiaoming', 'wang-jianguo']) await gateway.person(id, {});
});

const cards = cardsOf(loadPeople());
function cardOf(person: string): Card {
  const card = cards.find((each) => each.person === person);
  if (!card) throw new Error(person);
  return card;
}
const documentTypes: Readonly<Record<string, string>> = {
  '01': 'cn_resident_id',
  '04': 'cn_hm_travel_permit',
  '05': 'cn_tw_travel_permit',
};
function applicant(person = 'li-xiaoming', changes: Partial<Applicant> = {}): Applicant {
  const { holder, certificate, certificateType, phone, number } = cardOf(person);
  return {
    name: holder,
    number: certificate,
    documentType: documentTypes[certificateType] ?? '',
    phone: `+86${phone}`,
    bankCard: number,
    purpose: 'housing',
    ...changes,
  };
}
const check = (settings: object = {}, upstream = createUpstream('unionpay', { breakAfter: 1_000 })) =>
  unionPayCheck(
    { ...gateway.settings(), ...settings },
    { upstream, allowLoopback: true, timeoutMs: 500, clock: () => new Date() },
  );
const ask = (who: Applicant = applicant(), settings: object = {}) => check(settings).verify(who);

describe('four elements that belong together', () => {
  it('are confirmed, with UnionPay’s own number of the answer and never the card', async () => {
    const result = await ask();
    expect(result).toEqual({
      outcome: 'verified',
      facts: {
        recordRef: expect.stringMatching(/^8220[0-9]{17}$/),
        name: '李晓明',
        category: 'mainland',
        documentType: 'cn_resident_id',
        documentNumber: '440305198806151219',
        birthDate: null,
        validUntil: null,
        reference: expect.stringMatching(/^[0-9a-f]{32}$/),
      },
    });
    expect(JSON.stringify(result)).not.toContain(cardOf('li-xiaoming').number);
  });

  it.each([
    ['chan-tai-man', 'hong_kong'],
    ['ho-ka-i', 'macao'],
    ['lin-yi-chun', 'taiwan'],
    ['rare-character', 'mainland'],
    ['middle-dot', 'mainland'],
  ])('also of %s', async (person, category) => {
    expect(await ask(applicant(person))).toMatchObject({ outcome: 'verified', facts: { category } });
  });

  it('whatever width, spaces and dots they are typed in', async () => {
    const { number } = cardOf('middle-dot');
    const typed = applicant('middle-dot', {
      name: '阿卜杜拉•买买提',
      bankCard: number.replaceAll(/(.{4})/g, '$1 '),
      number: '４４０３０５１９８６０９２０１９１８',
    });
    expect((await ask(typed)).outcome).toBe('verified');
  });

  it('every simulated card passes Luhn and lies in a range that no bank has', () => {
    for (const { number } of cards) expect(checkDocument('bank_card', number)).toMatchObject({ valid: true });
    expect(new Set(cards.map(({ number }) => number.slice(0, 6)))).toEqual(new Set(['620000']));
    expect(new Set(cards.map(({ number }) => number)).size).toBe(cards.length);
  });
});

describe('elements that do not', () => {
  const others: [string, Partial<Applicant>][] = [
    ['another name', { name: '李小明' }],
    ['another document', { number: '440305199502282425' }],
    ['another phone', { phone: '+8613800138002' }],
    ['somebody else’s card', { bankCard: cardOf('chen-jiayi').number }],
    ['a card that no bank has', { bankCard: '6200000000000005' }],
    ['a card whose digits fail Luhn: for the bank to say', { bankCard: '6200000000000006' }],
    ['another kind of document', { documentType: 'cn_hm_travel_permit' }],
  ];
  it.each(others)('%s: one answer for all', async (_name, changes) => {
    expect(await ask(applicant('li-xiaoming', changes))).toEqual({ outcome: 'mismatch' });
  });

  it('a lost card is no proof, and that it was lost is only said to who knows whose it is', async () => {
    expect(await ask(applicant('wang-jianguo'))).toEqual({ outcome: 'mismatch' });
    await gateway.person('li-xiaoming', { standing: 'lost' });
    expect(await ask()).toEqual({ outcome: 'mismatch' });
  });

  it.each(['zhang-wei-1', 'zhang-wei-2'])('a bank that does not take part: %s', async (person) => {
    expect(await ask(applicant(person))).toEqual({ outcome: 'refused' });
  });

  const notAsked: [string, Partial<Applicant>][] = [
    ['no card', { bankCard: '' }],
    ['a card of twelve digits', { bankCard: '620000000000' }],
    ['a card with letters', { bankCard: '62000000000000000x' }],
    ['a phone from elsewhere', { phone: '+85291234567' }],
    ['a document that banks here do not know', { documentType: 'sg_nric', number: 'S1234567D' }],
    ['a name that would add a field', { name: '李晓明&phoneNo=1' }],
    ['a number that would close the braces', { number: '4403}' }],
    ['no name', { name: ' ' }],
    ['a type out of the prototype', { documentType: 'constructor' }],
  ];
  it.each(notAsked)('%s is not even asked', async (_name, changes) => {
    await gateway.control({ fault: 'http500' });
    expect(await ask(applicant('li-xiaoming', changes))).toEqual({ outcome: 'refused' });
  });
  it('nor who leaves phone or card away', async () => {
    expect(await ask({ name: '李晓明', number: '440305198806151219', purpose: 'x' })).toEqual({ outcome: 'refused' });
  });
});

/** Each fault, asked by somebody whom an honest answer refuses, and why it is not believed. */
const reasons: Readonly<Record<(typeof unionPayFaults)[number], RegExp>> = {
  unsigned: /not signed by UnionPay/,
  signature: /not signed by UnionPay/,
  altered: /not signed by UnionPay/,
  cert_unknown: /unknown certId/,
  cert_from_answer: /unknown certId/,
  single_hash: /not signed by UnionPay/,
  code_twice: /each once/,
  replay: /another question: orderId/,
  other_order: /another question: orderId/,
  other_merchant: /another question: merId/,
  other_time: /another question: txnTime/,
  other_transaction: /another question: txnType/,
  older_version: /another question: version/,
  no_code: /no usable code/,
  code_unknown: /no usable code/,
  failed: /failed with 01/,
  busy: /failed with 06/,
  escaped_badly: /escaped badly/,
};

/** An upstream that tells why it failed. */
function listening() {
  const heard: unknown[] = [];
  const upstream = createUpstream('unionpay', { breakAfter: 1_000 });
  return {
    heard,
    upstream: {
      ...upstream,
      run: <T>(work: () => Promise<T>) =>
        upstream.run(work).catch((error: unknown) => {
          heard.push(error);
          throw error;
        }),
    },
  };
}

describe('F-36: nothing but a signed answer to this very question is a match', () => {
  it('all that the simulator can play are in the table', () => {
    expect(Object.keys(reasons).toSorted()).toEqual([...unionPayFaults].toSorted());
  });
  it.each(Object.entries(reasons))('%s', async (fault, reason) => {
    expect((await ask()).outcome).toBe('verified');
    await gateway.control({ fault });
    for (const who of [applicant(), applicant('li-xiaoming', { name: '李小明' })]) {
      const { heard, upstream } = listening();
      expect(await check({}, upstream).verify(who)).toMatchObject({ outcome: 'unavailable' });
      expect(String(heard[0])).toMatch(reason);
      expect(JSON.stringify(heard[0]) + String(heard[0])).not.toContain(cardOf('li-xiaoming').number);
    }
  });
  it.each(['down', 'hang', 'http500', 'garbage', 'empty'])('the line: %s', async (fault) => {
    await gateway.control({ fault });
    expect(await ask()).toMatchObject({ outcome: 'unavailable', retryAfter: expect.any(Number) });
    await gateway.control({ fault: 'none' });
    expect((await ask()).outcome).toBe('verified');
  });
  it('slow but in time is fine', async () => {
    await gateway.control({ fault: 'slow', delayMs: 50 });
    expect((await ask()).outcome).toBe('verified');
  });
  it('forgeries open the circuit as silence does', async () => {
    const upstream = createUpstream('unionpay', { breakAfter: 2 });
    await gateway.control({ fault: 'signature' });
    for (let i = 0; i < 2; i += 1) await check({}, upstream).verify(applicant());
    expect(upstream.healthy()).toBe(false);
  });
});

describe('keys and settings', () => {
  it('UnionPay changes its certificate, and the next one is known', async () => {
    await fetch(`${gateway.origin}/unionpay/_control/rotate`, { method: 'POST' });
    expect((await ask()).outcome).toBe('verified');
    const [first] = Object.entries(JSON.parse(gateway.settings().verifyKeys ?? ''));
    expect(await ask(applicant(), { verifyKeys: JSON.stringify(Object.fromEntries([first ?? []])) })).toMatchObject({
      outcome: 'unavailable',
    });
    await fetch(`${gateway.origin}/unionpay/_control/rotate`, { method: 'POST' });
  });
  it('our own signature, merchant or encryption is not taken: unavailable, and not the person’s fault', async () => {
    const { default: keys } = await import('../../simulators/unionpay/demo-keys.json', { with: { type: 'json' } });
    for (const wrong of [
      { signKey: keys.stranger.private },
      { certId: '1' },
      { merchantId: '777290058110097' },
      { encryptKey: keys.stranger.public },
      { encryptCertId: '1' },
    ])
      expect(await ask(applicant(), wrong)).toMatchObject({ outcome: 'unavailable' });
  });
  it('settings that are not whole are refused, and say nothing of keys', () => {
    for (const verifyKeys of ['', '{}', 'pem', '{"1": "no key"}', '{"1": 2}'])
      expect(unionPaySettings.safeParse({ ...gateway.settings(), verifyKeys }).success).toBe(false);
    expect(unionPaySettings.safeParse(gateway.settings()).success).toBe(true);
    expect(unionPaySecrets).toEqual(['signKey']);
  });
});

describe('the wire', () => {
  it('signs what the reference computed', () => {
    const fields = {
      version: '5.1.0',
      encoding: 'UTF-8',
      signMethod: '01',
      txnType: '72',
      txnSubType: '12',
      bizType: '000803',
      merId: '777290058110048',
      accessType: '0',
      orderId: '20260801000001',
      txnTime: '20260801120000',
      certId: '1',
    };
    expect(textToSign({ ...fields, signature: 'x' })).toMatch(/^accessType=0&bizType=000803&certId=1&encoding=UTF-8&/);
    expect(digestToSign(fields)).toBe('93f80448118cb0e475c7c4226e8af5a56c271c332411c765ec8e784da3fcca08');
  });
  it('reads answers that are escaped and answers that are not', async () => {
    const { default: keys } = await import('../../simulators/unionpay/demo-keys.json', { with: { type: 'json' } });
    const fields = { respCode: '00', certId: '1', respMsg: 'a b' };
    const signature = signatureOf(fields, keys.gateway.private);
    const known = { '1': keys.gateway.public };
    const plain = `respCode=00&certId=1&respMsg=a b&signature=${signature}`;
    for (const body of [plain, new URLSearchParams({ ...fields, signature }).toString(), `${plain}\n`])
      expect(openedAnswer(Buffer.from(body), known)).toEqual({ ...fields, signature });
    for (const body of ['', 'respCode', '=1', plain.replace('a b', 'a'), `${plain}&respCode=00`, 'certId=toString'])
      expect(() => openedAnswer(Buffer.from(body), known)).toThrow(/upstream answer/);
    expect(() => openedAnswer(Buffer.from([0xff, 0xfe]), known)).toThrow(/UTF-8/);
  });
  it('sends card and phone only encrypted, in an order of its own each time', async () => {
    const seen: URLSearchParams[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        seen.push(new URLSearchParams(Buffer.concat(chunks).toString()));
        response.end('respCode=00');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    const gatewayUrl = `http://localhost:${(server.address() as AddressInfo).port}/`;
    for (let i = 0; i < 2; i += 1) await ask(applicant(), { gatewayUrl });
    server.close();
    const [first, second] = seen;
    expect(first?.get('productId')).toBe('B156');
    expect(first?.get('orderId')).not.toBe(second?.get('orderId'));
    const holder = Buffer.from(first?.get('customerInfo') ?? '', 'base64').toString();
    expect(holder).toMatch(/^\{certifTp=01&certifId=440305198806151219&customerNm=李晓明&encryptedInfo=[^&]+\}$/);
    expect(`${first} ${holder}`).not.toMatch(/13800138001|620000\d{13}/);
  });
  it('one order is one question at the gateway', async () => {
    let body = '';
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        body = Buffer.concat(chunks).toString();
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    await ask(applicant(), { gatewayUrl: `http://localhost:${(server.address() as AddressInfo).port}/` });
    server.close();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const again = async (changed = body) => {
      const url = gateway.settings().gatewayUrl ?? '';
      return new URLSearchParams(await (await fetch(url, { method: 'POST', headers, body: changed })).text());
    };
    expect((await again()).get('respCode')).toBe('00');
    expect((await again()).get('respCode')).toBe('12');
    expect((await again(body.replace('txnType=72', 'txnType=73'))).get('respCode')).toBe('11');
    expect((await again('txnType=72')).get('respCode')).toBe('13');
  });
});
