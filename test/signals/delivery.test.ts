import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { issueRecoveryCodes } from '../../src/commands/change-authenticators.ts';
import type { CommandDeps } from '../../src/commands/command.ts';
import { endOwnSessions } from '../../src/commands/end-sessions.ts';
import { rotateKeys } from '../../src/commands/rotate-keys.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { signedInFor } from '../support/rows.ts';
import { type Known, knownCitizen, relyingParty, residents, signIn } from './citizens.ts';
import {
  type ApiAnswer,
  accessToken,
  apiOf,
  caep,
  eventOf,
  prepareTransmitter,
  registerReceiver,
  type Transmitter,
  verifier,
} from './support.ts';

type Api = (method: string, path: string, body?: unknown) => Promise<ApiAnswer>;

let transmitter: Transmitter;
let deps: CommandDeps;
let people: { known: Known; session: Awaited<ReturnType<typeof signIn>> }[];
const apis: Record<string, Api> = {};
const cause = { requestId: null, clientId: 'account' };

beforeAll(async () => {
  transmitter = await prepareTransmitter('sqlite');
  const { issuer, database, keyring } = transmitter;
  deps = { db: database.knex, keyring, clock: systemClock };
  const logout = { backchannel_logout_uri: 'http://localhost:9/logout', backchannel_logout_session_required: true };
  await registerReceiver(deps, 'one', logout);
  await registerReceiver(deps, 'other', { redirect_uris: ['https://other.example/callback'] });
  await transmitter.start();
  for (const id of ['one', 'other']) apis[id] = apiOf(issuer, await accessToken(issuer, id));
  people = [];
  for (const [number, resident] of residents(2).entries()) {
    const known = await knownCitizen(deps, resident, number);
    people.push({ known, session: await signIn(issuer, relyingParty(issuer, 'one'), known) });
  }
});
afterEach(async () => {
  for (const call of Object.values(apis)) {
    for (const { stream_id: id } of (await call('GET', '/ssf/stream')).body)
      await call('DELETE', `/ssf/stream?stream_id=${id}`);
  }
});
afterAll(() => transmitter?.close());

