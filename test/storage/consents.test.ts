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
