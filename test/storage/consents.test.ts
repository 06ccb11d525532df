import { expect, it } from 'vitest';
import { consentsOf, consentWith, saveConsent, withdrawConsent } from '../../src/storage/consents.ts';
import { withDatabases } from '../support/databases.ts';
import { later, race, storedAccount, t0 } from '../support/rows.ts';

withDatabases('consents', (makeDb) => {
  it('is withdrawn by exactly one of 20, and given anew after that', async () => {
    const { knex: db } = await makeDb();
    const { id: accountId } = await storedAccount(db);
    const given = { accountId, clientId: 'library', scopes: ['openid'], claims: ['name'], givenAt: t0 };
    await saveConsent(db, given);
    expect(await race(20, () => withdrawConsent(db, accountId, 'library', later(1)))).toBe(1);
    expect(await consentsOf(db, accountId)).toEqual([]);
    expect(await consentWith(db, accountId, 'library')).toEqual({ ...given, basis: 'agreed', withdrawn: true });
    await saveConsent(db, { ...given, basis: 'city_rules', givenAt: later(2) });
    const again = { ...given, basis: 'city_rules', withdrawn: false, givenAt: later(2) };
    expect(await consentWith(db, accountId, 'library')).toEqual(again);
    expect(await consentsOf(db, accountId)).toEqual([again]);
    expect(await consentWith(db, accountId, 'parks')).toBeNull();
  });
});

withDatabases('consents of before claims were named as they leave', (makeDb) => {
  it('become what the page showed, and what a department was passed is called so', async () => {
    const { knex: db } = await makeDb();
    const { id: accountId } = await storedAccount(db);
    const { up, down } = await import('../../migrations/202611301400_consent_basis.ts');
    await down(db);
    const metadata = (first: boolean) => JSON.stringify({ shimin_first_party: first });
    for (const [id, first] of [
      ['shop', false],
      ['office', true],
    ] as const) {
      const app = { id, metadata: metadata(first), name: '{}', purpose: '{}', owner_name: 'x' };
      await db('apps').insert({ ...app, created_at: 0, updated_at: 0 });
      const scopes = JSON.stringify(['openid', 'phone']);
      const claims = JSON.stringify(['locale', 'verified_claims']);
      await db('consents').insert({ account_id: accountId, client_id: id, scopes, claims, given_at: t0.getTime() });
    }
    await up(db);
    const [shop, office] = [await consentWith(db, accountId, 'shop'), await consentWith(db, accountId, 'office')];
    const shown = [
      'locale',
      'phone_number',
      'phone_number_verified',
      'verified_claims.name',
      'verified_claims.evidence',
    ];
    expect([shop?.basis, shop?.claims.toSorted()]).toEqual(['agreed', shown.toSorted()]);
    expect(office?.basis).toBe('city_rules');
    expect(office?.claims.toSorted()).toEqual([...shown, 'verified_claims.birthdate'].toSorted());
    expect([shop?.scopes, shop?.givenAt]).toEqual([['openid', 'phone'], t0]);
  });
});
