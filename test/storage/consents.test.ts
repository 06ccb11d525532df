import { expect, it } from 'vitest';
import { findConsent, saveConsent, wasWithdrawn, withdrawConsent } from '../../src/storage/consents.ts';
import { withDatabases } from '../support/databases.ts';
import { later, race, storedAccount, t0 } from '../support/rows.ts';

withDatabases('consents', (makeDb) => {
  it('is withdrawn by exactly one of 20, and given anew after that', async () => {
    const { knex: db } = await makeDb();
    const { id: accountId } = await storedAccount(db);
    const given = { accountId, clientId: 'library', scopes: ['openid'], claims: ['name'], givenAt: t0 };
    await saveConsent(db, given);
    expect(await race(20, () => withdrawConsent(db, accountId, 'library', later(1)))).toBe(1);
    expect(await findConsent(db, accountId, 'library')).toBeNull();
    expect(await wasWithdrawn(db, accountId, 'library')).toBe(true);
    await saveConsent(db, { ...given, givenAt: later(2) });
    expect(await findConsent(db, accountId, 'library')).toEqual({ ...given, givenAt: later(2) });
  });
});
