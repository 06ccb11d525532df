import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeHolders, oldForeignNumber } from '../../simulators/exit-entry/holders.ts';
import { exitEntryCredentials, exitEntryFaults } from '../../simulators/exit-entry/service.ts';
import { signRequest } from '../../simulators/lib/signing.ts';
import { demoCredentials, type Simulators, startSimulators } from '../../simulators/main.ts';
import { checkDocument } from '../../src/identity/documents.ts';
import { createUpstream } from '../../src/lib/upstream.ts';
import { exitEntryService } from '../../src/proofing/exit-entry.ts';
import { faceService } from '../../src/proofing/face.ts';
import type { ProofingResult } from '../../src/proofing/method.ts';
import { dayInChina } from '../support/days.ts';

let city: Simulators;
beforeAll(async () => {
  city = await startSimulators({ port: 0, seedSize: 3 });
});
afterAll(() => city?.close());
const put = (path: string, body: object) =>
  fetch(`${city.url}/exit-entry/_control${path}`, { method: 'PUT', body: JSON.stringify(body) });
afterEach(async () => {
  await put('', { fault: 'none' });
  await put('/people/chan-tai-man', {});
});

const source = (secret: string, path: string) => ({
  baseUrl: city.url + path,
  clientId: exitEntryCredentials.clientId,
  secret,
  timeoutMs: 500,
  allowLoopback: true,
  upstream: createUpstream(path, { breakAfter: 1_000 }),
  clock: () => new Date(),
});
const ask = (name: string, documentType: string, number: string, secret: string = exitEntryCredentials.secret) =>
  exitEntryService(source(secret, '/exit-entry')).verify({ name, documentType, number, purpose: 'library' });
const chan = (name = '陳大文') => ask(name, 'cn_hm_travel_permit', 'H12345678');

async function raw(
  path: string,
  body: string,
  credentials: { clientId: string; secret: string } = exitEntryCredentials,
) {
  const call = { ...credentials, method: 'POST', path, body, now: new Date(), nonce: randomUUID() };
  const headers = signRequest(call);
  const send = async () => (await fetch(city.url + path, { method: 'POST', headers, body })).status;
  return { send };
}

describe('people of the city', () => {
  it.each([
    ['陳大文', 'cn_hm_travel_permit', 'H12345678', 'hong_kong'],
    ['陈大文', 'cn_hm_travel_permit', 'H12345678', 'hong_kong'],
    ['Chan Tai-man', 'cn_hmt_residence_permit', '810000198503031018', 'hong_kong'],
    ['何嘉儀', 'cn_hm_travel_permit', 'M12345678', 'macao'],
    ['何嘉仪', 'cn_hmt_residence_permit', '82000019920707102X', 'macao'],
    ['林宜君', 'cn_tw_travel_permit', '05616820', 'taiwan'],
    ['LIN YI CHUN', 'cn_hmt_residence_permit', '830000199010101020', 'taiwan'],
    ['Tan Wei Ming', 'cn_foreign_pr_18', '944702198001201017', 'foreign'],
    ['Ravi Sharma', 'cn_hm_travel_permit_noncn', 'HA1234567', 'hong_kong'],
    ['歐陽嘉文', 'cn_hm_travel_permit', 'H23456789', 'hong_kong'],
    ['林伟仪', 'cn_hmt_residence_permit', '810000199106302018', 'hong_kong'],
  ])('%s with %s %s', async (name, type, number, category) => {
    const result = await ask(name, type, number);
    expect(result).toMatchObject({ outcome: 'verified', facts: { category, documentType: type } });
  });

  it('each document leads to the person’s others, and to a record of its own', async () => {
    const facts = (result: ProofingResult) => (result.outcome === 'verified' ? result.facts : null);
    const permit = facts(await chan());
    const residence = facts(await ask('陳大文', 'cn_hmt_residence_permit', '810000198503031018'));
    expect(permit?.alsoKnown).toEqual([{ type: 'cn_hmt_residence_permit', number: '810000198503031018' }]);
    expect(residence?.alsoKnown).toEqual([{ type: 'cn_hm_travel_permit', number: 'H12345678' }]);
    expect(permit?.recordRef).not.toBe(residence?.recordRef);
    expect(permit?.recordRef).not.toContain('12345678');
    expect(permit?.recordRef).toBe(facts(await chan('陈大文'))?.recordRef);
    const old = oldForeignNumber('PRT', '4400', '1984-05-06', 2);
    const card = facts(await ask('Maria da Silva', 'cn_foreign_pr_15', old));
    expect(card?.alsoKnown).toMatchObject([{ type: 'cn_foreign_pr_18' }]);
  });

  it.each([
    ['黃小玲', 'cn_hm_travel_permit', 'H87654321', 'lost'],
    ['張國強', 'cn_hm_travel_permit', 'M87654321', 'cancelled'],
    ['蔡小玲', 'cn_tw_travel_permit', '87654321', 'expired'],
    ['林偉儀', 'cn_hm_travel_permit', 'H34567890', 'expired'],
    ['陳大文', 'cn_hm_travel_permit', 'H1234567801', 'expired'],
    ['陳大文', 'cn_hm_travel_permit', 'H1234567803', 'mismatch'],
    ['陳小文', 'cn_hm_travel_permit', 'H12345678', 'mismatch'],
    ['CHAN', 'cn_hm_travel_permit', 'H12345678', 'mismatch'],
    ['陳大文', 'cn_hm_travel_permit', 'H99999990', 'not_found'],
    ['陳大文', 'cn_tw_travel_permit', '12345678', 'not_found'],
    // What became of a document is nobody's business who does not know whose it is.
    ['陳大文', 'cn_hm_travel_permit', 'H87654321', 'mismatch'],
  ])('%s with %s %s: %s', async (name, type, number, outcome) => {
    expect(await ask(name, type, number)).toEqual({ outcome });
  });

  it('the current issue of a permit, and a permit that is reported lost today and found tomorrow', async () => {
    expect((await ask('陳大文', 'cn_hm_travel_permit', 'H1234567802')).outcome).toBe('verified');
    await put('/people/chan-tai-man', { type: 'cn_hm_travel_permit', standing: 'lost' });
    expect((await chan()).outcome).toBe('lost');
    expect((await ask('陳大文', 'cn_hmt_residence_permit', '810000198503031018')).outcome).toBe('verified');
    await put('/people/chan-tai-man', { validUntil: '2020-01-01' });
    expect((await chan()).outcome).toBe('expired');
    await put('/people/chan-tai-man', {});
    expect((await chan()).outcome).toBe('verified');
    expect((await put('/people/nobody', { standing: 'lost' })).status).toBe(404);
  });
});

