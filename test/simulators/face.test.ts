import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { signRequest } from '../../simulators/lib/signing.ts';
import { demoCredentials, type Simulators, startSimulators } from '../../simulators/main.ts';
import { makeResidents } from '../../simulators/population/residents.ts';

let city: Simulators;
let recordRef: string;
const person = makeResidents(3).find(({ status }) => status === 'active');

beforeAll(async () => {
  city = await startSimulators({ port: 0, seedSize: 3 });
  const found = await post('/population/v1/match', demoCredentials.populationSecret, {
    request_id: 'r',
    name: person?.name,
    document_type: 'cn_resident_id',
    document_number: person?.number,
    purpose: 'test',
  });
  recordRef = found.json.record.ref;
});
afterAll(() => city?.close());
afterEach(() => fetch(`${city.url}/face/_control`, { method: 'PUT', body: JSON.stringify({ fault: 'none' }) }));

async function post(path: string, secret: string, fields: object, clientId: string = demoCredentials.clientId) {
  const body = JSON.stringify(fields);
  const headers = signRequest({ clientId, secret, method: 'POST', path, body, now: new Date(), nonce: randomUUID() });
  const response = await fetch(city.url + path, { method: 'POST', headers, body });
  return { status: response.status, json: await response.json() };
}
const face = (path: string, fields: object) => post(`/face/v1/${path}`, demoCredentials.faceSecret, fields);
const nonce = 'a-nonce-of-sixteen-or-more';
const open = async (more: object = {}) =>
  (await face('sessions', { record_ref: recordRef, return_url: 'http://localhost:1/back', nonce, ...more })).json;

/** In front of the camera; answers where the browser is sent. */
async function choose(url: string, who: string): Promise<{ status: number; back: URL | null }> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams({ who }), redirect: 'manual' });
  const location = response.headers.get('location');
  return { status: response.status, back: location === null ? null : new URL(location) };
}
const resultOf = (back: URL | null) =>
  face('results', {
    session_id: back?.searchParams.get('session_id'),
    result_token: back?.searchParams.get('result_token'),
  });

describe('the face service', () => {
  it.each([
    ['me', 'match', 'passed'],
    ['other', 'mismatch', 'passed'],
    ['photo', 'refused', 'failed'],
    ['cancel', 'cancelled', 'none'],
  ])('%s in front of the camera: %s', async (who, result, liveness) => {
    const session = await open();
    expect(session.nonce).toBe(nonce);
    expect(await (await fetch(session.url)).text()).toContain('人脸核验');
    const { status, back } = await choose(session.url, who);
    expect(status).toBe(303);
    expect(back?.origin).toBe('http://localhost:1');
    expect((await resultOf(back)).json).toMatchObject({
      session_id: session.session_id,
      nonce,
      record_ref: recordRef,
      result,
      liveness,
    });
  });

  it('a result is fetched once, by its own token; a camera is stood before once', async () => {
    const session = await open();
    const early = { session_id: session.session_id, result_token: '' };
    expect((await face('results', early)).status).toBe(410);
    const { back } = await choose(session.url, 'me');
    expect((await choose(session.url, 'other')).status).toBe(410);
    expect((await fetch(session.url)).status).toBe(410);
    const guess = { session_id: session.session_id, result_token: randomUUID() };
    expect((await face('results', guess)).status).toBe(410);
    expect((await resultOf(back)).status).toBe(200);
    expect((await resultOf(back)).status).toBe(410);
    expect((await fetch(`${city.url}/face/capture/unknown`)).status).toBe(410);
  });

  it.each([
    ['https://evil.example/back', 'return_url_not_allowed'],
    ['http://localhost.evil.example/', 'return_url_not_allowed'],
    ['javascript:alert(1)', 'return_url_not_allowed'],
    ['nowhere', 'invalid_request'],
  ])('sends nobody back to %s', async (return_url, error) => {
    expect(await face('sessions', { record_ref: recordRef, return_url, nonce })).toMatchObject({
      status: 400,
      json: { error },
    });
  });

  it('refuses other callers, short nonces and no record', async () => {
    const fields = { record_ref: recordRef, return_url: 'http://localhost:1/', nonce };
    expect((await post('/face/v1/sessions', 'another-secret', fields)).status).toBe(401);
    expect((await post('/face/v1/sessions', 'x', fields, 'face-service')).status).toBe(401);
    expect((await face('sessions', { ...fields, nonce: 'short' })).status).toBe(400);
    expect((await face('sessions', { ...fields, record_ref: '' })).status).toBe(400);
  });

  it('told to be wrong, it answers for somebody else', async () => {
    const session = await open();
    const { back } = await choose(session.url, 'me');
    await fetch(`${city.url}/face/_control`, { method: 'PUT', body: JSON.stringify({ fault: 'wrong' }) });
    expect((await resultOf(back)).json.record_ref).not.toBe(recordRef);
  });
});

describe('the text message gateway', () => {
  const send = (fields: object, token: string = demoCredentials.smsToken) =>
    fetch(`${city.url}/sms/v1/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(fields),
    });
  it('keeps what was sent where a developer can read it, and takes it from its own caller only', async () => {
    const message1 = { request_id: 'one', to: '+8613800138000', text: '验证码 123456' };
    const accepted = await (await send(message1)).json();
    expect(accepted).toMatchObject({ status: 'accepted' });
    // The same request again is the same message.
    expect(await (await send(message1)).json()).toEqual(accepted);
    expect((await send(message1, 'another')).status).toBe(401);
    for (const wrong of [
      { to: '13800138000' },
      { to: '+0123' },
      { text: '' },
      { text: 'x'.repeat(1001) },
      { request_id: '' },
    ])
      expect((await send({ ...message1, ...wrong })).status).toBe(400);
    const [message, ...others] = await (
      await fetch(`${city.url}/outbox?to=%2B8613800138000`, { headers: { accept: 'application/json' } })
    ).json();
    expect(message).toMatchObject({ code: '123456' });
    expect(others).toEqual([]);
    const page = await (await fetch(`${city.url}/outbox`, { headers: { accept: 'text/html' } })).text();
    expect(page).toContain('123456');
  });
});

it('the index tells what there is, and people.json who', async () => {
  const index = await (await fetch(city.url)).text();
  expect(index).toContain('/population/_control');
  expect((await (await fetch(`${city.url}/people.json`)).json()).length).toBeGreaterThan(5);
});
