import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulators, startSimulators } from '../../simulators/main.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { databaseKinds } from '../support/databases.ts';
import { csrfOf } from '../support/jar.ts';
import {
  admitAtLevelOne,
  type Known,
  knownCitizen,
  type RelyingParty,
  relyingParty,
  residents,
  showPasskey,
  signIn,
} from './citizens.ts';
import {
  accessToken,
  apiOf,
  caep,
  eventOf,
  freePort,
  prepareTransmitter,
  type Received,
  registerReceiver,
  risc,
  startPoller,
  startReceiver,
  type Transmitter,
  until,
} from './support.ts';

const [one, three] = ['urn:shimin:loa:1', 'urn:shimin:loa:3'];
/** Long after an event is there on the busiest machine. How quick it is on a quiet one is no matter of a test. */
const patience = 30_000;

/** All on SQLite, fewer on PostgreSQL: the way is the same, the waiting differs. */
const rounds = { sqlite: 100, postgres: 20 } as const;

/** Many sign-ins come first; on a busy machine they take their time, which is not what is judged. */
const timeout = 180_000;

describe.each(databaseKinds)('the register takes a person back [%s]', { timeout }, (kind) => {
  let transmitter: Transmitter;
  let simulators: Simulators;
  let receiver: Awaited<ReturnType<typeof startReceiver>>;
  let poller: ReturnType<typeof startPoller>;
  let app: RelyingParty;
  type Somebody = { known: Known; session: Awaited<ReturnType<typeof signIn>> };
  let people: readonly Somebody[];
  let mortal: Somebody | undefined;
  let doomed: Somebody | undefined;

  beforeAll(async () => {
    const simulatorsPort = await freePort();
    transmitter = await prepareTransmitter(kind, {
      SHIMIN_POPULATION_URL: `http://localhost:${simulatorsPort}/population`,
    });
    const { issuer, database, keyring } = transmitter;
    const deps = { db: database.knex, keyring, clock: systemClock };
    await registerReceiver(deps, 'receiver');
    await admitAtLevelOne(deps, 'receiver');
    simulators = await startSimulators({
      port: simulatorsPort,
      seedSize: 1_000,
      notify: `${issuer}/notifications/population`,
    });
    await transmitter.start();
    receiver = await startReceiver(issuer, 'receiver');
    const token = await accessToken(issuer, 'receiver');
    const api = apiOf(issuer, token);
    const delivery = { method: 'urn:ietf:rfc:8935', endpoint_url: receiver.url };
    await api('POST', '/ssf/stream', { delivery });
    const { body: polled } = await api('POST', '/ssf/stream', { delivery: { method: 'urn:ietf:rfc:8936' } });
    poller = startPoller(issuer, 'receiver', token, polled.delivery.endpoint_url);

    app = relyingParty(issuer, 'receiver');
    const made = [];
    for (const [number, resident] of residents(rounds[kind] + 2).entries()) {
      const known = await knownCitizen(deps, resident, number);
      made.push({ known, session: await signIn(issuer, app, known) });
    }
    [mortal, doomed] = [made.pop(), made.pop()];
    people = made;
  }, timeout);
  afterAll(async () => {
    await poller?.close();
    await receiver?.close();
    await simulators?.close();
    await transmitter?.close();
  });

  const acrOf = (idToken: string) => decodeJwt(idToken).acr;
  const levelOf = (item: Received) => eventOf(item.claims)?.body.current_level;
  const aboutSubject = (items: readonly Received[], subject: string) =>
    items.find(({ claims }) => Reflect.get(Object(claims.sub_id), 'sub') === subject);

  it('D20 lowers the next token, refresh, userinfo and introspection, and its apps hear of each once', async () => {
    for (const [round, { known, session }] of people.entries()) {
      const { tokens, browser, subject } = session;
      expect(acrOf(tokens.id_token)).toBe(three);
      if (round % 10 === 0) {
        expect((await app.userinfo(tokens.access_token)).body.acr).toBe(three);
        expect((await app.introspect(tokens.access_token)).acr).toBe(three);
      }
      const status = 'cancelled';
      const fate = await fetch(`${simulators.url}/population/people/${known.resident.number}/fate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ status }),
      });
      expect(await fate.json()).toMatchObject({ status, notified: true });

      const [refreshed, renewed, userinfo, access, offline] = await Promise.all([
        app.refresh(tokens.refresh_token),
        app.again(browser),
        app.userinfo(tokens.access_token),
        app.introspect(tokens.access_token),
        app.introspect(tokens.refresh_token),
      ]);
      expect([acrOf(refreshed.id_token), acrOf(renewed.id_token)]).toEqual([one, one]);
      expect(userinfo.body).toMatchObject({ sub: subject, acr: one, assurance: { ial: 0 } });
      expect(access).toMatchObject({ active: true, acr: one });
      // The refresh above may have used it up by now; as long as it lives it claims no more than what is left.
      if (offline.active) expect(offline).toMatchObject({ acr: one });
      const fresh = await app.introspect(refreshed.refresh_token);
      expect(fresh).toMatchObject({ active: true, acr: one });

      const pushed = await until(() => aboutSubject([...receiver.effects.values()], subject), patience);
      const polled = await until(() => aboutSubject(poller.received, subject), patience);
      for (const item of [pushed, polled]) {
        expect(eventOf(item.claims)).toMatchObject({
          type: caep('assurance-level-change'),
          body: {
            namespace: 'urn:shimin:loa',
            current_level: one,
            previous_level: three,
            change_direction: 'decrease',
            initiating_entity: 'system',
            reason_admin: { en: status },
          },
        });
      }
      // One citizen, one event each way, before the next citizen's turn.
      expect([receiver.effects.size, poller.received.length]).toEqual([round + 1, round + 1]);
    }
    expect(receiver.effects.size).toBe(people.length);
    expect(poller.received).toHaveLength(people.length);
    expect([...receiver.faults, ...poller.faults]).toEqual([]);
  });

  it('hearing the same again changes nothing and tells nobody', async () => {
    const [first] = people;
    const told = receiver.effects.size;
    await fetch(`${simulators.url}/population/people/${first?.known.resident.number}/fate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ status: 'cancelled' }),
    });
    // A record that is active again proves nothing anew.
    await fetch(`${simulators.url}/population/people/${first?.known.resident.number}/fate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ status: 'active' }),
    });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(receiver.effects.size).toBe(told);
    expect(new Set([...receiver.effects.values()].map(levelOf))).toEqual(new Set([one]));
  });

  it('a notice that the register did not sign is not heard', async () => {
    const answer = await fetch(`${transmitter.issuer}/notifications/population`, {
      method: 'POST',
      headers: {
        'x-client-id': 'shimin-demo',
        'x-timestamp': String(Math.floor(Date.now() / 1000)),
        'x-nonce': 'n'.repeat(20),
        'x-signature': 'f'.repeat(64),
      },
      body: JSON.stringify({
        document_type: 'cn_resident_id',
        document_number: '440305198806151219',
        status: 'deceased',
      }),
    });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ error: 'signature_invalid' });
  });

  const fate = (known: Known, status: string) =>
    fetch(`${simulators.url}/population/people/${known.resident.number}/fate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ status }),
    });
  const about = (subject: string) =>
    poller.received.filter(({ claims }) => Reflect.get(Object(claims.sub_id), 'sub') === subject);
  const typesAbout = (subject: string) => about(subject).map(({ claims }) => eventOf(claims)?.type ?? '');

  /** No token, session or sign-in of somebody goes on at any level. */
  async function nothingGoesOn({ known, session: { tokens, browser } }: Somebody): Promise<void> {
    const refused = await app.post('/token', { grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(await app.introspect(tokens.access_token)).toEqual({ active: false });
    expect(await app.introspect(tokens.refresh_token)).toEqual({ active: false });
    expect((await app.userinfo(tokens.access_token)).status).toBe(401);
    const { outside } = await browser.follow(app.authorizePath({ prompt: 'none' }));
    expect(outside?.searchParams.get('error')).toBe('login_required');

    // Whoever has the key still signs in to nothing: the page says why, and no answer goes to the app.
    const anew = await showPasskey(transmitter.issuer, app, known);
    expect(anew.outside).toBeUndefined();
    expect(anew.page?.body).toContain('人口库登记此人已经身故');
  }
  const blocksOf = (accountId: string) =>
    transmitter.database.knex('audit').where({ account_id: accountId, type: 'intervention.set' });

  it('D20 ends everything of somebody who has died, at any level, and tells the apps once', async () => {
    if (!mortal) throw new Error('nobody');
    const { known, session } = mortal;
    expect(await (await fate(known, 'deceased')).json()).toMatchObject({ status: 'deceased', notified: true });
    await nothingGoesOn(mortal);

    await until(() => about(session.subject).length >= 3, patience);
    expect(typesAbout(session.subject).toSorted()).toEqual(
      [caep('assurance-level-change'), caep('session-revoked'), risc('account-disabled')].toSorted(),
    );
    expect(await blocksOf(known.accountId)).toMatchObject([{ reason: 'deceased' }]);
    await fate(known, 'deceased');
    expect(await blocksOf(known.accountId)).toHaveLength(1);
  });

  it('ends everything when the register says so to a check of the account’s own document, without any notice', async () => {
    if (!doomed) throw new Error('nobody');
    const { known, session } = doomed;
    const { browser, subject } = session;
    // Their record was cancelled, so that they prove themselves anew; what became of it meanwhile nobody has told us.
    await fate(known, 'cancelled');
    await fetch(`${simulators.url}/population/_control/people/${known.resident.number}`, {
      method: 'PUT',
      body: JSON.stringify({ status: 'deceased' }),
    });
    expect((await app.introspect(session.tokens.access_token)).active).toBe(true);
    const wish = { id_token: { acr: { essential: true, values: ['urn:shimin:loa:2'] } } };
    const { at, page } = await browser.follow(app.authorizePath({ claims: JSON.stringify(wish) }));
    let html = page?.body ?? '';
    const post = async (action: string, fields: Record<string, string>) => {
      const sent = await browser.send('POST', `${at.pathname}/${action}`, {
        headers: { origin: transmitter.issuer },
        body: `${new URLSearchParams({ _csrf: csrfOf(html), ...fields })}`,
      });
      html = (await browser.follow(sent.location ?? at.pathname)).page?.body ?? '';
    };
    if (html.includes('/choose"')) await post('choose', { way: 'population' });
    await post('prove/population', { name: known.resident.name, number: known.resident.number });

    await nothingGoesOn(doomed);
    await until(() => typesAbout(subject).includes(risc('account-disabled')), patience);
    expect(typesAbout(subject)).toEqual(
      expect.arrayContaining([caep('session-revoked'), risc('account-disabled'), caep('assurance-level-change')]),
    );
    expect(await blocksOf(known.accountId)).toMatchObject([{ reason: 'deceased' }]);
  });
});
