import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { databaseKinds } from '../support/databases.ts';
import {
  type ApiAnswer,
  accessToken,
  apiOf,
  eventOf,
  prepareTransmitter,
  registerReceiver,
  ssf,
  startReceiver,
  type Transmitter,
  until,
  verifier,
} from './support.ts';

const push = (url: string, header?: string) => ({
  method: 'urn:ietf:rfc:8935',
  endpoint_url: url,
  ...(header === undefined ? undefined : { authorization_header: header }),
});
const poll = { method: 'urn:ietf:rfc:8936' };

/** The checks of the OpenID conformance suite for SSF transmitters, by their names (reference/security.md). */
describe.each(databaseKinds)('SSF transmitter [%s]', (kind) => {
  let transmitter: Transmitter;
  let receiver: Awaited<ReturnType<typeof startReceiver>>;
  let api: (method: string, path: string, body?: unknown) => Promise<ApiAnswer>;
  let nobody: typeof api;
  let wrongToken: typeof api;
  let other: typeof api;
  let reader: typeof api;

  beforeAll(async () => {
    transmitter = await prepareTransmitter(kind);
    const { issuer, database, keyring } = transmitter;
    for (const id of ['receiver', 'other']) await registerReceiver({ db: database.knex, keyring }, id);
    await transmitter.start();
    receiver = await startReceiver(issuer, 'receiver');
    api = apiOf(issuer, await accessToken(issuer, 'receiver'));
    other = apiOf(issuer, await accessToken(issuer, 'other'));
    reader = apiOf(issuer, await accessToken(issuer, 'receiver', 'ssf.read'));
    nobody = apiOf(issuer, null);
    wrongToken = apiOf(issuer, 'no-such-token');
  });
  afterEach(async () => {
    receiver.state.mood = 'well';
    receiver.effects.clear();
    receiver.received.length = 0;
    for (const { stream_id: id } of (await api('GET', '/ssf/stream')).body)
      await api('DELETE', `/ssf/stream?stream_id=${id}`);
  });
  afterAll(async () => {
    await receiver?.close();
    await transmitter?.close();
  });

  const create = async (body: unknown = { delivery: poll }) => {
    const answer = await api('POST', '/ssf/stream', body);
    expect(answer.status).toBe(201);
    return answer.body;
  };
  const refused = async (method: string, path: string, body?: unknown) => {
    for (const caller of [nobody, wrongToken]) {
      const answer = await caller(method, path, body);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
  };

  it('1. metadata', async () => {
    const { status, body, headers } = await nobody('GET', '/.well-known/ssf-configuration');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toContain('application/json');
    expect(body).toMatchObject({
      spec_version: '1_0',
      issuer: transmitter.issuer,
      delivery_methods_supported: ['urn:ietf:rfc:8935', 'urn:ietf:rfc:8936'],
      authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:6749' }],
      default_subjects: 'ALL',
    });
    const keys = await nobody('GET', body.jwks_uri);
    expect(keys.body.keys.length).toBeGreaterThan(0);
    for (const name of ['configuration', 'status', 'add_subject', 'remove_subject', 'verification'])
      expect(body[`${name}_endpoint`]).toMatch(new RegExp(`^${transmitter.issuer}/ssf/`));
  });

  it('2. stream happy path', async () => {
    const wanted = {
      delivery: push(receiver.url, 'Bearer secret-of-the-receiver'),
      events_requested: ['https://schemas.openid.net/secevent/caep/event-type/session-revoked', 'urn:unknown'],
      description: 'first',
    };
    const made = await create(wanted);
    expect(made).toMatchObject({ iss: transmitter.issuer, aud: 'receiver', description: 'first' });
    expect(made.events_delivered).toEqual(['https://schemas.openid.net/secevent/caep/event-type/session-revoked']);
    expect(JSON.stringify(made)).not.toContain('secret-of-the-receiver');
    const id = made.stream_id;
    expect((await api('GET', `/ssf/stream?stream_id=${id}`)).body).toEqual(made);
    expect((await reader('GET', '/ssf/stream')).body).toEqual([made]);

    const patched = await api('PATCH', '/ssf/stream', {
      stream_id: id,
      description: 'second',
      iss: transmitter.issuer,
    });
    expect(patched).toMatchObject({ status: 200, body: { description: 'second', delivery: made.delivery } });
    const { description: _gone, ...rest } = patched.body;
    const put = await api('PUT', '/ssf/stream', { ...rest, events_requested: undefined });
    expect(put.status).toBe(200);
    expect(put.body.description).toBeUndefined();
    expect(put.body.events_delivered).toEqual(put.body.events_supported);

    expect((await api('GET', `/ssf/status?stream_id=${id}`)).body).toEqual({ stream_id: id, status: 'enabled' });
    const paused = { stream_id: id, status: 'paused', reason: 'maintenance' };
    expect(await api('POST', '/ssf/status', paused)).toMatchObject({ status: 200, body: paused });
    expect((await reader('GET', `/ssf/status?stream_id=${id}`)).body).toEqual(paused);

    expect((await api('DELETE', `/ssf/stream?stream_id=${id}`)).status).toBe(204);
    expect((await api('GET', '/ssf/stream')).body).toEqual([]);
    // At rest the receiver's secret was sealed.
    const sealed = await create(wanted);
    const row = await transmitter.database.knex('signal_streams').where({ id: sealed.stream_id }).first();
    expect(JSON.stringify(row)).not.toContain('secret-of-the-receiver');
  });

  it('3. broken input on create', async () => {
    const broken = [
      '{"delivery":',
      '[]',
      '',
      '{"delivery":{"method":"urn:ietf:rfc:8936"},"delivery":{"method":"urn:ietf:rfc:8935"}}',
      { delivery: { method: 'urn:nothing' } },
      { delivery: push('not a url') },
      { delivery: push('https://user:password@example.org/') },
      { delivery: push(receiver.url, 'Bearer x\r\nHost: evil') },
      { delivery: poll, events_requested: 'all' },
      { delivery: poll, description: 7 },
    ];
    for (const body of broken) expect((await api('POST', '/ssf/stream', body)).status).toBe(400);
    expect((await api('POST', '/ssf/stream', `{"description":"${'x'.repeat(70_000)}"}`)).status).toBe(413);
    expect((await api('GET', '/ssf/stream')).body).toEqual([]);
  });

  it('4. invalid token on create', async () => {
    await refused('POST', '/ssf/stream', { delivery: poll });
    const short = await reader('POST', '/ssf/stream', { delivery: poll });
    expect(short.status).toBe(403);
    expect(short.headers.get('www-authenticate')).toContain('insufficient_scope');
    // RFC 6750 2.3: not in the query.
    const token = await accessToken(transmitter.issuer, 'receiver');
    expect((await nobody('GET', `/ssf/stream?access_token=${token}`)).status).toBe(401);
  });

  it('5. invalid token on read', async () => {
    const { stream_id: id } = await create();
    await refused('GET', `/ssf/stream?stream_id=${id}`);
    await refused('GET', '/ssf/stream');
    await refused('GET', `/ssf/status?stream_id=${id}`);
  });

  it('6. invalid token on update', async () => {
    const { stream_id: id } = await create();
    await refused('PATCH', '/ssf/stream', { stream_id: id, description: 'x' });
    await refused('POST', '/ssf/status', { stream_id: id, status: 'paused' });
  });

  it('7. invalid token on replace', async () => {
    const { stream_id: id } = await create();
    await refused('PUT', '/ssf/stream', { stream_id: id, delivery: poll });
  });

  it('8. invalid token on delete', async () => {
    const { stream_id: id } = await create();
    await refused('DELETE', `/ssf/stream?stream_id=${id}`);
    expect((await reader('DELETE', `/ssf/stream?stream_id=${id}`)).status).toBe(403);
  });

  it('9. duplicate stream', async () => {
    const { stream_id: id } = await create();
    expect((await api('POST', '/ssf/stream', {})).status).toBe(409);
    const second = await create({ delivery: push(receiver.url) });
    expect((await api('POST', '/ssf/stream', { delivery: push(receiver.url) })).status).toBe(409);
    const change = { stream_id: second.stream_id, delivery: poll };
    expect((await api('PATCH', '/ssf/stream', change)).status).toBe(409);
    expect((await api('PUT', '/ssf/stream', change)).status).toBe(409);
    expect((await api('GET', `/ssf/stream?stream_id=${id}`)).status).toBe(200);
    const racing = await Promise.all(Array.from({ length: 5 }, () => other('POST', '/ssf/stream', {})));
    expect(racing.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
  });

  it('10. unknown stream on read', async () => {
    const { stream_id: id } = await create();
    for (const path of ['/ssf/stream', '/ssf/status']) {
      expect((await api('GET', `${path}?stream_id=nobody`)).status).toBe(404);
      expect((await other('GET', `${path}?stream_id=${id}`)).status).toBe(404);
    }
    expect((await api('GET', '/ssf/status')).status).toBe(404);
  });

  it('11. unknown stream on update', async () => {
    const { stream_id: id } = await create();
    expect((await api('PATCH', '/ssf/stream', { stream_id: 'nobody', description: 'x' })).status).toBe(404);
    expect((await other('PATCH', '/ssf/stream', { stream_id: id, description: 'x' })).status).toBe(404);
    expect((await other('POST', '/ssf/status', { stream_id: id, status: 'paused' })).status).toBe(404);
  });

  it('12. unknown stream on replace', async () => {
    const { stream_id: id } = await create();
    expect((await api('PUT', '/ssf/stream', { stream_id: 'nobody', delivery: poll })).status).toBe(404);
    expect((await other('PUT', '/ssf/stream', { stream_id: id, delivery: poll })).status).toBe(404);
  });

  it('13. unknown stream on delete', async () => {
    const { stream_id: id } = await create();
    expect((await api('DELETE', '/ssf/stream?stream_id=nobody')).status).toBe(404);
    expect((await other('DELETE', `/ssf/stream?stream_id=${id}`)).status).toBe(404);
    expect((await api('DELETE', '/ssf/stream')).status).toBe(400);
    expect((await api('GET', `/ssf/stream?stream_id=${id}`)).status).toBe(200);
  });

  it('14. invalid body on update', async () => {
    const made = await create();
    const { stream_id: id } = made;
    const wrong = [
      '{',
      {},
      { stream_id: id, iss: 'https://somebody.else' },
      { stream_id: id, aud: 'other' },
      { stream_id: id, events_delivered: ['urn:x'] },
      { stream_id: id, events_requested: 7 },
      { stream_id: id, delivery: { method: 'urn:ietf:rfc:8936', endpoint_url: 'https://elsewhere.example/poll' } },
    ];
    for (const body of wrong) expect((await api('PATCH', '/ssf/stream', body)).status).toBe(400);
    expect((await api('GET', `/ssf/stream?stream_id=${id}`)).body).toEqual(made);
  });

  it('15. invalid body on replace', async () => {
    const made = await create();
    const { stream_id: id } = made;
    const wrong = ['nonsense', { delivery: poll }, { stream_id: id }, { ...made, aud: ['other'] }];
    for (const body of wrong) expect((await api('PUT', '/ssf/stream', body)).status).toBe(400);
    expect((await api('GET', `/ssf/stream?stream_id=${id}`)).body).toEqual(made);
  });

  it('16. subject add and remove', async () => {
    const { stream_id: id } = await create();
    const subject = { format: 'iss_sub', iss: transmitter.issuer, sub: 'somebody' };
    expect((await api('POST', '/ssf/subjects/add', { stream_id: id, subject, verified: true })).status).toBe(200);
    expect((await api('POST', '/ssf/subjects/remove', { stream_id: id, subject })).status).toBe(204);
    expect((await api('POST', '/ssf/subjects/add', { stream_id: id, subject })).status).toBe(200);
    for (const verb of ['add', 'remove']) {
      const path = `/ssf/subjects/${verb}`;
      expect((await api('POST', path, { stream_id: id })).status).toBe(400);
      expect((await api('POST', path, { stream_id: id, subject: { format: 'iss_sub' } })).status).toBe(400);
      expect((await api('POST', path, { stream_id: 'nobody', subject })).status).toBe(404);
      expect((await other('POST', path, { stream_id: id, subject })).status).toBe(404);
      const mail = { format: 'email', email: 'a@example.org' };
      expect((await api('POST', path, { stream_id: id, subject: mail })).status).toBe(404);
      await refused('POST', path, { stream_id: id, subject });
      expect((await reader('POST', path, { stream_id: id, subject })).status).toBe(403);
    }
  });

  it('17. verification by push', async () => {
    const { stream_id: id } = await create({ delivery: push(receiver.url, 'Bearer secret-of-the-receiver') });
    expect((await api('POST', '/ssf/verify', { stream_id: id, state: 'state-1' })).status).toBe(204);
    const { claims, authorization } = await receiver.next(ssf('verification'), 0);
    expect(authorization).toBe('Bearer secret-of-the-receiver');
    expect(claims.sub_id).toEqual({ format: 'opaque', id });
    expect(eventOf(claims)?.body).toEqual({ state: 'state-1' });
    expect(receiver.faults).toEqual([]);
    const again = await api('POST', '/ssf/verify', { stream_id: id });
    expect(again.status).toBe(429);
    expect(Number(again.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await api('POST', '/ssf/verify', { stream_id: 'nobody' })).status).toBe(404);
    expect((await api('POST', '/ssf/verify', {})).status).toBe(400);
    await refused('POST', '/ssf/verify', { stream_id: id });
  });

  const check = (sets: Record<string, string>) =>
    Promise.all(Object.values(sets).map((set) => verifier(transmitter.issuer, 'receiver')(set)));

  it('18. verification by poll only', async () => {
    const { stream_id: id, delivery } = await create();
    await api('POST', '/ssf/verify', { stream_id: id, state: 'state-2' });
    const { body, status } = await api('POST', delivery.endpoint_url, { returnImmediately: true });
    expect(status).toBe(200);
    const [claims] = await check(body.sets);
    expect(Object.keys(body.sets)).toEqual([claims?.jti]);
    expect(claims && eventOf(claims)).toEqual({ type: ssf('verification'), body: { state: 'state-2' } });
    // Not acknowledged: it comes again, the same.
    const second = await api('POST', delivery.endpoint_url, { returnImmediately: true });
    expect(Object.keys(second.body.sets)).toEqual([claims?.jti]);
    expect((await other('POST', delivery.endpoint_url, {})).status).toBe(404);
    await refused('POST', delivery.endpoint_url, {});
    expect((await api('POST', delivery.endpoint_url, { maxEvents: 'many' })).status).toBe(400);
  });

  it('19. verification by poll and acknowledge', async () => {
    const { stream_id: id, delivery } = await create();
    // A long poll is answered as soon as there is something.
    const started = Date.now();
    const waiting = api('POST', delivery.endpoint_url, {});
    await new Promise((resolve) => setTimeout(resolve, 100));
    await api('POST', '/ssf/verify', { stream_id: id });
    const first = (await waiting).body;
    // Left to itself it is answered after twenty seconds.
    expect(Date.now() - started).toBeLessThan(15_000);
    const [jti] = Object.keys(first.sets);
    const next = await api('POST', delivery.endpoint_url, { ack: [jti], returnImmediately: true });
    expect(next).toMatchObject({ status: 200, body: { sets: {} } });
  });

  it('20. verification by acknowledge only', async () => {
    const { stream_id: id, delivery } = await create();
    await api('POST', '/ssf/verify', { stream_id: id });
    const { body } = await api('POST', delivery.endpoint_url, { returnImmediately: true, maxEvents: 1 });
    const [jti = ''] = Object.keys(body.sets);
    const ack = await api('POST', delivery.endpoint_url, { ack: [jti], maxEvents: 0, returnImmediately: true });
    expect(ack.body).toEqual({ sets: {}, moreAvailable: false });
    const empty = await api('POST', delivery.endpoint_url, { returnImmediately: true });
    expect(empty.body.sets).toEqual({});
    // An error report takes the event off the stream too (RFC 8936 2.6).
    await new Promise((resolve) => setTimeout(resolve, 2_050));
    await api('POST', '/ssf/verify', { stream_id: id });
    const again = (await api('POST', delivery.endpoint_url, { returnImmediately: true })).body;
    const setErrs = { [Object.keys(again.sets)[0] ?? '']: { err: 'invalid_state', description: 'unexpected' } };
    const after = await api('POST', delivery.endpoint_url, { setErrs, returnImmediately: true });
    expect(after.body.sets).toEqual({});
  });

  it('21. push without authorization', async () => {
    const { stream_id: id } = await create({ delivery: push(receiver.url) });
    await api('POST', '/ssf/verify', { stream_id: id });
    const { authorization } = await receiver.next(ssf('verification'), 0);
    expect(authorization).toBeUndefined();
  });

  it('a receiver that is away has it later, one that refuses is not asked again, a paused stream holds', async () => {
    receiver.state.mood = 'down';
    const { stream_id: id } = await create({ delivery: push(receiver.url) });
    await api('POST', '/ssf/verify', { stream_id: id, state: 'later' });
    await until(() => receiver.received.length > 0);
    await api('POST', '/ssf/status', { stream_id: id, status: 'paused' });
    const tried = receiver.received.length;
    receiver.state.mood = 'well';
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(receiver.received.length).toBe(tried);
    await api('POST', '/ssf/status', { stream_id: id, status: 'enabled' });
    const { claims } = await receiver.next(ssf('verification'), 0);
    expect(new Set(receiver.received.map((item) => item.claims.jti))).toEqual(new Set([claims.jti]));

    await new Promise((resolve) => setTimeout(resolve, 2_050));
    receiver.state.mood = 'refuse';
    const before = receiver.received.length;
    await api('POST', '/ssf/verify', { stream_id: id });
    await until(() => receiver.received.length > before);
    const gone = async () => (await transmitter.database.knex('signal_events')).length === 0;
    for (let i = 0; i < 100 && !(await gone()); i += 1) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await gone()).toBe(true);
    expect(receiver.received.length).toBe(before + 1);
  });

  it('the secret of a receiver stays with its address and goes to no other', async () => {
    const { stream_id: id } = await create({ delivery: push(receiver.url, 'Bearer one') });
    const stored = async () =>
      (await transmitter.database.knex('signal_streams').where({ id }).first()).sealed_authorization;
    await api('PATCH', '/ssf/stream', { stream_id: id, delivery: push(receiver.url) });
    expect(await stored()).not.toBeNull();
    await api('PATCH', '/ssf/stream', { stream_id: id, delivery: push(`${receiver.url}/other`) });
    expect(await stored()).toBeNull();
  });
});
