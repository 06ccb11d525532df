import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Citizen, newCitizen, password, totpCode } from '../../bench/citizens.ts';
import { createHashQueue, hashPassword } from '../../src/authenticators/password.ts';
import { newTotpSecret } from '../../src/authenticators/totp.ts';
import type { CommandDeps } from '../../src/commands/command.ts';
import { registerCitizen } from '../../src/commands/register-citizen.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { newId } from '../../src/lib/crypto.ts';
import { readSecrets } from '../../src/secrets.ts';
import { connect, type Database } from '../../src/storage/db.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { databaseKinds, type FreshDatabase, freshDatabase } from '../support/databases.ts';
import { csrfOf, Jar } from '../support/jar.ts';

// SP 800-63B-4 3.1.1.2: a password that stands alone has 15 characters at least; ours may have 8 for that reason.
describe.each(databaseKinds)('a password alone [%s]', { timeout: 60_000 }, (kind) => {
  let fresh: FreshDatabase;
  let city: TestCity;
  let database: Database;
  let citizen: Citizen;
  const accountId = newId();

  beforeAll(async () => {
    fresh = await freshDatabase(kind);
    city = await startCity({ SHIMIN_DATABASE_URL: fresh.url });
    database = connect(fresh.url);
    const keyring = await readSecrets(city.env.SHIMIN_SECRETS ?? '');
    const deps: CommandDeps = { db: database.knex, keyring, clock: systemClock };
    citizen = newCitizen(1, newTotpSecret()).citizen;
    const hash = await hashPassword({ queue: createHashQueue(), pepper: keyring.pepper, password });
    await registerCitizen(deps, {
      ...{ accountId, userHandle: citizen.userHandle, phone: citizen.phone, locale: 'en', interaction: newId() },
      first: { kind: 'password', hash, totpSecret: citizen.totpSecret, totpStep: 0, recoveryHashes: [] },
      facts: [],
      cause: { requestId: null, clientId: null },
    });
  });
  afterAll(async () => {
    await database?.close();
    await city?.close();
    await fresh?.remove();
  });

  const lines = () => database.knex('audit').where({ type: 'authentication.succeeded', account_id: accountId });
  /** A browser that has typed phone number and password, and is asked for the code. */
  async function halfway() {
    const browser = new Jar(city.issuer);
    const { to } = await new Jar(city.urls.apps.library ?? '').get('/sign-in');
    const { at, body } = await browser.follow(to?.href ?? '');
    const csrf = { _csrf: csrfOf(body) };
    const sent = await browser.post(`${at.pathname}/password`, { ...csrf, phone: citizen.phone, password });
    expect(sent.status).toBe(303);
    expect((await browser.follow(sent.to?.href ?? '')).body).toContain('/totp"');
    return { browser, base: at.pathname, csrf };
  }

  it('signs nobody in, also not by the address that ends a sign-in', async () => {
    const { browser, base } = await halfway();
    for (const path of [base.replace('/interaction/', '/auth/'), '/account']) {
      const { at, to } = await browser.follow(new URL(path, city.issuer).href);
      expect([at.pathname.split('/')[1], to?.searchParams.get('code') ?? null]).toEqual(['interaction', null]);
    }
    expect(await lines()).toEqual([]);
  });

  it('signs in with the code of the authenticator app', async () => {
    const { browser, base, csrf } = await halfway();
    const { to } = await browser.post(`${base}/totp`, { ...csrf, code: totpCode(citizen) });
    const { to: home } = await browser.follow(to?.href ?? '');
    expect(home?.searchParams.get('code')).toMatch(/^[\w-]{20,}$/);
    expect((await lines()).length).toBeGreaterThan(0);
  });
});
