import { beforeEach, describe, expect, it } from 'vitest';
import type { UpstreamFacts } from '../../src/assurance/upstream-facts.ts';
import { linkIdentity, signInByBridge } from '../../src/commands/link-identity.ts';
import { recordEvidence } from '../../src/commands/record-evidence.ts';
import { type FirstAuthenticator, proposeAccount, registerCitizen } from '../../src/commands/register-citizen.ts';
import { newId, randomToken } from '../../src/lib/crypto.ts';
import { ShiminError } from '../../src/lib/errors.ts';
import { findAccountByContact, personOf } from '../../src/storage/accounts.ts';
import type { Db } from '../../src/storage/db.ts';
import { withDatabases } from '../support/databases.ts';
import { storedAccount, testKeyring } from '../support/rows.ts';

const cause = { requestId: null, clientId: 'library' };
const chan = { name: '陳大文', birthDate: '1985-03-03', category: 'hong_kong' as const };
const permit = { type: 'cn_hm_travel_permit', number: 'H12345678' };
const residence = { type: 'cn_hmt_residence_permit', number: '810000198503031018' };
const card = { type: 'hk_id', number: 'A123456(3)' };
const phone = '+85291234567';

/** What an upstream says of Chan; `subject` is who it says it to. */
function upstream(bridge: string, document: { type: string; number: string }, subject = 'chan'): UpstreamFacts {
  return {
    bridge,
    subjects: [{ part: 'sub', of: ['app', subject] }],
    supersedes: false,
    claims: { ...chan, documentType: document.type, documentNumber: document.number },
    event: {
      method: 'bridge',
      at: new Date(),
      factors: ['possession', 'inherence'],
      userVerified: false,
      phishingResistant: false,
      deviceBound: false,
    },
    evidence: {
      kind: 'upstream',
      source: bridge,
      strength: 'superior',
      category: chan.category,
      confirmed: ['name', 'document_number', 'birth_date'],
      expiresAt: null,
    },
  };
}

/** Refusals that a race may end in; anything else is a defect. */
const lost = new Set(['identity_in_use', 'identity_mismatch', 'identity_unknown']);

withDatabases('one person, one account', (makeDb) => {
  let db: Db;
  beforeEach(async () => {
    ({ knex: db } = await makeDb());
  });
  const deps = () => ({ db, clock: () => new Date(), keyring: testKeyring });
  const count = async (table: string) => Number((await db(table).count('* as n').first())?.n);

  const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof ShiminError)) throw error;
      // Too many at once for this machine's connections: told to come again, and they do.
      if (error.code === 'storage_unavailable') return attempt(work);
      if (lost.has(error.code)) return false;
      throw error;
    }
  };

  const passkey = (): FirstAuthenticator => ({
    kind: 'passkey',
    passkey: {
      credentialId: randomToken(),
      publicKey: Buffer.from([1]),
      counter: 0,
      transports: ['internal'],
      backupEligible: false,
      backupState: false,
      userVerifiedAtRegistration: true,
      aaguid: '00000000-0000-0000-0000-000000000000',
      name: 'test',
    },
  });
  const register = (first: FirstAuthenticator) =>
    registerCitizen(deps(), {
      ...proposeAccount(),
      phone,
      locale: 'zh-Hant',
      interaction: newId(),
      first,
      facts: [],
      cause,
    });
  const check = (accountId: string, document: { type: string; number: string }, other = [permit, residence]) =>
    recordEvidence(deps(), {
      accountId,
      facts: {
        kind: 'document',
        source: 'exit-entry',
        strength: 'strong',
        category: chan.category,
        confirmed: ['name', 'document_number'],
        expiresAt: null,
        reference: randomToken(8),
      },
      claims: { ...chan, documentType: document.type, documentNumber: document.number, otherDocuments: other },
      cause,
    });

  describe('200 attempts at once', () => {
    it('to register, prove and link one person by different ways end with one person and one account', async () => {
      const ways = [
        () => register(passkey()),
        () => register({ kind: 'bridge', facts: upstream('iam-smart', card) }),
        () => register({ kind: 'bridge', facts: upstream('guangdong', permit) }),
        () => register({ kind: 'bridge', facts: upstream('alipay', permit) }),
      ];
      // Each goes on as far as it gets: whoever did not make the account signs in to it, proves and links.
      const goOn = async (i: number) => {
        const owner = await findAccountByContact(db, testKeyring, 'phone', phone);
        if (owner === null) return;
        const { accountId } = owner;
        const on = [
          () => check(accountId, permit),
          () => check(accountId, residence),
          () =>
            linkIdentity(deps(), {
              accountId,
              facts: upstream('iam-smart', card),
              ground: { kind: 'new_account' },
              interaction: null,
              cause,
            }),
          () =>
            linkIdentity(deps(), {
              accountId,
              facts: upstream('guangdong', permit),
              ground: { kind: 'new_account' },
              interaction: null,
              cause,
            }),
          () => signInByBridge(deps(), { facts: upstream('alipay', permit), interaction: newId(), cause }),
        ];
        await attempt(on[i % on.length] ?? (() => Promise.resolve()));
      };
      const made = await Promise.all(
        Array.from({ length: 200 }, async (_, i) => {
          const first = await attempt(ways[i % ways.length] ?? (() => Promise.resolve()));
          await goOn(i);
          return first;
        }),
      );
      expect(made.filter(Boolean)).toHaveLength(1);
      expect(await count('accounts')).toBe(1);
      expect(await count('persons')).toBe(1);
      expect(await count('contacts')).toBe(1);
      const owner = await findAccountByContact(db, testKeyring, 'phone', phone);
      const person = await personOf(db, testKeyring, owner?.accountId ?? '');
      expect(person?.documents.map(({ type }) => type).sort()).toEqual([permit.type, residence.type, card.type].sort());
      const bridges = await db('external_identities').select('bridge').orderBy('bridge');
      expect(new Set(bridges.map(({ bridge }) => bridge)).size).toBe(bridges.length);
    });

    it('of 200 accounts to be one person: the first is, by whatever paper, and the others are not', async () => {
      const accounts = await Promise.all(Array.from({ length: 200 }, () => storedAccount(db)));
      const won = await Promise.all(
        accounts.map(({ id }, i) =>
          attempt(() =>
            i % 3 === 0
              ? check(id, permit)
              : i % 3 === 1
                ? check(id, residence)
                : linkIdentity(deps(), {
                    accountId: id,
                    facts: upstream('guangdong', permit, `chan-${i}`),
                    ground: { kind: 'new_account' },
                    interaction: null,
                    cause,
                  }),
          ),
        ),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await count('persons')).toBe(1);
      // Nothing of the others is half there.
      expect(await count('evidence')).toBe(1);
      expect(await count('external_identities')).toBeLessThanOrEqual(1);
    });

    it('D11 of 200 accounts to link one upstream identity: one owns it', async () => {
      const accounts = await Promise.all(Array.from({ length: 200 }, () => storedAccount(db)));
      const facts = { ...upstream('wechat', permit), claims: {}, evidence: null };
      const won = await Promise.all(
        accounts.map(({ id }) =>
          attempt(() =>
            linkIdentity(deps(), { accountId: id, facts, ground: { kind: 'new_account' }, interaction: null, cause }),
          ),
        ),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await count('external_identities')).toBe(1);
      expect(await count('external_identity_keys')).toBe(1);
    });
  });
});
