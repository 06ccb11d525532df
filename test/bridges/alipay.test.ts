import { createHash, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { forgeries } from '../../simulators/alipay/answers.ts';
import { contradictions, errorFaults, variations } from '../../simulators/alipay/faults.ts';
import { alipayUpstream } from '../../simulators/alipay/service.ts';
import { chinaTime, signingText } from '../../src/bridges/alipay/gateway.ts';
import { alipay } from '../../src/bridges/alipay/index.ts';
import { certificateName, certificatesOf, rootName } from '../../src/bridges/alipay/keys.ts';
import { rawMembers } from '../../src/bridges/alipay/raw-members.ts';
import { trustInCertificates } from '../../src/bridges/alipay/trust.ts';
import { openBridge, request, serve, signIn } from './serve.ts';

let at: Awaited<ReturnType<typeof serve<ReturnType<typeof alipayUpstream>>>>;
beforeAll(async () => {
  at = await serve(alipayUpstream);
});
afterAll(() => at.close());
afterEach(async () => {
  await at.control({ fault: 'none' });
  for (const id of ['li-xiaoming', 'chen-jiayi']) await at.person(id, {});
});

const bridge = (more: object = {}) => openBridge(alipay, { ...at.simulator.settings(), ...more });
const certificateBridge = (more: object = {}) => openBridge(alipay, { ...at.simulator.certificateSettings(), ...more });
const resultFor = async (person = 'li-xiaoming', own = bridge()) => (await signIn(own, person)).result();
const identityOf = async (person: string, own = bridge()) => {
  const result = await resultFor(person, own);
  if (result.outcome !== 'identified') throw new Error(JSON.stringify(result));
  return result.identity;
};
const extra: { expired: string; foreign: string } = JSON.parse(
  readFileSync(new URL('./alipay-certificates.json', import.meta.url), 'utf8'),
);

describe('a sign-in there', () => {
  it('says who, and what Alipay has checked of them', async () => {
    const found = await identityOf('li-xiaoming');
    expect(found).toEqual({
      subjects: [{ part: 'user_id', of: ['2021000000000001', expect.stringMatching(/^2088[0-9]{12}$/)] }],
      level: 'certified',
      methods: [],
      authTime: null,
      claims: {
        name: '李晓明',
        documentType: 'cn_resident_id',
        documentNumber: '440305198806151219',
        birthDate: '1988-06-15',
        phone: '+8613800138001',
        category: 'mainland',
      },
    });
    expect(await identityOf('li-xiaoming')).toEqual(found);
    expect((await identityOf('chen-jiayi')).subjects).not.toEqual(found.subjects);
  });

  it('documents of every kind are told as ours, with whom they are given to', async () => {
    const claimsOf = async (person: string) => (await identityOf(person)).claims;
    expect(await claimsOf('chan-tai-man')).toMatchObject({
      name: '陳大文',
      documentType: 'cn_hm_travel_permit',
      documentNumber: 'H12345678',
      documentValidUntil: '2033-04-01',
      category: 'hong_kong',
    });
    expect(await claimsOf('ho-ka-i')).toMatchObject({ documentType: 'cn_hmt_residence_permit', category: 'macao' });
    expect(await claimsOf('lin-yi-chun')).toMatchObject({ documentType: 'cn_tw_travel_permit', category: 'taiwan' });
    expect(await claimsOf('rare-character')).toMatchObject({ name: '黄𠮷', documentNumber: '44030519830405171X' });
    expect(await claimsOf('middle-dot')).toMatchObject({ name: '阿卜杜拉·买买提' });
  });

  it('without a check by Alipay, or with a document that no register has, it is only an account', async () => {
    for (const person of ['one-character', 'minor', 'tan-wei-ming']) {
      const { level, claims } = await identityOf(person);
      expect([level, Object.keys(claims)]).toEqual([null, ['phone']]);
    }
    await at.person('li-xiaoming', { certified: false });
    const { level, claims } = await identityOf('li-xiaoming');
    expect([level, claims]).toEqual([null, { phone: '+8613800138001' }]);
  });

  it('is worth: an account one factor, a checked person strong evidence of name and number', () => {
    expect(alipay.traits.levels.map(({ name, worth }) => [name, worth.identity?.strength ?? null])).toEqual([
      [null, null],
      ['certified', 'strong'],
    ]);
    for (const { worth } of alipay.traits.levels)
      expect(worth.authentication).toMatchObject({ factors: ['possession'], phishingResistant: false });
  });

  it('the consent page is asked for as Alipay wants it', async () => {
    const started = await bridge().start(request);
    if (started.outcome !== 'started') throw new Error('not started');
    expect(Object.fromEntries(new URL(started.url).searchParams)).toEqual({
      app_id: '2021000000000001',
      scope: 'auth_user',
      redirect_uri: request.redirectUri,
      state: request.state,
    });
    const shown = await (await fetch(started.url)).text();
    expect(shown).toContain('<button name="person" value="li-xiaoming">');
  });

  it('in certificate mode too', async () => {
    const own = certificateBridge();
    expect(await identityOf('li-xiaoming', own)).toMatchObject({
      subjects: [{ part: 'open_id', of: ['2021000000000002', expect.stringMatching(/^[\w-]{36}$/)] }],
      level: 'certified',
    });
    // The next certificate may stand beside the current one.
    const { alipayCertificate } = at.simulator.certificateSettings();
    const both = `${extra.expired}${alipayCertificate}`;
    expect((await identityOf('li-xiaoming', certificateBridge({ alipayCertificate: both }))).level).toBe('certified');
  });
});

/** Honest answers in other dress: what is the same, and what is not. */
const asUsual = { level: 'certified', subjects: [{ part: 'user_id' }] };
const notCertified = { level: null, claims: { phone: '+8613800138001' }, subjects: [{ part: 'user_id' }] };
const dressed: Readonly<Record<(typeof variations)[number], object>> = {
  open_id_only: { level: 'certified', subjects: [{ part: 'open_id' }] },
  both_names: { level: 'certified', subjects: [{ part: 'user_id' }, { part: 'open_id' }] },
  empty_open_id: asUsual,
  bare_profile: asUsual,
  numbers_as_strings: asUsual,
  code_as_number: asUsual,
  no_permission: { level: null, claims: {}, subjects: [{ part: 'user_id' }] },
  uncertified_with_number: notCertified,
  masked_number: notCertified,
  masked_name: notCertified,
};

describe('answers differ, and are taken', () => {
  it('all that the simulator can play are in the table', () => {
    expect(Object.keys(dressed).toSorted()).toEqual([...variations].toSorted());
  });
  it.each(Object.entries(dressed))('%s', async (fault, expected) => {
    await at.control({ fault });
    const found = await identityOf('li-xiaoming');
    expect(found).toMatchObject(expected);
    if (found.level === null) expect(Object.keys(found.claims)).not.toContain('name');
  });
  it('D12: user_id and open_id of one person are two names, never compared', async () => {
    const [before] = (await identityOf('li-xiaoming')).subjects;
    await at.control({ fault: 'both_names' });
    const { subjects } = await identityOf('li-xiaoming');
    expect(subjects[0]).toEqual(before);
    expect(subjects[1]?.of[1]).not.toBe(before.of[1]);
    // open_id belongs to one app.
    await at.control({ fault: 'open_id_only' });
    const [ofOther] = (await identityOf('li-xiaoming', certificateBridge())).subjects;
    expect(ofOther.of[1]).not.toBe(subjects[1]?.of[1]);
  });
});

/** Each forgery, and that it is refused for what it is; on either answer. */
const forged: Readonly<Record<(typeof forgeries)[number], RegExp>> = {
  signature: /signature does not verify/,
  signature_missing: /not signed/,
  sha1: /signature does not verify/,
  reordered: /signature does not verify/,
  respaced: /signature does not verify/,
  tampered: /signature does not verify/,
  other_method: /not an answer of this method/,
  both_keys: /success and error at once/,
  key_twice: /a name twice/,
  inner_key_twice: /a name twice/,
  cert_sn_other: /names a certificate/,
  cert_sn_missing: /names no certificate/,
  no_inner: /not an answer of this method/,
};
const contradicting: Readonly<Record<(typeof contradictions)[number], RegExp>> = {
  other_person: /do not name the same person/,
  other_open_id: /do not name the same person/,
  names_missing: /do not name the same person/,
  name_blank: /profile answer/,
  name_of_other_shape: /profile answer/,
  access_token_missing: /token answer/,
  code_missing: /profile answer/,
  replay: /do not name the same person/,
};

async function expectRefused(own: ReturnType<typeof bridge>, reason: RegExp): Promise<void> {
  const result = await resultFor('li-xiaoming', own);
  expect(result).toMatchObject({ outcome: 'refused', reason: 'answer_invalid' });
  expect(String(result.outcome === 'refused' && result.cause)).toMatch(reason);
}

describe('D09: each answer that can’t be trusted is refused, for what it is', () => {
  it('all that the simulator can play are in the tables', () => {
    expect(Object.keys(forged).toSorted()).toEqual([...forgeries].toSorted());
    expect(Object.keys(contradicting).toSorted()).toEqual([...contradictions].toSorted());
  });
  it.each(Object.entries(forged))('%s', async (fault, reason) => {
    for (const place of ['token', 'info']) {
      await at.control({ fault, at: place });
      await expectRefused(certificateBridge(), reason);
      // Without certificates there is none to name.
      if (!fault.startsWith('cert_')) await expectRefused(bridge(), reason);
    }
  });
  it('a bare key is not trusted for an answer that names a certificate', async () => {
    await at.control({ fault: 'cert_sn_other' });
    await expectRefused(bridge(), /names a certificate, but we have a bare key/);
  });
  it.each(Object.entries(contradicting))('%s', async (fault, reason) => {
    if (fault === 'replay') await resultFor('chen-jiayi');
    await at.control({ fault });
    await expectRefused(bridge(), reason);
  });
  it('answers signed by a key of somebody else', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const alipayPublicKey = publicKey.export({ type: 'spki', format: 'pem' });
    await expectRefused(bridge({ alipayPublicKey }), /signature does not verify/);
  });
  it('certificates out of their time', async () => {
    const { appCertificate, alipayRootCertificate } = at.simulator.certificateSettings();
    const files = { app: String(appCertificate), alipay: extra.expired, roots: String(alipayRootCertificate) };
    const [named = ''] = certificatesOf(extra.expired).map(certificateName);
    const trust = trustInCertificates(files);
    expect(trust.keyFor(named, new Date('2020-06-01T00:00:00Z'))).toBe('certificate out of its time');
    expect(trust.keyFor(named, new Date())).toBe('certificate out of its time');
  });
});

