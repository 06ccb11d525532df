import { randomUUID } from 'node:crypto';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordEvidence } from '../../src/commands/record-evidence.ts';
import { systemClock } from '../../src/lib/clock.ts';
import {
  admitAtLevelOne,
  type Known,
  knownCitizen,
  type RelyingParty,
  relyingParty,
  residents,
  signIn,
  type Tokens,
} from '../signals/citizens.ts';
import { prepareTransmitter, registerReceiver, type Transmitter } from '../signals/support.ts';
import { databaseKinds } from '../support/databases.ts';

const [three, four] = ['urn:shimin:loa:3', 'urn:shimin:loa:4'];

describe.each(databaseKinds)('every answer of one grant is judged alike [%s]', { timeout: 60_000 }, (kind) => {
  let transmitter: Transmitter;
  let app: RelyingParty;
  let other: RelyingParty;
  const people: Known[] = [];

  beforeAll(async () => {
    transmitter = await prepareTransmitter(kind);
    const { issuer, database, keyring } = transmitter;
    const deps = { db: database.knex, keyring, clock: systemClock };
    for (const id of ['receiver', 'second']) await registerReceiver(deps, id, { scope: 'openid' });
    await admitAtLevelOne(deps, 'receiver', 'second');
    await transmitter.start();
    [app, other] = [relyingParty(issuer, 'receiver'), relyingParty(issuer, 'second')];
    for (const [number, resident] of residents(5).entries()) {
      const known = await knownCitizen(deps, resident, number);
      await recordEvidence(deps, {
        accountId: known.accountId,
        facts: {
          ...{ kind: 'counter', source: 'counter', strength: 'superior', category: 'mainland' },
          ...{ confirmed: ['name', 'document_number', 'photo', 'officials:2'], expiresAt: null },
          reference: randomUUID(),
        },
        cause: { requestId: null, clientId: null },
      });
      people.push(known);
    }
  }, 120_000);
  afterAll(async () => {
    await transmitter?.close();
  });

  const person = (number: number): Known => {
    const known = people[number];
    if (!known) throw new Error(`no person ${number}`);
    return known;
  };
  const said = ({ acr, amr, auth_time, assurance }: Record<string, unknown>) => ({ acr, amr, auth_time, assurance });

  /** What each door says of one grant, the refreshed tokens' doors included; all the same, or this fails. */
  async function answersOf({ id_token, access_token, refresh_token }: Tokens) {
    const first = [
      said(decodeJwt(id_token)),
      said((await app.userinfo(access_token)).body),
      said(await app.introspect(access_token)),
      said(await app.introspect(refresh_token)),
    ];
    const again = await app.refresh(refresh_token);
    const second = [
      said(decodeJwt(again.id_token)),
      said((await app.userinfo(again.access_token)).body),
      said(await app.introspect(again.access_token)),
      said(await app.introspect(again.refresh_token)),
    ];
    const [one, ...others] = [...first, ...second];
    for (const other of others) expect(other).toEqual(one);
    return one ?? {};
  }

  it('over single sign-on no answer says a level that needs a ceremony in this interaction', async () => {
    const { tokens, browser } = await signIn(transmitter.issuer, app, person(0));
    expect(await answersOf(tokens)).toMatchObject({ acr: four, assurance: { level: four } });
    expect(await answersOf(await app.again(browser))).toMatchObject({
      acr: three,
      assurance: { level: three, aal: 2 },
    });
  });

  it('a grant keeps to the interaction it came of, whatever the session does later at another app', async () => {
    const { tokens, browser } = await signIn(transmitter.issuer, other, person(1));
    const silent = await app.again(browser);
    const before = await answersOf(silent);
    expect(before).toMatchObject({ acr: three, assurance: { level: three } });
    // The other app's own grant came of the ceremony, and goes on saying so beside it.
    expect(said(await other.introspect(tokens.access_token))).toMatchObject({ acr: four, assurance: { level: four } });
  });

  it('the label that was asked for is the label of every answer, dated by the same sign-in', async () => {
    const { browser } = await signIn(transmitter.issuer, app, person(2));
    for (const label of ['urn:shimin:loa:2', 'http://eidas.europa.eu/LoA/low', 'phr', 'urn:shimin:loa:1']) {
      const { outside } = await browser.follow(app.authorizePath({ prompt: 'none', acr_values: label }));
      const tokens = await app.exchange(outside?.searchParams.get('code') ?? '');
      expect(await answersOf(tokens)).toMatchObject({ acr: label, assurance: { level: three } });
    }
  });

  it('a token of before the origin was kept claims no level that needs a ceremony of its own', async () => {
    const { tokens } = await signIn(transmitter.issuer, app, person(3));
    expect((await app.introspect(tokens.access_token)).assurance.level).toBe(four);
    const { knex } = transmitter.database;
    const rows = await knex('oidc_models').whereIn('model', ['AccessToken', 'RefreshToken']).select('key', 'payload');
    for (const { key, payload } of rows) {
      const { made, ...rest } = JSON.parse(payload);
      await knex('oidc_models')
        .where({ key })
        .update({ payload: JSON.stringify(rest) });
    }
    expect(await app.introspect(tokens.access_token)).toMatchObject({ active: true, assurance: { level: three } });
    expect(await app.introspect(tokens.refresh_token)).toMatchObject({ active: true, assurance: { level: three } });
  });

  it('a sign-in at an upstream that showed no new one answers neither max_age nor prompt=login', async () => {
    const { browser } = await signIn(transmitter.issuer, app, person(4));
    const { knex } = transmitter.database;
    const ask = async (extra: Record<string, string>) => {
      const { outside, at } = await browser.follow(app.authorizePath(extra));
      return outside?.searchParams.get('error') ?? (outside ? 'code' : at.pathname.split('/')[1]);
    };
    expect(await ask({ prompt: 'none', max_age: '3600' })).toBe('code');
    const event = { method: 'bridge', credential_id: 'openid:1', stale: true };
    await knex('authentication_events')
      .where({ account_id: person(4).accountId })
      .update(event);
    expect(await ask({ prompt: 'none' })).toBe('code');
    expect(await ask({ prompt: 'none', max_age: '3600' })).toBe('login_required');
    expect(await ask({ max_age: '3600' })).toBe('interaction');
  });
});
