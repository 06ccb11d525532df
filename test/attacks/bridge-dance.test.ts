import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandDeps } from '../../src/commands/command.ts';
import { limits } from '../../src/commands/throttles.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { blindIndex } from '../../src/lib/crypto.ts';
import { readSecrets } from '../../src/secrets.ts';
import { connect, type Database } from '../../src/storage/db.ts';
import { assignRole } from '../../src/storage/staff.ts';
import { type Known, knownCitizen, residents } from '../signals/citizens.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { databaseKinds, type FreshDatabase, freshDatabase } from '../support/databases.ts';
import { chooseThere, signedInAt } from './area-support.ts';

/** The way to an upstream and back is one, whoever sets out from where. */
describe.each(databaseKinds)('to an upstream and back [%s]', { timeout: 60_000 }, (kind) => {
  let fresh: FreshDatabase;
  let city: TestCity;
  let database: Database;
  let deps: CommandDeps;
  let known: Known;

  beforeAll(async () => {
    fresh = await freshDatabase(kind);
    city = await startCity({ SHIMIN_DATABASE_URL: fresh.url });
    database = connect(fresh.url);
    deps = { db: database.knex, keyring: await readSecrets(city.env.SHIMIN_SECRETS ?? ''), clock: systemClock };
    const [resident] = residents(1);
    if (!resident) throw new Error('nobody is there');
    known = await knownCitizen(deps, resident, 1);
    await assignRole(deps.db, { accountId: known.accountId, role: 'bridge_admin', grantedBy: 'test', at: new Date() });
  });
  afterAll(async () => {
    await database?.close();
    await city?.close();
    await fresh?.remove();
  });

  const at = (page: string) => signedInAt(city.issuer, known.citizen, page);
  const areas = [
    { page: '/account/identities', start: '/account/identities/wechat/start', done: 303 },
    { page: '/admin/bridges/wechat', start: '/admin/bridges/wechat/try', done: 200 },
  ];

  it.each(areas)(
    '$page: an answer is taken only in the browser that set out, whoever is signed in elsewhere',
    async ({ page, start, done }) => {
      const here = await at(page);
      const there = await at(page);
      const back = await chooseThere(await here.browser.post(start, { _csrf: here.csrf }), 'wang-jianguo');
      const led = await there.browser.get(back.pathname + back.search);
      const wrong = await there.browser.get(`${led.to?.pathname}${led.to?.search}`);
      expect(wrong.status).toBe(400);
      expect(await deps.db('external_identities').where({ account_id: known.accountId })).toEqual([]);
      // Whose it is, takes it, once.
      const right = await here.browser.get(`${led.to?.pathname}${led.to?.search}`);
      expect(right.status).toBe(done);
      expect((await here.browser.get(`${led.to?.pathname}${led.to?.search}`)).status).toBe(400);
      await deps.db('external_identity_keys').delete();
      await deps.db('external_identities').delete();
    },
  );

  it.each([...areas, { page: '/account/identities', start: '/account/identities/tw-fido/start', done: 0 }])(
    '$start counts by address, as the sign-in does',
    async ({ page, start }) => {
      const { browser, csrf } = await at(page);
      const sent = () => browser.post(start, { _csrf: csrf, number: 'A123456789' });
      expect((await sent()).status).toBeLessThan(400);
      const row = { hits: limits.bridgeAddress.limit };
      await deps.db('throttles').where('bucket', 'like', 'bridgeAddress:%').update(row);
      expect((await sent()).status).toBe(429);
      await deps.db('throttles').delete();
    },
  );

  it('a number that is tried at an upstream counts by the number, from the account as well', async () => {
    const { browser, csrf } = await at('/account/identities');
    const bucket = `bridgeTarget:${blindIndex(deps.keyring, 'throttle', 'A123456789')}`;
    const row = { hits: limits.bridgeTarget.limit, window_ends_at: Date.now() + 60_000, locked_until: 0 };
    await deps
      .db('throttles')
      .insert({ bucket, ...row })
      .onConflict('bucket')
      .merge();
    const start = '/account/identities/tw-fido/start';
    expect((await browser.post(start, { _csrf: csrf, number: 'a 1234 56789' })).status).toBe(429);
    await deps.db('throttles').delete();
  });

  it('an upstream is asked no oftener than it wants, from the account as well', async () => {
    const { browser, csrf } = await at('/account/identities');
    const started = await browser.post('/account/identities/tw-fido/start', { _csrf: csrf, number: 'A123456789' });
    const next = started.to ?? new URL(/url=(.*)$/.exec(String(started.headers.refresh))?.[1] ?? '', city.issuer);
    for (let look = 0; look < 3; look += 1) {
      const page = await browser.get(next.pathname + next.search);
      expect([look, page.status]).toEqual([look, 200]);
      // The code to scan stands there all the while.
      expect(page.body).toContain('class="qr"');
    }
  });
});
