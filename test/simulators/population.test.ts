import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { signRequest } from '../../simulators/lib/signing.ts';
import { demoCredentials, type Simulators, startSimulators } from '../../simulators/main.ts';
import { makeResidents, type Resident } from '../../simulators/population/residents.ts';
import { checkDocument } from '../../src/identity/documents.ts';
import { type Receiver, startReceiver } from './receiver.ts';

let city: Simulators;
let receiver: Receiver;
const residents = makeResidents(10_000);
const [resident] = residents;
if (!resident) throw new Error('no residents');

beforeAll(async () => {
  receiver = await startReceiver();
  city = await startSimulators({ port: 0, perMinute: 400, notify: `${receiver.url}/notices` });
});
afterAll(async () => {
  await city?.close();
  await receiver?.close();
});
const control = (body: object) =>
  fetch(`${city.url}/population/_control`, { method: 'PUT', body: JSON.stringify(body) });
afterEach(async () => {
  expect((await control({ fault: 'none' })).status).toBe(200);
});

interface Call {
  path?: string;
  body?: unknown;
  secret?: string;
  clientId?: string;
  now?: Date;
  nonce?: string;
  change?: (headers: Record<string, string>) => void;
  sent?: string;
  timeout?: number;
}
async function call({ path = '/population/v1/match', ...given }: Call) {
  const body = JSON.stringify(given.body ?? match(resident as Resident));
  const headers = signRequest({
    clientId: given.clientId ?? demoCredentials.clientId,
    secret: given.secret ?? demoCredentials.populationSecret,
    method: 'POST',
    path,
    body,
    now: given.now ?? new Date(),
    nonce: given.nonce ?? randomUUID(),
  });
  given.change?.(headers);
  const response = await fetch(city.url + path, {
    method: 'POST',
    headers,
    body: given.sent ?? body,
    signal: AbortSignal.timeout(given.timeout ?? 10_000),
  });
  const text = await response.text();
  return {
    status: response.status,
    text,
    json: response.headers.get('content-type')?.includes('json') && text !== '' ? JSON.parse(text) : null,
  };
}
const match = (person: Pick<Resident, 'name' | 'number'>, requestId = 'r1') => ({
  request_id: requestId,
  name: person.name,
  document_type: 'cn_resident_id',
  document_number: person.number,
  purpose: 'real-name registration',
});

describe('the synthetic residents', () => {
  it('are 10,000 with valid numbers of their own, the same on every machine', () => {
    expect(residents).toHaveLength(10_000);
    expect(new Set(residents.map(({ number }) => number)).size).toBe(10_000);
    for (const { number, birthDate } of residents) {
      expect(checkDocument('cn_resident_id', number)).toMatchObject({ valid: true });
      expect(number.slice(6, 14)).toBe(birthDate.replaceAll('-', ''));
    }
    expect(makeResidents(10_000)).toEqual(residents);
  });

  it('have the cases that real registers have', () => {
    const count = (test: (each: Resident) => boolean) => residents.filter(test).length;
    expect(count(({ status }) => status === 'deceased')).toBeGreaterThan(100);
    expect(count(({ status }) => status === 'cancelled')).toBeGreaterThan(50);
    expect(count(({ name }) => name.includes('·'))).toBeGreaterThan(50);
    // Outside the Basic Multilingual Plane: two UTF-16 units for one character.
    expect(count(({ name }) => [...name].length !== name.length)).toBeGreaterThan(30);
    const names = residents.map(({ name }) => name);
    expect(names.length - new Set(names).size).toBeGreaterThan(500);
  });
});

describe('who may ask', () => {
  it.each<[string, Call]>([
    ['client_unknown', { clientId: 'somebody' }],
    ['client_unknown', { clientId: 'toString' }],
    ['signature_invalid', { secret: 'another' }],
    ['signature_invalid', { sent: JSON.stringify(match({ name: '王', number: '1' })) }],
    ['signature_invalid', { change: (headers) => Object.assign(headers, { 'x-signature': '' }) }],
    ['signature_invalid', { nonce: 'short' }],
    ['timestamp_invalid', { now: new Date(Date.now() - 400_000) }],
    ['timestamp_invalid', { now: new Date(Date.now() + 400_000) }],
    ['timestamp_invalid', { change: (headers) => Object.assign(headers, { 'x-timestamp': '1e9' }) }],
  ])('%s', async (error, given) => {
    expect(await call(given)).toMatchObject({ status: 401, json: { error } });
  });

  it('a signature is good once', async () => {
    const [nonce, now] = [randomUUID(), new Date()];
    expect((await call({ nonce, now })).status).toBe(200);
    expect(await call({ nonce, now })).toMatchObject({ status: 401, json: { error: 'nonce_replayed' } });
  });

  it('a body that is no JSON, too large or without what is needed', async () => {
    expect(await call({ body: { request_id: 'r' } })).toMatchObject({
      status: 400,
      json: { error: 'invalid_request' },
    });
    expect(await call({ body: [] })).toMatchObject({ status: 400 });
    expect(await call({ body: { x: 'x'.repeat(70_000) } })).toMatchObject({ status: 413 });
  });
});