describe('thousands of holders', () => {
  const today = dayInChina();
  const holders = makeHolders(3000, today);

  it('are the same every time, with every fate among them and no number twice', () => {
    expect(makeHolders(40, today)).toEqual(holders.slice(0, 40));
    const documents = holders.flatMap((holder) => holder.documents);
    expect(new Set(documents.map(({ number }) => number)).size).toBe(documents.length);
    for (const standing of ['valid', 'lost', 'cancelled'])
      expect(documents.filter((document) => document.standing === standing).length).toBeGreaterThan(50);
    expect(documents.filter(({ validUntil }) => validUntil < today).length).toBeGreaterThan(50);
    expect(holders.filter(({ birthDate }) => birthDate > '2009').length).toBeGreaterThan(100);
    expect(new Set(documents.map(({ type }) => type)).size).toBe(6);
    expect(new Set(holders.map(({ category }) => category)).size).toBe(4);
  });

  it('have documents that are well formed for their type', () => {
    for (const { documents } of holders)
      for (const { type, number } of documents)
        expect([type, number, checkDocument(type, number, today.replaceAll('-', ''))]).toEqual([
          type,
          number,
          { valid: true, reason: 'ok' },
        ]);
  });

  it('are found by each way of writing their names', async () => {
    const valid = holders.filter(({ documents: [first] }) => first?.standing === 'valid' && first.validUntil > today);
    for (const { names, documents } of valid.slice(0, 12)) {
      const [{ type, number } = { type: '', number: '' }] = documents;
      for (const name of [names.native, names.simplified, names.latin, names.latin.toLowerCase().replace(',', '')])
        if (name !== null) expect([name, (await ask(name, type, number)).outcome]).toEqual([name, 'verified']);
    }
  });
});