/** Errors of the gateway, by what becomes of the sign-in. */
const failed: Readonly<Record<(typeof errorFaults)[number], object>> = {
  code_expired: { outcome: 'refused', reason: 'expired' },
  decryption: { outcome: 'refused', reason: 'denied' },
  auth_token: { outcome: 'refused', reason: 'denied' },
  parameter: { outcome: 'refused', reason: 'denied' },
  business: { outcome: 'refused', reason: 'denied' },
  permission: { outcome: 'refused', reason: 'denied' },
  frequency: { outcome: 'unavailable', retryAfter: 30 },
  service: { outcome: 'unavailable', retryAfter: 30 },
  error_unsigned: { outcome: 'refused', reason: 'denied' },
  error_other_key: { outcome: 'refused', reason: 'denied' },
  error_forged: { outcome: 'refused', reason: 'answer_invalid' },
};

describe('errors of the gateway, in either place', () => {
  it('all that the simulator can play are in the table', () => {
    expect(Object.keys(failed).toSorted()).toEqual([...errorFaults].toSorted());
  });
  it.each(Object.entries(failed))('%s', async (fault, expected) => {
    await at.control({ fault });
    expect(await resultFor()).toMatchObject(expected);
    expect(await resultFor('li-xiaoming', certificateBridge())).toMatchObject(expected);
  });
  it('a used code is told in either key, signed or not', async () => {
    for (const fault of ['error_unsigned', 'error_other_key', 'none']) {
      await at.control({ fault, at: 'token' });
      const { callback, keep, own } = await signIn(bridge(), 'li-xiaoming');
      if (fault === 'none') await own.finish(callback, keep);
      expect(await own.finish(callback, keep)).toMatchObject({ outcome: 'refused', reason: 'expired' });
    }
  });
});

