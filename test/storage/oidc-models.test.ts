import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { clockMarginMs } from '../../src/lib/clock.ts';
import { answerReplay } from '../../src/oidc/provider.ts';
import {
  endEngineSessions,
  grantsOfAccount,
  pruneExpired,
  revokeGrant,
  revokeGrantsOfAccount,
} from '../../src/storage/oidc-models/grants.ts';
import { type Opened, openPostgres, openSqlite } from './oidc-models-databases.ts';
import { models, onReplay } from './oidc-models-support.ts';

const names = [
  'AccessToken',
  'AuthorizationCode',
  'BackchannelAuthenticationRequest',
  'ClientCredentials',
  'DeviceCode',
  'Grant',
  'Interaction',
  'PreAuthorizedCode',
  'PushedAuthorizationRequest',
  'RefreshToken',
  'ReplayDetection',
  'Session',
];
const revocable = [
  'AccessToken',
  'AuthorizationCode',
  'RefreshToken',
  'DeviceCode',
  'BackchannelAuthenticationRequest',
  'PreAuthorizedCode',
];

describe.each([
  ['sqlite', openSqlite],
  ['postgres', openPostgres],
])('engine models on %s', (_kind, open) => {
  let opened: Opened;
  let now = Date.UTC(2030, 0, 1);
  let parts: ReturnType<typeof models>;
  beforeAll(async () => {
    opened = await open();
  }, 120_000);
  afterAll(() => opened.stop());
  beforeEach(async () => {
    await opened.database.knex('oidc_models').delete();
    parts = models(opened.database, () => new Date(now));
  });

  const direct = (work: () => Promise<void>) => work();
  const scoped = (work: () => Promise<void>) => parts.requestScope()({}, work);

  describe.each(names)('%s', (name) => {
    test.each([
      ['directly', direct],
      ['within a request', scoped],
    ])('is found as it was put, %s', async (_how, run) => {
      const adapter = parts.adapter(name);
      const payload = {
        jti: 'id-1',
        kind: name,
        iat: 1,
        accountId: 'a',
        scope: 'openid 市民',
        nested: { list: [1, 'b'] },
      };
      await run(async () => {
        await adapter.upsert('id-1', payload, 60);
        expect(await adapter.find('id-1')).toEqual(payload);
        await adapter.upsert('id-1', { ...payload, iat: 2 }, 60);
        expect(await adapter.find('id-1')).toEqual({ ...payload, iat: 2 });
      });
      expect(await adapter.find('id-1')).toEqual({ ...payload, iat: 2 });
      expect(await adapter.find('id-2')).toBeUndefined();
      await run(async () => {
        await adapter.find('id-1');
        await adapter.destroy('id-1');
        expect(await adapter.find('id-1')).toBeUndefined();
      });
      expect(await adapter.find('id-1')).toBeUndefined();
    });

    test('is never returned once expired, and is pruned then', async () => {
      const adapter = parts.adapter(name);
      await adapter.upsert('short', { jti: 'short', uid: 'u', userCode: 'ABCD' }, 10);
      await adapter.upsert('long', { jti: 'long' });
      expect(await pruneExpired(opened.database.knex, new Date(now))).toBe(0);
      now += 10_000;
      expect(await adapter.find('short')).toBeUndefined();
      expect(await adapter.findByUid('u')).toBeUndefined();
      expect(await adapter.findByUserCode('ABCD')).toBeUndefined();
      expect(await pruneExpired(opened.database.knex, new Date(now))).toBe(1);
      expect(await adapter.find('long')).toEqual({ jti: 'long' });
    });

    test('is consumed by one of many, stays visible as consumed, and the rest fail', async () => {
      const adapter = parts.adapter(name);
      await adapter.upsert('once', { jti: 'once' }, 60);
      const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => adapter.consume('once')));
      expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
      expect(await adapter.find('once')).toEqual({ jti: 'once', consumed: Math.floor(now / 1000) });
      await adapter.upsert('once', { jti: 'once' }, 60);
      expect(await adapter.find('once')).toEqual({ jti: 'once', consumed: Math.floor(now / 1000) });
      await expect(adapter.consume('never issued')).rejects.toThrow();
    });
  });

  test.each(revocable)('revoking a grant ends its %s and no other', async (name) => {
    const adapter = parts.adapter(name);
    await adapter.upsert('a', { jti: 'a', grantId: 'g1' }, 60);
    await adapter.upsert('b', { jti: 'b', grantId: 'g2' }, 60);
    await scoped(async () => {
      await adapter.find('a');
      await adapter.upsert('c', { jti: 'c', grantId: 'g1' }, 60);
      await adapter.revokeByGrantId('g1');
      expect(await adapter.find('a')).toBeUndefined();
    });
    expect(await adapter.find('a')).toBeUndefined();
    expect(await adapter.find('c')).toBeUndefined();
    expect(await adapter.find('b')).toEqual({ jti: 'b', grantId: 'g2' });
  });

  test('losing the race for a token ends its grant and the whole family (B-14, B-19)', async () => {
    await parts.adapter('Grant').upsert('g', { jti: 'g', accountId: 'a', clientId: 'c' }, 60);
    await parts.adapter('RefreshToken').upsert('r', { jti: 'r', grantId: 'g' }, 60);
    await parts.adapter('AccessToken').upsert('t', { jti: 't', grantId: 'g' }, 60);
    await parts.adapter('RefreshToken').consume('r');
    await expect(parts.adapter('RefreshToken').consume('r')).rejects.toThrow(/invalid_grant/);
    expect(await parts.adapter('AccessToken').find('t')).toBeUndefined();
    expect(await parts.adapter('Grant').find('g')).toBeUndefined();
  });

  test('a session is found by its uid, a device code by its user code, within a request too', async () => {
    await scoped(async () => {
      await parts.adapter('Session').upsert('cookie', { jti: 'cookie', uid: 'u1', accountId: 'a' }, 60);
      expect(await parts.adapter('Session').findByUid('u1')).toEqual({ uid: 'u1', accountId: 'a' });
    });
    expect(await parts.adapter('Session').findByUid('u1')).toEqual({ uid: 'u1', accountId: 'a' });
    await parts.adapter('DeviceCode').upsert('d', { jti: 'd', userCode: 'WXYZ', grantId: 'g' }, 60);
    expect(await parts.adapter('DeviceCode').findByUserCode('WXYZ')).toEqual({ userCode: 'WXYZ', grantId: 'g' });
  });

  test('nothing of a request is written before its end, and all of it at its end', async () => {
    const other = models(opened.again(), () => new Date(now));
    await scoped(async () => {
      await parts.adapter('AccessToken').upsert('t1', { jti: 't1' }, 60);
      await parts.adapter('RefreshToken').upsert('t2', { jti: 't2' }, 60);
      expect(await other.adapter('AccessToken').find('t1')).toBeUndefined();
    });
    expect(await other.adapter('AccessToken').find('t1')).toEqual({ jti: 't1' });
    expect(await other.adapter('RefreshToken').find('t2')).toEqual({ jti: 't2' });
  });

  test('a request whose writes fail, fails', async () => {
    const failing = scoped(async () => {
      await parts.adapter('AccessToken').upsert('x', { jti: 'x', sessionUid: 'u' }, 60);
      await opened.database.knex.schema.renameTable('oidc_models', 'oidc_models_away');
    });
    await expect(failing).rejects.toThrow();
    await opened.database.knex.schema.renameTable('oidc_models_away', 'oidc_models');
  });

  test('what runs on after the answer writes at once', async () => {
    let late: Promise<void> | undefined;
    await scoped(async () => {
      late = new Promise((resolve) => setTimeout(resolve, 30)).then(() =>
        parts.adapter('Grant').upsert('late', { jti: 'late' }, 60),
      );
    });
    await late;
    expect(await parts.adapter('Grant').find('late')).toEqual({ jti: 'late' });
  });

  test('two requests that sign in to two apps at once both keep their authorization in the session', async () => {
    const session = parts.adapter('Session');
    const base = { jti: 's', uid: 'u', accountId: 'a', authorizations: { old: { grantId: 'g0' } } };
    await session.upsert('s', base, 60);
    await Promise.all(
      ['one', 'two', 'three'].map((client) =>
        scoped(async () => {
          const found = await session.find('s');
          await new Promise((resolve) => setTimeout(resolve, 20));
          await session.upsert(
            's',
            { ...found, authorizations: { ...base.authorizations, [client]: { grantId: client } } },
            60,
          );
        }),
      ),
    );
    expect(await session.find('s')).toEqual({
      ...base,
      authorizations: {
        old: { grantId: 'g0' },
        one: { grantId: 'one' },
        two: { grantId: 'two' },
        three: { grantId: 'three' },
      },
    });
  });

  test('a session that was ended meanwhile is not brought back by a request in flight', async () => {
    const session = parts.adapter('Session');
    await session.upsert('s', { jti: 's', uid: 'u', accountId: 'a' }, 60);
    await scoped(async () => {
      const found = await session.find('s');
      await endEngineSessions(opened.database.knex, { accountId: 'a' });
      await session.upsert('s', { ...found, touched: true }, 60);
    });
    expect(await session.find('s')).toBeUndefined();
  });

  test('sessions of an account are ended with their tokens: one, all but one, all', async () => {
    const { knex } = opened.database;
    const fill = async () => {
      await knex('oidc_models').delete();
      await parts.adapter('Grant').upsert('g', { jti: 'g', accountId: 'a', clientId: 'c' }, 60);
      for (const uid of ['u1', 'u2', 'u3']) {
        await parts.adapter('Session').upsert(`s-${uid}`, { jti: `s-${uid}`, uid, accountId: 'a' }, 60);
        await parts.adapter('RefreshToken').upsert(`r-${uid}`, { jti: `r-${uid}`, grantId: 'g', sessionUid: uid }, 60);
      }
      await parts.adapter('Session').upsert('foreign', { jti: 'foreign', uid: 'u9', accountId: 'b' }, 60);
    };
    const alive = async () => {
      const found: string[] = [];
      for (const uid of ['u1', 'u2', 'u3']) {
        if (await parts.adapter('Session').find(`s-${uid}`)) found.push(`s-${uid}`);
        if (await parts.adapter('RefreshToken').find(`r-${uid}`)) found.push(`r-${uid}`);
      }
      return found;
    };
    await fill();
    expect(await endEngineSessions(knex, { accountId: 'a', uid: 'u1' })).toEqual(['u1']);
    expect(await alive()).toEqual(['s-u2', 'r-u2', 's-u3', 'r-u3']);
    await fill();
    expect((await endEngineSessions(knex, { accountId: 'a', exceptUid: 'u1' })).sort()).toEqual(['u2', 'u3']);
    expect(await alive()).toEqual(['s-u1', 'r-u1']);
    expect(await endEngineSessions(knex, { accountId: 'a' })).toEqual(['u1']);
    expect(await endEngineSessions(knex, { accountId: 'b', uid: 'u1' })).toEqual([]);
    expect(await parts.adapter('Session').find('foreign')).toMatchObject({ jti: 'foreign' });
  });

  test('grants of an account are listed with what they cover, and revoked one by one or by app', async () => {
    const { knex } = opened.database;
    const openid = { scope: 'openid profile', claims: ['name'] };
    await parts.adapter('Grant').upsert('g1', { jti: 'g1', accountId: 'a', clientId: 'c1', iat: 10, openid }, 60);
    await parts.adapter('Grant').upsert('g2', { jti: 'g2', accountId: 'a', clientId: 'c2', iat: 20 }, 60);
    await parts.adapter('Grant').upsert('g3', { jti: 'g3', accountId: 'b', clientId: 'c1', iat: 20 }, 60);
    await parts.adapter('RefreshToken').upsert('r1', { jti: 'r1', grantId: 'g1' }, 60);
    await parts.adapter('RefreshToken').upsert('r2', { jti: 'r2', grantId: 'g2' }, 60);
    const listed = await grantsOfAccount(knex, 'a', new Date(now));
    expect(listed.map((grant) => grant.grantId)).toEqual(['g2', 'g1']);
    expect(listed[1]).toMatchObject({
      clientId: 'c1',
      scopes: ['openid', 'profile'],
      claims: ['name'],
      at: new Date(10_000),
    });
    expect(await revokeGrant(knex, 'g1')).toBe(true);
    expect(await revokeGrant(knex, 'g1')).toBe(false);
    expect(await parts.adapter('RefreshToken').find('r1')).toBeUndefined();
    expect(await revokeGrantsOfAccount(knex, 'a', 'c9')).toBe(0);
    expect(await revokeGrantsOfAccount(knex, 'a', 'c2')).toBe(1);
    expect(await parts.adapter('RefreshToken').find('r2')).toBeUndefined();
    expect(await grantsOfAccount(knex, 'b', new Date(now))).toHaveLength(1);
  });

  test('a replay entry is accepted once until it expires, over two nodes (A10)', async () => {
    const nodes = [parts, models(opened.again(), () => new Date(now))];
    for (let round = 0; round < 20; round += 1) {
      const tries = Array.from({ length: 10 }, (_, n) =>
        nodes[n % 2]?.replayUnique('client', `jti-${round}`, now / 1000 + 30),
      );
      expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1);
    }
    expect(await parts.replayUnique('clientj', 'ti-0', now / 1000 + 30)).toBe(true);
    now += 31_000;
    // Over, and still no: the clock may be set back.
    expect(await parts.replayUnique('client', 'jti-0', now / 1000 + 30)).toBe(false);
    now += clockMarginMs;
    expect(await parts.replayUnique('client', 'jti-0', now / 1000 + 30)).toBe(true);
    now += clockMarginMs + 31_000;
    expect(await pruneExpired(opened.database.knex, new Date(now), 1000)).toBeGreaterThan(0);
  });

  test('only the device flow needs a key ring', async () => {
    const { oidcModels } = await import('../../src/storage/oidc-models.ts');
    const bare = oidcModels(opened.database, { onReplay, answerReplay });
    await bare.adapter('Interaction').upsert('i', { jti: 'i' }, 60);
    await expect(bare.adapter('DeviceCode').upsert('d', { jti: 'd' }, 60)).rejects.toThrow(/key ring/);
  });
});