describe('faults', () => {
  it.each(exitEntryFaults)('%s is never a match', async (fault) => {
    await put('', { fault });
    const result = await ask('陳大文', 'cn_hm_travel_permit', 'H1234567802');
    expect(result.outcome).toBe('unavailable');
    await put('', { fault: 'none' });
    expect((await chan()).outcome).toBe('verified');
  });
  it.each(['down', 'hang', 'http500', 'garbage', 'empty'])('%s: unavailable', async (fault) => {
    await put('', { fault });
    expect((await chan()).outcome).toBe('unavailable');
  });
  it('slow in time is fine; a fault can be on for one call; unknown ones are refused', async () => {
    await put('', { fault: 'slow', delayMs: 50 });
    expect((await chan()).outcome).toBe('verified');
    await put('', { fault: 'other_name', times: 1 });
    expect((await chan()).outcome).toBe('unavailable');
    expect((await chan()).outcome).toBe('verified');
    expect((await put('', { fault: 'wrong' })).status).toBe(400);
    await put('', { fault: 'lost_in_thought' });
    expect(await (await fetch(`${city.url}/exit-entry/_control`)).json()).toMatchObject({ fault: 'none' });
  });
});

describe('the API is strict', () => {
  const body = JSON.stringify({
    request_id: 'r',
    name: '陳大文',
    document_type: 'cn_hm_travel_permit',
    document_number: 'H12345678',
    issue_number: null,
    purpose: 'test',
  });
  const verify = '/exit-entry/v1/verify';

  it('one signature, one use; a wrong secret, another service’s key', async () => {
    const { send } = await raw(verify, body);
    expect(await send()).toBe(200);
    expect(await send()).toBe(401);
    expect(await (await raw(verify, body, { clientId: 'shimin-demo', secret: 'x' })).send()).toBe(401);
    expect((await ask('陳大文', 'cn_hm_travel_permit', 'H12345678', 'another')).outcome).toBe('unavailable');
    expect(await (await raw('/exit-entry/v1/photo-score', '{"ref":"exr_1"}')).send()).toBe(403);
  });
  it.each([
    ['not JSON', '{'],
    ['nothing', '{}'],
    ['no purpose', body.replace('"test"', '""')],
    ['an issue number that is none', body.replace('null', '"2"')],
    ['a field too many', body.replace('{', '{"extra":1,')],
    ['a name too long', body.replace('陳大文', '陳'.repeat(201))],
  ])('%s is a bad request', async (_name, wrong) => {
    expect(await (await raw(verify, wrong)).send()).toBe(400);
  });
});

describe('a permit and a face', () => {
  const face = () => faceService(source(demoCredentials.faceSecret, '/face'));
  async function standBefore(who: string, recordRef: string) {
    const service = face();
    const started = await service.start({ recordRef, returnUrl: 'http://localhost:1/back' });
    if (started.outcome !== 'started') throw new Error('not started');
    const gone = await fetch(started.url, {
      method: 'POST',
      body: new URLSearchParams({ who }),
      redirect: 'manual',
    });
    const back = new URL(gone.headers.get('location') ?? '').searchParams;
    const [sessionId, resultToken] = [back.get('session_id') ?? '', back.get('result_token') ?? ''];
    return { result: () => service.finish({ keep: started.keep, sessionId, resultToken }) };
  }
  async function refOf(result: Promise<ProofingResult>) {
    const found = await result;
    return found.outcome === 'verified' ? found.facts.recordRef : '';
  }

  it.each([
    ['me', { outcome: 'verified' }],
    ['other', { outcome: 'face_mismatch' }],
    ['photo', { outcome: 'face_refused' }],
    ['cancel', { outcome: 'face_left' }],
  ])('%s', async (who, expected) => {
    const recordRef = await refOf(chan());
    expect(await (await standBefore(who, recordRef)).result()).toMatchObject(expected);
  });

  it('a residence permit has the same face; a register’s record still works beside it', async () => {
    const recordRef = await refOf(ask('陳大文', 'cn_hmt_residence_permit', '810000198503031018'));
    expect(await (await standBefore('me', recordRef)).result()).toMatchObject({ outcome: 'verified', recordRef });
  });

  it('a permit that was reported lost meanwhile, a record nobody has: refused', async () => {
    const recordRef = await refOf(chan());
    const { result } = await standBefore('me', recordRef);
    await put('/people/chan-tai-man', { standing: 'lost' });
    expect(await result()).toEqual({ outcome: 'face_refused' });
    for (const ref of ['exr_nobody', 'nobody'])
      expect(await (await standBefore('me', ref)).result()).toEqual({ outcome: 'face_refused' });
  });
});

it('the page lists the named people and what they hold', async () => {
  const html = await (await fetch(`${city.url}/exit-entry`)).text();
  expect(html).toContain('陳大文');
  expect(html).toContain('H87654321');
  expect(await (await fetch(city.url)).text()).toContain('/exit-entry/_control');
});