const api = (id: string): Api => {
  const found = apis[id];
  if (!found) throw new Error(`no app ${id}`);
  return found;
};
const person = (index: number) => {
  const found = people[index];
  if (!found) throw new Error('nobody');
  return found;
};
async function streamOf(id: string, settings: object = {}) {
  const { status, body } = await api(id)('POST', '/ssf/stream', {
    delivery: { method: 'urn:ietf:rfc:8936' },
    ...settings,
  });
  expect(status).toBe(201);
  return {
    id: String(body.stream_id),
    poll: async (request: object = {}) => (await api(id)('POST', body.delivery.endpoint_url, request)).body,
  };
}
/** Something that the person's apps hear of. */
const happen = async (index: number) => {
  const { accountId } = person(index).known;
  const ceremony = await signedInFor(deps.db, accountId, deps.clock());
  await issueRecoveryCodes(deps, { accountId, hashes: ['x'], ceremony, cause });
};
/** Waits until this many events are on the stream. */
async function waiting(streamId: string, count: number) {
  for (const end = Date.now() + 5_000; ; ) {
    const rows = await deps.db('signal_events').where({ stream_id: streamId });
    if (rows.length === count && (await deps.db('outbox').where({ kind: 'signal' })).length === 0) return;
    if (Date.now() > end) throw new Error(`${rows.length} events, not ${count}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

it('a poll takes as many as it asks for, in their order, and the rest stays until it is acknowledged', async () => {
  const stream = await streamOf('one');
  for (let i = 0; i < 5; i += 1) await happen(0);
  await waiting(stream.id, 5);
  const now = { returnImmediately: true };
  const first = await stream.poll({ ...now, maxEvents: 2 });
  expect(Object.keys(first.sets)).toHaveLength(2);
  expect(first.moreAvailable).toBe(true);
  // Nothing was acknowledged, so the same two come first again.
  const again = await stream.poll({ ...now, maxEvents: 2 });
  expect(Object.keys(again.sets)).toEqual(Object.keys(first.sets));
  const rest = await stream.poll({ ...now, ack: Object.keys(first.sets) });
  expect(Object.keys(rest.sets)).toHaveLength(3);
  expect(rest.moreAvailable).toBeUndefined();
  expect(Object.keys(rest.sets).some((jti) => jti in first.sets)).toBe(false);
  const jtis = [...Object.keys(first.sets), ...Object.keys(rest.sets)];
  expect(jtis).toEqual([...jtis].sort());
  // An acknowledgement of what is not there, or was acknowledged before, is no error.
  expect((await stream.poll({ ...now, ack: [...jtis, 'never-sent'] })).sets).toEqual({});
});

it('a token says what SSF wants of it, and is signed with a published key, after a rotation too', async () => {
  const stream = await streamOf('one');
  await happen(0);
  await waiting(stream.id, 1);
  const { sets } = await stream.poll({ returnImmediately: true });
  const [[jti, set] = ['', '']] = Object.entries<string>(sets);
  const header = decodeProtectedHeader(set);
  expect(header).toMatchObject({ alg: 'ES256', typ: 'secevent+jwt', kid: expect.any(String) });
  const published = await (await fetch(`${transmitter.issuer}/jwks`)).json();
  expect(published.keys.map(({ kid }: { kid: string }) => kid)).toContain(header.kid);
  const claims = await verifier(transmitter.issuer, 'one')(set);
  expect(claims).toEqual({
    iss: transmitter.issuer,
    aud: 'one',
    jti,
    iat: expect.any(Number),
    toe: expect.any(Number),
    txn: expect.any(String),
    sub_id: { format: 'iss_sub', iss: transmitter.issuer, sub: person(0).session.subject },
    events: {
      [caep('credential-change')]: {
        credential_type: 'recovery-codes',
        change_type: 'update',
        event_timestamp: expect.any(Number),
        initiating_entity: 'user',
      },
    },
  });
  // A changed token, or one for another reader, is none.
  const [head, payload, signature] = set.split('.');
  const changed = Buffer.from(JSON.stringify({ ...decodeJwt(set), aud: 'other' })).toString('base64url');
  await expect(verifier(transmitter.issuer, 'other')(`${head}.${changed}.${signature}`)).rejects.toThrow();
  await expect(verifier(transmitter.issuer, 'other')(`${head}.${payload}.${signature}`)).rejects.toThrow();
  // It is no ID token (RFC 8417 4.6): its type differs and it has no `exp`.
  const keys = createRemoteJWKSet(new URL(`${transmitter.issuer}/jwks`));
  await expect(jwtVerify(set, keys, { typ: 'JWT' })).rejects.toThrow();

  await rotateKeys(deps, { actor: { kind: 'system', id: 'test' } });
  const later = await stream.poll({ returnImmediately: true });
  expect(decodeProtectedHeader(later.sets[jti])).not.toEqual(header);
});

it('each app knows a person by its own name, and hears of those it is connected to only', async () => {
  const [one, other] = [await streamOf('one'), await streamOf('other')];
  const app = relyingParty(transmitter.issuer, 'other');
  const { outside } = await person(0).session.browser.follow(
    app.authorizePath({ prompt: 'none', redirect_uri: 'https://other.example/callback' }),
  );
  expect(outside?.searchParams.get('code')).toMatch(/^[\w-]{20,}$/);
  await happen(0);
  await happen(1);
  await waiting(one.id, 2);
  await waiting(other.id, 1);
  const subjects = async (sets: Record<string, string>, audience: string) => {
    const check = verifier(transmitter.issuer, audience);
    const claims = await Promise.all(Object.values(sets).map(check));
    return claims.map((each) => String(Reflect.get(Object(each.sub_id), 'sub')));
  };
  const ours = await subjects((await one.poll({ returnImmediately: true })).sets, 'one');
  const theirs = await subjects((await other.poll({ returnImmediately: true })).sets, 'other');
  expect(ours.sort()).toEqual([person(0).session.subject, person(1).session.subject].sort());
  expect(theirs).toHaveLength(1);
  expect(ours).not.toContain(theirs[0]);
  for (const subject of [...ours, ...theirs]) expect(people.map(({ known }) => known.accountId)).not.toContain(subject);
});

it('nothing comes about a subject that was removed, nor of events not asked for', async () => {
  const stream = await streamOf('one', { events_requested: [caep('session-revoked'), caep('credential-change')] });
  const { subject } = person(0).session;
  const named = { stream_id: stream.id, subject: { format: 'iss_sub', iss: transmitter.issuer, sub: subject } };
  await api('one')('POST', '/ssf/subjects/remove', named);
  await happen(0);
  await happen(1);
  await waiting(stream.id, 1);
  await api('one')('POST', '/ssf/subjects/add', named);
  await happen(0);
  await waiting(stream.id, 2);
  await api('one')('PATCH', '/ssf/stream', { stream_id: stream.id, events_requested: [caep('session-revoked')] });
  await happen(0);
  await waiting(stream.id, 2);
});

it('a stream that is paused keeps what happens, one that is disabled does not', async () => {
  const stream = await streamOf('one');
  const set = (status: string) => api('one')('POST', '/ssf/status', { stream_id: stream.id, status });
  await set('paused');
  await happen(0);
  await waiting(stream.id, 1);
  expect((await stream.poll({ returnImmediately: true })).sets).toEqual({});
  await set('enabled');
  expect(Object.keys((await stream.poll({ returnImmediately: true })).sets)).toHaveLength(1);
  await set('disabled');
  await happen(0);
  await waiting(stream.id, 0);
  await set('enabled');
  expect((await stream.poll({ returnImmediately: true })).sets).toEqual({});
});

it('the end of one session is told as that session, by the name the app knows it by', async () => {
  const stream = await streamOf('one');
  const { known, session } = person(1);
  const sid = String(decodeJwt(session.tokens.id_token).sid);
  const [row] = await deps.db('session_records').where({ account_id: known.accountId });
  await endOwnSessions(deps, { accountId: known.accountId, which: { uid: String(row?.uid) }, cause });
  await waiting(stream.id, 1);
  const { sets } = await stream.poll({ returnImmediately: true });
  const [set = ''] = Object.values<string>(sets);
  const claims = await verifier(transmitter.issuer, 'one')(set);
  expect(eventOf(claims)?.type).toBe(caep('session-revoked'));
  expect(claims.sub_id).toEqual({
    format: 'complex',
    user: { format: 'iss_sub', iss: transmitter.issuer, sub: session.subject },
    session: { format: 'opaque', id: sid },
  });
});

it('signing out at an app is told to the others as the end of that session', async () => {
  const stream = await streamOf('one');
  const { browser, tokens, subject } = await signIn(
    transmitter.issuer,
    relyingParty(transmitter.issuer, 'one'),
    person(0).known,
  );
  const asked = await browser.follow('/session/end');
  const form = new URLSearchParams({ logout: 'yes' });
  for (const name of ['xsrf', '_csrf']) {
    const value = new RegExp(`name="${name}" value="([^"]*)"`).exec(asked.page?.body ?? '')?.[1];
    if (value !== undefined) form.set(name, value);
  }
  const done = await browser.send('POST', '/session/end/confirm', {
    headers: { origin: transmitter.issuer },
    body: `${form}`,
  });
  expect(done.status).toBe(303);
  await waiting(stream.id, 1);
  const [set = ''] = Object.values<string>((await stream.poll({ returnImmediately: true })).sets);
  const claims = await verifier(transmitter.issuer, 'one')(set);
  expect(eventOf(claims)).toMatchObject({ type: caep('session-revoked'), body: { initiating_entity: 'user' } });
  expect(claims.sub_id).toEqual({
    format: 'complex',
    user: { format: 'iss_sub', iss: transmitter.issuer, sub: subject },
    session: { format: 'opaque', id: decodeJwt(tokens.id_token).sid },
  });
  // Its logout address answers nobody: the logout token waits for it.
  expect(await deps.db('outbox').where({ kind: 'backchannel-logout', target: 'one' })).not.toEqual([]);
});
