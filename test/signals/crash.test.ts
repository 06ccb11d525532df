import { createServer } from 'node:http';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { startSimulators } from '../../simulators/main.ts';
import { endOwnSessions } from '../../src/commands/end-sessions.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { DatabaseKind } from '../../src/storage/db.ts';
import { childOf } from './child.ts';
import { admitAtLevelOne, knownCitizen, relyingParty, residents, signIn } from './citizens.ts';
import {
  accessToken,
  apiOf,
  caep,
  eventOf,
  freePort,
  prepareTransmitter,
  type Received,
  registerReceiver,
  startReceiver,
  until,
} from './support.ts';

/** What a test undoes at its end; the tests run at once, so there is no common place for it. */
type Later = (cleanUp: () => Promise<void>) => void;

/** A provider in a process of its own, a register that tells it, an app with a push stream, and signed-in citizens. */
async function setUp(later: Later, kind: DatabaseKind, count: number, metadata: Record<string, unknown> = {}) {
  const simulatorsPort = await freePort();
  const transmitter = await prepareTransmitter(kind, {
    SHIMIN_POPULATION_URL: `http://localhost:${simulatorsPort}/population`,
  });
  later(transmitter.close);
  const { issuer, database, keyring, env } = transmitter;
  const deps = { db: database.knex, keyring, clock: systemClock };
  await registerReceiver(deps, 'receiver', metadata);
  await admitAtLevelOne(deps, 'receiver');
  const notify = `${issuer}/notifications/population`;
  const simulators = await startSimulators({ port: simulatorsPort, seedSize: 1_000, notify });
  later(simulators.close);
  const child = childOf(env);
  later(child.kill);
  await child.start();
  const receiver = await startReceiver(issuer, 'receiver');
  later(receiver.close);
  const api = apiOf(issuer, await accessToken(issuer, 'receiver'));
  await api('POST', '/ssf/stream', { delivery: { method: 'urn:ietf:rfc:8935', endpoint_url: receiver.url } });
  const app = relyingParty(issuer, 'receiver');
  const people = [];
  for (const [number, resident] of residents(count).entries()) {
    const known = await knownCitizen(deps, resident, number);
    people.push({ known, session: await signIn(issuer, app, known) });
  }
  const die = (number: string) =>
    fetch(`${simulators.url}/population/people/${number}/fate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ status: 'cancelled' }),
    });
  return { transmitter, deps, child, receiver, people, die };
}

type Receiver = Awaited<ReturnType<typeof startReceiver>>;

const subjectOf = ({ claims }: Received) => String(Reflect.get(Object(claims.sub_id), 'sub'));
/** What the app did, each as often as it did it. */
const effectsOn = (receiver: Receiver, subject: string) =>
  [...receiver.effects.values()].filter((item) => subjectOf(item) === subject);
const patience = 30_000;
/** Processes start and die many times here, all tests at once; only the order of things is judged, not their speed. */
const timeout = 180_000;

describe.concurrent('killed between a change and its delivery', { timeout }, () => {
  it('while the receiver holds the connection: the same event comes again and has had its effect once', async ({
    onTestFinished: later,
  }) => {
    const { child, receiver, people, die } = await setUp(later, 'sqlite', 3);
    for (const { known, session } of people) {
      receiver.state.mood = 'hang';
      const before = receiver.received.length;
      expect(await (await die(known.resident.number)).json()).toMatchObject({ notified: true });
      await until(() => receiver.received.length > before);
      await child.kill();
      receiver.state.mood = 'well';
      await child.start();
      await until(() => receiver.received.length > before + 1, patience);
      const jtis = receiver.received.slice(before).map(({ claims }) => claims.jti);
      expect(new Set(jtis).size).toBe(1);
      expect(effectsOn(receiver, session.subject).map(({ claims }) => eventOf(claims)?.type)).toEqual([
        caep('assurance-level-change'),
      ]);
    }
    expect(receiver.faults).toEqual([]);
  });

  it('while the receiver is away: it has the event once both are back', async ({ onTestFinished: later }) => {
    const { transmitter, child, receiver, people, die } = await setUp(later, 'sqlite', 1);
    const [person] = people;
    await receiver.close();
    await die(person?.known.resident.number ?? '');
    const streams = transmitter.database.knex('signal_streams').where('push_attempts', '>', 0);
    for (const end = Date.now() + 5_000; (await streams.clone()).length === 0 && Date.now() < end; )
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await streams).toHaveLength(1);
    await child.kill();
    const back = await startReceiver(transmitter.issuer, 'receiver', receiver.port);
    later(back.close);
    await child.start();
    await until(() => back.effects.size > 0, patience);
    expect(back.received).toHaveLength(1);
    expect(effectsOn(back, person?.session.subject ?? '')).toHaveLength(1);
  });

  it.for([
    ['sqlite', 4],
    ['postgres', 2],
  ] as const)(
    'at any moment, several at once [%s]: nobody is forgotten and nobody told twice',
    async ([kind, rounds], { onTestFinished: later }) => {
      const perRound = 5;
      const { child, receiver, people, die, transmitter } = await setUp(later, kind, rounds * perRound);
      for (let round = 0; round < rounds; round += 1) {
        const now = people.slice(round * perRound, (round + 1) * perRound);
        const told = now.map(({ known }) => die(known.resident.number));
        // From "no notice was heard yet" to "all is delivered": whatever the register was not answered, it tells again.
        await new Promise((resolve) => setTimeout(resolve, (round / rounds) * 100 + Math.random() * 25));
        await child.kill();
        await child.start();
        await Promise.all(told);
        await until(() => now.every(({ session }) => effectsOn(receiver, session.subject).length > 0), patience);
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
      for (const { session } of people) expect(effectsOn(receiver, session.subject)).toHaveLength(1);
      expect(receiver.effects.size).toBe(people.length);
      expect(receiver.faults).toEqual([]);
      for (const table of ['outbox', 'signal_events']) expect(await transmitter.database.knex(table)).toEqual([]);
    },
  );

  it('back-channel logout: the app hears of the end of the session after the restart, and it ends once', async ({
    onTestFinished: later,
  }) => {
    const logouts = await startLogoutReceiver();
    later(logouts.close);
    const { transmitter, deps, child, receiver, people } = await setUp(later, 'sqlite', 2, {
      backchannel_logout_uri: logouts.url,
      backchannel_logout_session_required: true,
    });
    const keys = createRemoteJWKSet(new URL(`${transmitter.issuer}/jwks`));
    logouts.check = async (token) => {
      const { issuer } = transmitter;
      const { payload } = await jwtVerify(token, keys, { issuer, audience: 'receiver', typ: 'logout+jwt' });
      expect(payload.events).toEqual({ 'http://schemas.openid.net/event/backchannel-logout': {} });
      expect(payload.nonce).toBeUndefined();
      return { sid: String(payload.sid), subject: payload.sub };
    };
    for (const { known, session } of people) {
      const sid = String(decodeJwt(session.tokens.id_token).sid);
      logouts.hang = true;
      const before = logouts.heard.length;
      const cause = { requestId: null, clientId: 'account' };
      expect(await endOwnSessions(deps, { accountId: known.accountId, which: {}, cause })).toHaveLength(1);
      await until(() => logouts.heard.length > before);
      await child.kill();
      logouts.hang = false;
      await child.start();
      await until(() => logouts.heard.length > before + 1, patience);
      expect(new Set(logouts.heard.slice(before).map((heard) => heard.sid))).toEqual(new Set([sid]));
      // A session ends once, however often its end is told.
      expect([...logouts.ended]).toContain(sid);
      await until(() => effectsOn(receiver, session.subject).length > 0, patience);
      expect(effectsOn(receiver, session.subject).map(({ claims }) => eventOf(claims)?.type)).toEqual([
        caep('session-revoked'),
      ]);
    }
    expect(logouts.ended.size).toBe(people.length);
    expect(logouts.faults).toEqual([]);
  });
});

/** An app's back-channel logout endpoint (OpenID Connect Back-Channel Logout 1.0, 2.5 to 2.8). */
async function startLogoutReceiver() {
  const heard: { sid: string }[] = [];
  const ended = new Set<string>();
  const faults: string[] = [];
  const state = {
    hang: false,
    check: async (_token: string): Promise<{ sid: string }> => Promise.reject(new Error('not ready')),
  };
  const server = createServer((request, response) => {
    const run = async () => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const logout = await state.check(new URLSearchParams(body).get('logout_token') ?? '');
      heard.push(logout);
      ended.add(logout.sid);
      if (!state.hang) response.writeHead(200, { 'cache-control': 'no-store' }).end();
    };
    run().catch((error: unknown) => {
      faults.push(String(error));
      response.writeHead(400).end();
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, 'localhost', resolve));
  return Object.assign(state, {
    url: `http://localhost:${port}/logout`,
    heard,
    ended,
    faults,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}