describe('callbacks', () => {
  it('D08: a second time and in parallel, a code works once', async () => {
    const { own, callback, keep } = await signIn(bridge(), 'li-xiaoming');
    const all = await Promise.all(Array.from({ length: 8 }, () => own.finish(callback, keep)));
    expect(all.filter(({ outcome }) => outcome === 'identified')).toHaveLength(1);
    expect(await own.finish(callback, keep)).toMatchObject({ outcome: 'refused', reason: 'expired' });
  });
  it('a code is spent even when our signature was bad', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const broken = bridge({ privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) });
    const { callback, keep, result } = await signIn(broken, 'li-xiaoming');
    expect(await result()).toMatchObject({ outcome: 'refused', reason: 'denied' });
    expect(await bridge().finish(callback, keep)).toMatchObject({ outcome: 'refused', reason: 'expired' });
  });
  it('a code of four minutes ago is too old', async () => {
    const { result } = await signIn(bridge(), 'li-xiaoming');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 4 * 60_000 });
    try {
      expect(await result()).toMatchObject({ outcome: 'refused', reason: 'expired' });
    } finally {
      vi.useRealTimers();
    }
  });
  it('D07: the callback of another sign-in, and the code of another app', async () => {
    const theirs = await signIn(bridge(), 'chen-jiayi', { state: 'b'.repeat(32) });
    const ours = await signIn(bridge(), 'li-xiaoming');
    expect(await ours.own.finish(theirs.callback, ours.keep)).toMatchObject({ reason: 'answer_invalid' });
    const elsewhere = await signIn(certificateBridge(), 'chen-jiayi');
    expect(await ours.own.finish(elsewhere.callback, ours.keep)).toMatchObject({ reason: 'answer_invalid' });
    elsewhere.callback.searchParams.set('app_id', '2021000000000001');
    expect(await ours.own.finish(elsewhere.callback, ours.keep)).toMatchObject({ reason: 'expired' });
  });
  it.each(['state', 'app_id'])('without %s, or twice', async (name) => {
    const { own, callback, keep } = await signIn(bridge(), 'li-xiaoming');
    const twice = new URL(callback);
    twice.searchParams.append(name, callback.searchParams.get(name) ?? '');
    callback.searchParams.delete(name);
    for (const each of [callback, twice])
      expect(await own.finish(each, keep)).toMatchObject({ outcome: 'refused', reason: 'answer_invalid' });
  });
  it.each(['state', 'app_id_other'])('changed on the way: %s', async (fault) => {
    await at.control({ fault });
    expect(await resultFor()).toMatchObject({ outcome: 'refused', reason: 'answer_invalid' });
  });
  it('an auth_code that can’t be one is not even asked about', async () => {
    const { own, callback, keep } = await signIn(bridge(), 'li-xiaoming');
    callback.searchParams.set('auth_code', 'x'.repeat(129));
    expect(await own.finish(callback, keep)).toMatchObject({ reason: 'answer_invalid' });
  });
});