describe('what it answers', () => {
  it('match, mismatch, no record; names by what a clerk would compare', async () => {
    const active = residents.find(({ status }) => status === 'active') as Resident;
    expect((await call({ body: match(active, 'r9') })).json).toMatchObject({
      request_id: 'r9',
      result: 'match',
      record: { name: active.name, document_number: active.number, birth_date: active.birthDate, status: 'active' },
    });
    expect((await call({ body: match({ ...active, name: `${active.name}一` }) })).json.result).toBe('mismatch');
    expect((await call({ body: match({ ...active, number: '440305190001010019' }) })).json.result).toBe('not_found');
    const dotted = residents.find(({ name }) => name.includes('·')) as Resident;
    for (const dot of ['·', '•', '・', ' '])
      expect((await call({ body: match({ ...dotted, name: dotted.name.replace('·', dot) }) })).json.result).toBe(
        'match',
      );
    expect((await call({ body: { ...match(active), document_type: 'hk_id' } })).json.result).toBe('refused');
  });

  it('a status by reference, of this caller’s own reference only, and the score of a photo', async () => {
    const active = residents.find(({ status }) => status === 'active') as Resident;
    const { ref } = (await call({ body: match(active) })).json.record;
    const status = (value: string) => call({ path: '/population/v1/status', body: { ref: value } });
    expect((await status(ref)).json).toEqual({ ref, status: 'active' });
    expect((await status('rec_unknown')).status).toBe(404);
    const score = (capture: string) => call({ path: '/population/v1/photo-score', body: { ref, capture } });
    const like = (await score(active.photo)).json;
    const unlike = (await score('somebody else')).json;
    expect(like.score).toBeGreaterThan(like.threshold);
    expect(unlike.score).toBeLessThan(unlike.threshold);
    expect((await score('')).status).toBe(400);
  });

  it('a fate that changes is told to those who asked, signed', async () => {
    const active = residents.findLast(({ status }) => status === 'active') as Resident;
    const changed = await fetch(`${city.url}/population/people/${active.number}/fate`, {
      method: 'POST',
      body: JSON.stringify({ status: 'deceased' }),
    });
    expect(await changed.json()).toEqual({ number: active.number, status: 'deceased', notified: true });
    const [notice] = receiver.received();
    expect(JSON.parse(notice?.body ?? '')).toEqual({
      document_type: 'cn_resident_id',
      document_number: active.number,
      status: 'deceased',
    });
    const expected = signRequest({
      clientId: demoCredentials.clientId,
      secret: demoCredentials.populationSecret,
      method: 'POST',
      path: '/notices',
      body: notice?.body ?? '',
      now: new Date(Number(notice?.headers['x-timestamp']) * 1000),
      nonce: String(notice?.headers['x-nonce']),
    });
    expect(notice?.headers['x-signature']).toBe(expected['x-signature']);
    expect((await call({ body: match(active) })).json.record.status).toBe('deceased');
    for (const [number, status] of [
      ['1', 'deceased'],
      [active.number, 'asleep'],
    ]) {
      const refused = await fetch(`${city.url}/population/people/${number}/fate`, {
        method: 'POST',
        body: JSON.stringify({ status }),
      });
      expect(refused.status).toBe(404);
    }
  });

  it('an unheard notice is sent again', async () => {
    const cancelled = residents.find(({ status }) => status === 'active') as Resident;
    receiver.refuse(1);
    const before = receiver.received().length;
    const changed = await fetch(`${city.url}/population/people/${cancelled.number}/fate`, {
      method: 'POST',
      body: JSON.stringify({ status: 'cancelled' }),
    });
    expect((await changed.json()).notified).toBe(false);
    await expect.poll(() => receiver.received().length, { timeout: 5_000 }).toBe(before + 2);
  });
});

describe('told to fail', () => {
  it('slow answers late, and rightly', async () => {
    await control({ fault: 'slow', delayMs: 300 });
    const started = performance.now();
    expect((await call({})).json.result).toBe('match');
    expect(performance.now() - started).toBeGreaterThan(290);
  });
  it('hang never answers', async () => {
    await control({ fault: 'hang' });
    await expect(call({ timeout: 400 })).rejects.toThrow(/timeout/i);
  });
  it('down cuts the line, http500, garbage and empty answer what no client can use', async () => {
    await control({ fault: 'down' });
    await expect(call({})).rejects.toThrow();
    await control({ fault: 'http500' });
    expect((await call({})).status).toBe(500);
    await control({ fault: 'garbage' });
    expect((await call({})).text).toContain('<html>');
    await control({ fault: 'empty' });
    expect(await call({})).toMatchObject({ status: 200, text: '' });
  });
  it('wrong answers with somebody else’s record, for another request', async () => {
    await control({ fault: 'wrong' });
    const { json } = await call({ body: match(resident as Resident, 'mine') });
    expect(json.request_id).not.toBe('mine');
    expect(json.record.document_number).not.toBe((resident as Resident).number);
  });
  it('so many times, then it is well again; nonsense is refused', async () => {
    await control({ fault: 'http500', times: 2 });
    const statuses = [];
    for (let i = 0; i < 3; i += 1) statuses.push((await call({})).status);
    expect(statuses).toEqual([500, 500, 200]);
    expect((await control({ fault: 'explode' })).status).toBe(400);
    expect((await control([])).status).toBe(400);
    expect(await (await fetch(`${city.url}/population/_control`)).json()).toMatchObject({ fault: 'none' });
  });
});

it('limits how often a caller may ask, and says when to come again', async () => {
  const strict = await startSimulators({ port: 0, perMinute: 3, seedSize: 1 });
  const ask = async () => {
    const body = JSON.stringify(match({ name: '王', number: '1' }));
    const path = '/population/v1/match';
    const { clientId, populationSecret: secret } = demoCredentials;
    const headers = signRequest({ clientId, secret, method: 'POST', path, body, now: new Date(), nonce: randomUUID() });
    return fetch(strict.url + path, { method: 'POST', headers, body });
  };
  const answers = [];
  for (let i = 0; i < 4; i += 1) answers.push(await ask());
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
  expect(answers[3]?.headers.get('retry-after')).toBe('60');
  await strict.close();
});
