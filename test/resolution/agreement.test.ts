import { beforeAll, describe, expect, it } from 'vitest';
import type { UpstreamClaims } from '../../src/assurance/upstream-facts.ts';
import { linkIdentity } from '../../src/commands/link-identity.ts';
import { recordEvidence } from '../../src/commands/record-evidence.ts';
import { proposeAccount, registerCitizen } from '../../src/commands/register-citizen.ts';
import { newId } from '../../src/lib/crypto.ts';
import { bindPerson, insertContact, personOf } from '../../src/storage/accounts.ts';
import type { Db } from '../../src/storage/db.ts';
import { evidenceOf } from '../../src/storage/evidence.ts';
import { identitiesOf } from '../../src/storage/external-identities.ts';
import { withDatabases } from '../support/databases.ts';
import { storedAccount, t0, testKeyring } from '../support/rows.ts';

const cause = { requestId: null, clientId: 'account' };
let permits = 20_000_000;

withDatabases('one account, one person', (makeDb) => {
  let db: Db;
  beforeAll(async () => {
    ({ knex: db } = await makeDb());
  });
  const deps = () => ({ db, clock: () => t0, keyring: testKeyring });

  /** An account whose holder typed a name and a number that a register knows. */
  const proved = async (person: object) => {
    const { id: accountId } = await storedAccount(db);
    permits += 1;
    const facts = { category: 'hong_kong', name: '陳大文', birthDate: '1985-03-03', at: t0 } as const;
    const document = { documentType: 'cn_hm_travel_permit', documentNumber: `H${permits}` };
    await bindPerson(db, testKeyring, { accountId, ...facts, ...document, ...person });
    return accountId;
  };

  /** The holder's own identity at an upstream that vouches for name and document. */
  const upstream = (claims: UpstreamClaims, category = claims.category ?? null) => ({
    bridge: 'iam-smart',
    subjects: [{ part: 'sub', of: ['app', newId()] as const }],
    supersedes: false,
    claims,
    event: {
      ...{ method: 'bridge' as const, at: t0, factors: ['possession', 'inherence'] as const },
      ...{ userVerified: false, phishingResistant: false, deviceBound: false },
    },
    evidence: {
      ...{ kind: 'upstream' as const, source: 'iam-smart', strength: 'superior' as const, category },
      ...{ confirmed: ['name', 'document_number'], expiresAt: null },
    },
  });
  let cards = 1_000_000;
  const card = () => {
    cards += 1;
    return { documentType: 'hk_id', documentNumber: `Z${cards}` };
  };
  const hongKong = (more: UpstreamClaims): UpstreamClaims => ({
    ...{ category: 'hong_kong', birthDate: '1985-03-03', ...card() },
    ...more,
  });
  const refused = async (accountId: string, claims: UpstreamClaims) => {
    const before = await personOf(db, testKeyring, accountId);
    const link = linkIdentity(deps(), {
      accountId,
      facts: upstream(claims),
      ground: { kind: 'new_account' },
      interaction: null,
      cause,
    });
    await expect(link).rejects.toMatchObject({ code: 'identity_mismatch' });
    expect(await identitiesOf(db, accountId)).toEqual([]);
    expect(await evidenceOf(db, accountId)).toEqual([]);
    expect(await personOf(db, testKeyring, accountId)).toEqual(before);
  };

  describe('an identity elsewhere is linked only where it is known to be the same person’s', () => {
    it('the same birthday and a name in another script: refused', async () => {
      await refused(await proved({}), hongKong({ name: 'CHAN SIU MING', latinName: 'CHAN SIU MING' }));
    });
    it('a foreigner born on the same day as a mainland resident: refused', async () => {
      const resident = { documentType: 'cn_resident_id', documentNumber: '440305198503031219' };
      const accountId = await proved({ category: 'mainland', name: '李晓明', ...resident });
      const foreign = { name: 'TAN WEI MING', documentType: 'sg_nric', documentNumber: 'S8512345D' };
      await refused(accountId, { ...foreign, latinName: 'TAN WEI MING', category: 'foreign', birthDate: '1985-03-03' });
    });
    it('the same name and birthday of another category: refused', async () => {
      await refused(await proved({}), { ...hongKong({ name: '陳大文' }), category: 'macao' });
    });
    it('the same name, and no day of birth on one side: refused', async () => {
      await refused(await proved({}), hongKong({ name: '陳大文', birthDate: undefined }));
      await refused(await proved({ birthDate: undefined }), hongKong({ name: '陳大文' }));
      await refused(await proved({ birthDate: '1985' }), hongKong({ name: '陳大文' }));
    });
    it('the same name and birthday, but another number of a document held once: refused', async () => {
      const other = { documentType: 'cn_hm_travel_permit', documentNumber: 'H10000009' };
      await refused(await proved({}), hongKong({ name: '陳大文', ...other }));
    });
    it('an identity that vouches for nothing but tells another name: refused', async () => {
      const accountId = await proved({});
      const facts = { ...upstream(hongKong({ name: '陳小明' })), evidence: null };
      await expect(
        linkIdentity(deps(), { accountId, facts, ground: { kind: 'new_account' }, interaction: null, cause }),
      ).rejects.toMatchObject({
        code: 'identity_mismatch',
      });
    });
    it('the same name and birthday by their own sign-in: linked, with its document', async () => {
      const accountId = await proved({});
      const facts = upstream(hongKong({ name: '陳大文', latinName: 'CHAN TAI MAN' }));
      await linkIdentity(deps(), { accountId, facts, ground: { kind: 'new_account' }, interaction: null, cause });
      expect((await personOf(db, testKeyring, accountId))?.documents.map(({ type }) => type).sort()).toEqual([
        'cn_hm_travel_permit',
        'hk_id',
      ]);
    });
  });

  it('a namesake’s further document that somebody typed is not theirs by name and birthday', async () => {
    const accountId = await proved({});
    const facts = {
      ...({ kind: 'document', source: 'exit-entry', strength: 'strong', category: 'hong_kong' } as const),
      ...{ confirmed: ['name', 'document_number'], expiresAt: null, reference: 'r' },
    };
    const claims = { name: '陳大文', documentType: 'cn_hmt_residence_permit', documentNumber: '810000198503031215' };
    const check = (more: UpstreamClaims) =>
      recordEvidence(deps(), { accountId, facts, claims: { ...claims, birthDate: '1985-03-03', ...more }, cause });
    await expect(check({})).rejects.toMatchObject({ code: 'identity_mismatch' });
    expect(await evidenceOf(db, accountId)).toEqual([]);
    // Unless the source itself says that both are one person's.
    const [known] = (await personOf(db, testKeyring, accountId))?.documents ?? [];
    await check({ otherDocuments: known ? [known] : [] });
    expect((await personOf(db, testKeyring, accountId))?.documents).toHaveLength(2);
  });

  it('somebody who proves with the name and number of a person known here: that person is told, once a day', async () => {
    const owner = await proved({});
    await insertContact(db, testKeyring, { accountId: owner, kind: 'phone', value: '+85290007002', confirmedAt: t0 });
    const [document] = (await personOf(db, testKeyring, owner))?.documents ?? [];
    const { id: stranger } = await storedAccount(db);
    const facts = {
      ...({ kind: 'document', source: 'exit-entry', strength: 'strong', category: 'hong_kong' } as const),
      ...{ confirmed: ['name', 'document_number'], expiresAt: null, reference: 'r-2' },
    };
    const claims = { name: '陳大文', documentType: document?.type, documentNumber: document?.number };
    const prove = () => recordEvidence(deps(), { accountId: stranger, facts, claims, cause });
    for (let i = 0; i < 3; i += 1) await expect(prove()).rejects.toMatchObject({ code: 'identity_in_use' });
    expect(await db('outbox').where({ kind: 'notice', target: owner })).toHaveLength(1);
    expect(await db('audit').where({ type: 'identity.attempted', account_id: owner })).toHaveLength(1);
    expect(await evidenceOf(db, stranger)).toEqual([]);
    // Their own proof once more is nothing to be told of.
    await recordEvidence(deps(), { accountId: owner, facts, claims, cause });
    expect(await db('outbox').where({ kind: 'notice', target: owner })).toHaveLength(1);
  });

  it('somebody who registers by an identity of a person known here: that person is told, and nothing is registered', async () => {
    const owner = await proved({});
    await insertContact(db, testKeyring, { accountId: owner, kind: 'phone', value: '+85290007003', confirmedAt: t0 });
    const [document] = (await personOf(db, testKeyring, owner))?.documents ?? [];
    const registers = (facts: ReturnType<typeof upstream>) =>
      registerCitizen(deps(), {
        ...proposeAccount(),
        ...{ phone: '+85290007004', locale: 'en', interaction: newId(), facts: [], cause },
        first: { kind: 'bridge', facts },
      });
    const accounts = async () => (await db('accounts')).length;
    const before = await accounts();
    const told = () => db('outbox').where({ kind: 'notice', target: owner });
    const claims = { name: '陳大文', documentType: document?.type, documentNumber: document?.number };
    const facts = upstream(hongKong(claims));
    await expect(registers(facts)).rejects.toMatchObject({ code: 'identity_in_use' });
    expect([await accounts(), (await told()).length]).toEqual([before, 1]);
    expect(await db('audit').where({ type: 'identity.attempted', account_id: owner })).toHaveLength(1);
    // What an upstream does not vouch for is no number of anybody's.
    const other = await proved({});
    const [theirs] = (await personOf(db, testKeyring, other))?.documents ?? [];
    const said = upstream(hongKong({ name: '陳大文', documentType: theirs?.type, documentNumber: theirs?.number }));
    await registers({ ...said, evidence: { ...said.evidence, confirmed: ['name'] } });
    expect(await db('outbox').where({ kind: 'notice', target: other })).toEqual([]);
  });
});