describe('the person or Alipay says no', () => {
  it('cancelled; closed, frozen, never activated, a company’s', async () => {
    expect(await resultFor('')).toMatchObject({ outcome: 'refused', reason: 'cancelled' });
    for (const change of [{ closed: true }, { status: 'B' }, { status: 'W' }, { type: '1' }]) {
      await at.person('li-xiaoming', change);
      expect(await resultFor()).toMatchObject({ outcome: 'refused', reason: 'denied' });
    }
    await at.person('li-xiaoming', { status: 'Q' });
    expect((await resultFor()).outcome).toBe('identified');
  });
});

describe('the line fails', () => {
  it.each(['down', 'hang', 'http500', 'garbage', 'empty'])('%s: unavailable, and well again after', async (fault) => {
    const { result } = await signIn(bridge(), 'li-xiaoming');
    await at.control({ fault });
    expect(await result()).toMatchObject({ outcome: 'unavailable' });
    await at.control({ fault: 'none' });
    expect((await resultFor()).outcome).toBe('identified');
  });
  it('another charset than the one asked for can’t be read', async () => {
    await at.control({ fault: 'gbk' });
    expect(await resultFor()).toMatchObject({ outcome: 'unavailable' });
    expect((await resultFor('chen-jiayi')).outcome).toBe('identified');
  });
  it('slow but in time is fine', async () => {
    await at.control({ fault: 'slow', delayMs: 50 });
    expect((await resultFor()).outcome).toBe('identified');
  });
});

