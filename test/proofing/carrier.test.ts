import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { checkCredentials, checkFaults, signatureFault } from '../../simulators/carrier/checks.ts';
import { carrierUpstream } from '../../simulators/carrier/service.ts';
import { createUpstream } from '../../src/lib/upstream.ts';
import { carrierCheck, carrierCheckSecrets, carrierCheckSettings } from '../../src/proofing/carrier.ts';
import type { Applicant } from '../../src/proofing/method.ts';
import { authorization } from '../../src/proofing/tencent-call.ts';
import { type ServedUpstream, serveUpstream } from '../support/upstream.ts';

let carriers: ServedUpstream;
beforeAll(async () => {
  carriers = await serveUpstream(carrierUpstream);
});
afterAll(() => carriers.close());
afterEach(async () => {
  await carriers.control({ fault: 'none' });
  await carriers.person('li-xiaoming', {});
});

const li: Applicant = { name: '李晓明', number: '440305198806151219', phone: '+8613800138001', purpose: 'library' };
const chen: Applicant = { name: '陈嘉怡', number: '440305199502282425', phone: '+8613800138002', purpose: 'library' };
const wang: Applicant = { name: '王建国', number: '440305194410010331', phone: '+8613800138003', purpose: 'library' };
const check = (settings: object = {}, upstream = createUpstream('carrier', { breakAfter: 1_000 })) =>
  carrierCheck(
    { ...carriers.settings(), ...settings },
    { upstream, allowLoopback: true, timeoutMs: 500, clock: () => new Date() },
  );
const ask = (who: Partial<Applicant> = {}, settings: object = {}) => check(settings).verify({ ...li, ...who });