describe('settings', () => {
  const refusedBy = (more: object, base = at.simulator.settings()) =>
    alipay.settings.safeParse({ ...base, ...more }).success === false;
  it('keys as Alipay’s tool writes them: bare base64', async () => {
    const bare = (pem: string) => pem.replaceAll(/-----[^-]+-----|\s/g, '');
    const { privateKey = '', alipayPublicKey = '' } = at.simulator.settings();
    const own = bridge({ privateKey: bare(privateKey), alipayPublicKey: bare(alipayPublicKey) });
    expect((await resultFor('li-xiaoming', own)).outcome).toBe('identified');
  });
  it('refused: no key, half a set of certificates, both modes, short or other keys', () => {
    const { privateKey: short } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const { privateKey: elliptic } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = (key: typeof short) => key.export({ type: 'pkcs8', format: 'pem' });
    expect(refusedBy({})).toBe(false);
    expect(refusedBy({ alipayPublicKey: '' })).toBe(true);
    expect(refusedBy({ privateKey: pem(short) })).toBe(true);
    expect(refusedBy({ privateKey: pem(elliptic) })).toBe(true);
    expect(refusedBy({ privateKey: 'nonsense' })).toBe(true);
    expect(refusedBy({ appId: 'shimin' })).toBe(true);
    expect(refusedBy(at.simulator.certificateSettings())).toBe(true);
    const files = at.simulator.certificateSettings();
    expect(refusedBy({}, files)).toBe(false);
    for (const file of ['appCertificate', 'alipayCertificate', 'alipayRootCertificate'])
      expect(refusedBy({ [file]: '' }, files)).toBe(true);
  });
  it('a certificate under a root of the same name that is nobody’s is refused', () => {
    expect(refusedBy({ alipayCertificate: extra.foreign }, at.simulator.certificateSettings())).toBe(true);
  });
});

describe('vectors of the reference', () => {
  it('the text to sign', () => {
    const text = signingText({
      version: '1.0',
      timestamp: '2026-08-01 12:00:00',
      sign_type: 'RSA2',
      method: 'alipay.system.oauth.token',
      grant_type: 'authorization_code',
      format: 'JSON',
      code: '4b203fe6c11548bcabd8da5bb087a83b',
      charset: 'utf-8',
      app_id: '2021000000000000',
      app_auth_token: '',
      sign: 'anything',
    });
    expect(createHash('sha256').update(text).digest('hex')).toBe(
      '6c7885d7f290076851c2b4b28c1049550f2bf22ece7139922497605aa8b87c15',
    );
  });
  it('time is China’s', () => {
    expect(chinaTime(new Date('2026-08-01T04:00:00Z'))).toBe('2026-08-01 12:00:00');
    expect(chinaTime(new Date('2025-12-31T16:00:00Z'))).toBe('2026-01-01 00:00:00');
  });
  it('names of certificates, as OpenSSL and md5sum have them', () => {
    const { appCertificate, alipayCertificate, alipayRootCertificate } = at.simulator.certificateSettings();
    const names = [appCertificate, alipayCertificate].flatMap((pem) =>
      certificatesOf(String(pem)).slice(0, 1).map(certificateName),
    );
    expect(names).toEqual(['4f11925f2f64db520b0e50ae54244fb9', '008dfe47293476d7cb5007909e6bc1ed']);
    // The second root in the file is not signed with RSA and is left out.
    expect(certificatesOf(String(alipayRootCertificate))).toHaveLength(2);
    expect(rootName(certificatesOf(String(alipayRootCertificate)))).toBe('4698301bede4bcc22997f62ced3e6855');
  });
  it('members as they were sent', () => {
    const text = '{ "a\\u0062" : {"x":"}\\"{", "y":[1,{"z":","}]} , "sign":"s","n": 1 }';
    expect([...rawMembers(text)]).toEqual([
      ['ab', '{"x":"}\\"{", "y":[1,{"z":","}]}'],
      ['sign', '"s"'],
      ['n', '1'],
    ]);
  });
});