describe('three elements that belong together', () => {
  it('are confirmed, with the source’s own number of the answer', async () => {
    expect(await ask()).toEqual({
      outcome: 'verified',
      facts: {
        recordRef: expect.stringMatching(/^[0-9a-f-]{36}$/),
        name: '李晓明',
        category: 'mainland',
        documentType: 'cn_resident_id',
        documentNumber: '440305198806151219',
        birthDate: null,
        validUntil: null,
        reference: expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
    });
  });
  it.each([
    ['China Mobile', li],
    ['China Telecom', chen],
    ['China Unicom', wang],
  ])('at %s', async (_carrier, who) => {
    expect((await ask(who)).outcome).toBe('verified');
  });
  it('wherever the number was moved to: its digits say nothing of the carrier', async () => {
    for (const carrier of ['CUCC', 'CTCC', 'CMCC']) {
      await carriers.person('li-xiaoming', { carrier });
      expect((await ask()).outcome).toBe('verified');
    }
  });
  it('with a middle dot, a rare character and full-width digits', async () => {
    const dotted = { name: '阿卜杜拉•买买提', number: '４４０３０５１９８６０９２０１９１８', phone: '+8613800138009' };
    expect((await ask(dotted)).outcome).toBe('verified');
    const rare = { name: '黄𠮷', number: '44030519830405171x', phone: '+8613800138008' };
    expect((await ask(rare)).outcome).toBe('verified');
  });
});

describe('elements that do not', () => {
  const others: [string, Partial<Applicant>, string][] = [
    ['another name', { name: '李小明' }, 'mismatch'],
    ['another document', { number: chen.number }, 'mismatch'],
    ['somebody else’s number', { phone: '+8613800138002' }, 'mismatch'],
    ['a number that nobody has', { phone: '+8613999999999' }, 'not_found'],
    ['a number of another region', { phone: '+85291234567' }, 'refused'],
    ['no number', { phone: '' }, 'refused'],
    ['another kind of document', { documentType: 'cn_hm_travel_permit', number: 'H12345678' }, 'refused'],
    ['half a document', { number: '4403051988' }, 'refused'],
    ['no name', { name: ' ' }, 'refused'],
  ];
  it.each(others)('%s', async (_name, changes, outcome) => {
    expect(await ask(changes)).toEqual({ outcome });
  });

  it.each([1, 2, 3, 4, 5])('a number that is not in service proves nothing: state %i', async (status) => {
    await carriers.person('li-xiaoming', { status });
    expect(await ask()).toEqual({ outcome: status === 2 || status === 3 ? 'not_found' : 'refused' });
  });
  it('and that it is not is only said to who knows its holder', async () => {
    await carriers.person('li-xiaoming', { status: 1 });
    expect(await ask({ name: '李小明' })).toEqual({ outcome: 'mismatch' });
  });
});

describe('a number that the account confirmed', () => {
  const ago = (days: number) => new Date(Date.now() - days * 86_400_000);
  it.each([
    // [held for months, confirmed so many days ago, settings, outcome]
    ['today, whatever its age was', 3, 0.5, {}, 'verified'],
    ['today, where no age is asked', 0, 0.5, { minimumMonths: '0' }, 'verified'],
    ['after its holder had it', 12, 100, {}, 'verified'],
    ['before its holder had it for sure', 3, 120, {}, 'refused'],
    ['so long ago that the range leaves it open', 6, 250, {}, 'refused'],
    ['long ago, where no age is asked of fresh ones', 3, 300, { minimumMonths: '0' }, 'refused'],
  ])('counts for its holder of today if it was confirmed %s', async (_when, months, days, settings, outcome) => {
    await carriers.person('li-xiaoming', { months });
    expect((await ask({ phoneConfirmedAt: ago(days) }, settings)).outcome).toBe(outcome);
  });
});

describe('12.7: young and recycled numbers', () => {
  it('a number that was given to somebody else is not the former holder’s, and too young to be the new one’s', async () => {
    await carriers.person('li-xiaoming', { recycledTo: 'chen-jiayi' });
    expect(await ask()).toEqual({ outcome: 'mismatch' });
    expect(await ask({ ...chen, phone: '+8613800138001' })).toEqual({ outcome: 'refused' });
  });
  it.each([
    [0, '3', 'refused'],
    [2, '3', 'refused'],
    [3, '3', 'verified'],
    [4, '6', 'refused'],
    [0, '0', 'verified'],
    [100, '24', 'verified'],
  ])('%i months where %s are asked for: %s', async (months, minimumMonths, outcome) => {
    await carriers.person('li-xiaoming', { months });
    expect((await ask({}, { minimumMonths })).outcome).toBe(outcome);
  });
  it('says how long a number has been its holder’s', async () => {
    expect(await check().numberAge('+8613800138001')).toEqual({
      outcome: 'known',
      months: { atLeast: 24, below: null },
    });
    await carriers.person('li-xiaoming', { recycledTo: 'chen-jiayi' });
    expect(await check().numberAge('+8613800138001')).toEqual({ outcome: 'known', months: { atLeast: 0, below: 3 } });
    expect(await check().numberAge('+8613999999999')).toEqual({ outcome: 'not_found' });
    expect(await check().numberAge('+85291234567')).toEqual({ outcome: 'refused' });
    await carriers.control({ fault: 'age_unknown' });
    expect(await check().numberAge('+8613800138001')).toEqual({ outcome: 'unknown' });
    await carriers.control({ fault: 'http500' });
    expect(await check().numberAge('+8613800138001')).toMatchObject({ outcome: 'unavailable' });
  });
});

/** What follows from each fault, for somebody whom an honest answer confirms; and from those of the first question also for a stranger. */
const outcomes: Readonly<Record<(typeof checkFaults)[number], 'unavailable' | 'refused'>> = {
  match_in_error: 'unavailable',
  result_number: 'unavailable',
  result_missing: 'unavailable',
  result_unknown: 'unavailable',
  isp_unknown: 'unavailable',
  no_request_id: 'unavailable',
  busy: 'unavailable',
  asked_too_often: 'unavailable',
  limit_exceeded: 'unavailable',
  internal_error: 'unavailable',
  status_unknown: 'unavailable',
  status_missing: 'unavailable',
  status_busy: 'unavailable',
  range_missing: 'unavailable',
  range_reversed: 'unavailable',
  range_words: 'unavailable',
  age_busy: 'unavailable',
  age_unknown: 'refused',
};

describe('F-36: no fault reads as a match', () => {
  it('all that the simulator can play are in the table', () => {
    expect(Object.keys(outcomes).toSorted()).toEqual([...checkFaults].toSorted());
  });
  it.each(Object.entries(outcomes))('%s: %s', async (fault, outcome) => {
    expect((await ask()).outcome).toBe('verified');
    await carriers.control({ fault });
    const result = await ask();
    expect(result.outcome).toBe(outcome);
    if (result.outcome === 'unavailable') expect(result.retryAfter).toBeGreaterThan(0);
    expect((await ask({ name: '李小明' })).outcome).not.toBe('verified');
  });
  it.each(['down', 'hang', 'http500', 'garbage', 'empty'])('the line: %s', async (fault) => {
    await carriers.control({ fault });
    expect(await ask()).toMatchObject({ outcome: 'unavailable' });
    await carriers.control({ fault: 'none' });
    expect((await ask()).outcome).toBe('verified');
  });
  it('slow but in time is fine', async () => {
    await carriers.control({ fault: 'slow', delayMs: 20 });
    expect((await ask()).outcome).toBe('verified');
  });
});

describe('the wire', () => {
  it('our own key, address or clock is wrong: unavailable, and not the person’s fault', async () => {
    for (const wrong of [{ checkSecretKey: 'another' }, { checkSecretId: 'another' }])
      expect(await ask({}, wrong)).toMatchObject({ outcome: 'unavailable' });
    const late = carrierCheck(carriers.settings(), {
      upstream: createUpstream('carrier'),
      allowLoopback: true,
      clock: () => new Date(Date.now() - 3_600_000),
    });
    expect(await late.verify(li)).toMatchObject({ outcome: 'unavailable' });
  });
  it('the signature covers action, host, body and time', () => {
    const url = new URL('https://faceid.example/');
    const seconds = Math.floor(Date.now() / 1000);
    const signed = authorization({ url, action: 'MobileStatus', body: '{}', seconds }, checkCredentials);
    const call = (changes: Record<string, string> = {}) => {
      const given: Record<string, string> = {
        'content-type': 'application/json; charset=utf-8',
        'x-tc-action': 'MobileStatus',
        'x-tc-timestamp': String(seconds),
        authorization: signed,
        host: 'faceid.example',
        body: '{}',
        ...changes,
      };
      return signatureFault({
        path: '/',
        host: given.host ?? '',
        body: given.body ?? '',
        header: (name) => given[name] ?? '',
      });
    };
    expect(call()).toBeNull();
    expect(call({ 'x-tc-action': 'PhoneVerification' })).toBe('AuthFailure.SignatureFailure');
    expect(call({ host: 'other.example' })).toBe('AuthFailure.SignatureFailure');
    expect(call({ body: '{ }' })).toBe('AuthFailure.SignatureFailure');
    expect(call({ 'x-tc-timestamp': String(seconds + 1) })).toBe('AuthFailure.SignatureFailure');
    expect(call({ 'x-tc-timestamp': String(seconds + 1_000) })).toBe('AuthFailure.SignatureExpire');
    expect(call({ authorization: '' })).toBe('AuthFailure.SecretIdNotFound');
  });
  it('settings that are not whole are refused; the age asked for has a default', () => {
    expect(carrierCheckSettings.parse(carriers.settings()).minimumMonths).toBe('3');
    for (const wrong of [{ checkUrl: 'x' }, { checkSecretKey: '' }, { minimumMonths: '-1' }, { minimumMonths: '1.5' }])
      expect(carrierCheckSettings.safeParse({ ...carriers.settings(), ...wrong }).success).toBe(false);
    expect(carrierCheckSecrets).toEqual(['checkSecretKey']);
  });
});
