import { beforeEach, expect, it } from 'vitest';
import { confirmMerge } from '../../src/commands/answer-merge.ts';
import { decideChange } from '../../src/commands/decide-change.ts';
import { proposeChange } from '../../src/commands/propose-change.ts';
import { revokeEvidence } from '../../src/commands/revoke-evidence.ts';
import { newId } from '../../src/lib/crypto.ts';
import {
  addDocument,
  bindPerson,
  contactsOf,
  findAccount,
  insertContact,
  type NewPerson,
  personOf,
} from '../../src/storage/accounts.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { insertPasskey, passkeysOf } from '../../src/storage/authenticators.ts';
import { insertCase } from '../../src/storage/counter-cases.ts';
import type { Db } from '../../src/storage/db.ts';
import { evidenceOf, insertEvidence } from '../../src/storage/evidence.ts';
import { findIdentity, identitiesOf, insertIdentity } from '../../src/storage/external-identities.ts';
import { aliasesOf, passkeyHandle } from '../../src/storage/merges.ts';
import { type Office, openOffice } from '../admin/staff-support.ts';
import { withDatabases } from '../support/databases.ts';
import { later, signedInFor, storedAccount, t0, testKeyring } from '../support/rows.ts';

const subjects = [{ part: 'sub', of: ['app', 'chan'] as [string, string] }];
const permit = { type: 'cn_hm_travel_permit', number: 'H12345678' };
const card = { type: 'hk_id', number: 'A1234563' };

withDatabases('merging two accounts of one person', (makeDb) => {
  let db: Db;
  let office: Office;
  beforeEach(async () => {
    ({ knex: db } = await makeDb());
    office = await openOffice(db);
  });

  /** The holder of each confirms it, as `test/attacks/merge-ceremony.test.ts` does over HTTP. */
  const confirm = async (change: { id: string }, accountId: string) => {
    const ceremony = await signedInFor(db, accountId, office.now);
    await confirmMerge(office.deps, {
      accountId,
      changeId: change.id,
      ceremony,
      cause: { requestId: null, clientId: 'account' },
    });
  };

  /** An account with a phone, a passkey, an identity elsewhere and a proof. */
  const citizen = async (phone: string, document: typeof permit, person: Partial<NewPerson> = {}) => {
    const { id: accountId } = await storedAccount(db);
    await insertContact(db, testKeyring, { accountId, kind: 'phone', value: phone, confirmedAt: t0 });
    await insertPasskey(db, {
      ...{ id: `p${phone}`, accountId, credentialId: `c${phone}`, publicKey: Buffer.from([1]), counter: 0 },
      ...{ transports: ['internal'], backupEligible: false, backupState: false, userVerifiedAtRegistration: true },
      ...{ aaguid: '00000000-0000-0000-0000-000000000000', name: 'test', createdAt: t0 },
    });
    await bindPerson(db, testKeyring, {
      ...{ accountId, category: 'hong_kong', name: '陳大文', birthDate: '1985-03-03', at: t0 },
      ...{ documentType: document.type, documentNumber: document.number, ...person },
    });
    await insertEvidence(db, {
      ...{ accountId, kind: 'document', source: document.type, strength: 'strong', category: 'hong_kong' },
      ...{ confirmed: ['name', 'document_number'], recordedAt: t0, expiresAt: null, reference: phone },
    });
    return accountId;
  };
  const two = async (person: Partial<NewPerson> = {}) => {
    const keepId = await citizen('+85291234567', card);
    const goneId = await citizen('+85290000001', permit, person);
    await insertIdentity(db, testKeyring, { accountId: goneId, bridge: 'iam-smart', subjects, at: t0 });
    return { keepId, goneId };
  };
  const propose = async (pair: { keepId: string; goneId: string }) =>
    proposeChange(office.deps, {
      by: await office.member('support'),
      what: { kind: 'merge', payload: pair },
      reason: 'one person',
    });
  const approve = async ({ id, revision }: { id: string; revision: number }) =>
    decideChange(office.deps, {
      ...{ by: await office.member('support'), id, revision },
      ...{ decision: 'approve', reason: '' },
    });
  const mergeBoth = async (pair: { keepId: string; goneId: string }) => {
    const change = await propose(pair);
    await confirm(change, pair.keepId);
    await confirm(change, pair.goneId);
    await approve(change);
  };
  const merged = async () => {
    const pair = await two();
    await mergeBoth(pair);
    return { ...pair, mergeId: String((await db('merges').first('id')).id) };
  };
  const undo = async (pair: { keepId: string; goneId: string; mergeId: string }) =>
    proposeChange(office.deps, {
      by: await office.member('support'),
      what: { kind: 'unmerge', payload: pair },
      reason: 'it was wrong',
    });
  const pictureOf = async (id: string) => ({
    account: await findAccount(db, id),
    contacts: await contactsOf(db, testKeyring, id),
    passkeys: await passkeysOf(db, id),
    identities: await identitiesOf(db, id),
    person: await personOf(db, testKeyring, id),
    evidence: (await evidenceOf(db, id)).filter(({ revokedAt }) => revokedAt === null),
  });

  it('everything of both is the one that stays; both are told on every contact', async () => {
    const { keepId, goneId } = await merged();
    expect((await contactsOf(db, testKeyring, keepId)).map(({ value }) => value).sort()).toEqual([
      '+85290000001',
      '+85291234567',
    ]);
    expect(await passkeysOf(db, keepId)).toHaveLength(2);
    expect((await findIdentity(db, testKeyring, 'iam-smart', subjects))?.accountId).toBe(keepId);
    expect((await personOf(db, testKeyring, keepId))?.documents).toEqual(expect.arrayContaining([permit, card]));
    expect((await evidenceOf(db, keepId)).map(({ source }) => source).sort()).toEqual([permit.type, card.type].sort());
    const gone = await findAccount(db, goneId);
    expect(gone?.status).toBe('suspended');
    expect(await passkeyHandle(db, 'p+85290000001')).toBe(gone?.passkeyUserHandle);
    expect(await db('authentication_events').whereNull('ended_at')).toEqual([]);
    // The question, and what came of it.
    expect(await db('outbox').where({ kind: 'notice' })).toHaveLength(4);
    const lines = (await readAudit(db, { afterSeq: 0, limit: 1000 })).filter(({ type }) => type === 'account.merged');
    expect(lines.map(({ accountId }) => accountId).sort()).toEqual([keepId, goneId].sort());
  });

  it('undone by two, both are as they were, whatever was removed meanwhile', async () => {
    const pair = await two();
    const before = { keep: await pictureOf(pair.keepId), gone: await pictureOf(pair.goneId) };
    await mergeBoth(pair);
    const mergeId = String((await db('merges').first('id')).id);
    await db('external_identity_keys').delete();
    await db('external_identities').delete();
    await db('contacts').where({ account_id: pair.keepId }).whereNot({ id: before.keep.contacts[0]?.id }).delete();
    await db('passkeys').where({ id: 'p+85290000001' }).update({ revoked_at: 1, revoked_reason: 'removed_by_citizen' });
    office.now = later(13 * 24 * 3600);
    await approve(await undo({ ...pair, mergeId }));
    expect(await pictureOf(pair.goneId)).toEqual(before.gone);
    expect(await pictureOf(pair.keepId)).toEqual(before.keep);
    expect(await passkeyHandle(db, 'p+85290000001')).toBeNull();
    expect((await findIdentity(db, testKeyring, 'iam-smart', subjects))?.accountId).toBe(pair.goneId);
    expect(await aliasesOf(db, pair.keepId)).toEqual(new Map());
    await expect(undo({ ...pair, mergeId })).rejects.toMatchObject({ code: 'merge_barred' });
  });

  it('evidence revoked since stays revoked when it is undone', async () => {
    const pair = await merged();
    await db('evidence')
      .where({ account_id: pair.keepId, source: permit.type })
      .update({ revoked_at: 5, revoked_reason: 'x' });
    await approve(await undo(pair));
    expect((await evidenceOf(db, pair.goneId)).map(({ revokedAt }) => revokedAt?.getTime())).toEqual([5]);
  });

  it('a source that takes back what it said takes it from both, and hearing it again finds what was missed', async () => {
    const pair = await merged();
    const revocation = {
      which: { source: permit.type, reference: '+85290000001' },
      ...({ reason: 'cancelled', actor: { kind: 'system', id: 'exit-entry' }, initiator: 'system' } as const),
      requestId: null,
    };
    const living = async () => {
      const rows = [...(await evidenceOf(db, pair.keepId)), ...(await evidenceOf(db, pair.goneId))];
      return rows.filter(({ source, revokedAt }) => source === permit.type && revokedAt === null).length;
    };
    expect(await living()).toBe(2);
    // A process of the version before took the one of them alone.
    await db('evidence').where({ account_id: pair.goneId }).update({ revoked_at: 5, revoked_reason: 'cancelled' });
    expect(await revokeEvidence(office.deps, revocation)).toBe(1);
    expect(await living()).toBe(0);
    expect(await revokeEvidence(office.deps, revocation)).toBe(0);
  });

  it('after fourteen days it is final', async () => {
    const pair = await merged();
    office.now = later(14 * 24 * 3600);
    await expect(undo(pair)).rejects.toMatchObject({ code: 'merge_barred' });
  });

  it.each(['neither', 'keepId', 'goneId'] as const)(
    'confirmed by only one, %s: refused, with a line',
    async (proved) => {
      const pair = await two();
      const change = await propose(pair);
      if (proved !== 'neither') await confirm(change, pair[proved]);
      await expect(approve(change)).rejects.toMatchObject({ code: 'merge_unproven' });
      expect(await db('merges')).toEqual([]);
      const lines = await readAudit(db, { afterSeq: 0, limit: 1000 });
      expect(lines.at(-1)).toMatchObject({ type: 'change.refused', reason: 'merge_unproven' });
    },
  );

  it('a check at a counter stands for no confirmation', async () => {
    const pair = await two();
    for (const accountId of [pair.keepId, pair.goneId])
      await insertEvidence(db, {
        ...{ accountId, kind: 'counter', source: 'counter', strength: 'superior', category: 'hong_kong' },
        ...{ confirmed: ['name'], recordedAt: office.now, expiresAt: null, reference: accountId },
      });
    await expect(approve(await propose(pair))).rejects.toMatchObject({ code: 'merge_unproven' });
  });

  it('a sign-in of before the question, and one of a quarter of an hour ago, confirm nothing', async () => {
    const pair = await two();
    const cause = { requestId: null, clientId: 'account' };
    const before = await signedInFor(db, pair.keepId, later(-1));
    const change = await propose(pair);
    const answer = { accountId: pair.keepId, changeId: change.id, cause };
    const unproven = { code: 'merge_unproven' };
    await expect(confirmMerge(office.deps, { ...answer, ceremony: before })).rejects.toMatchObject(unproven);
    const ceremony = await signedInFor(db, pair.keepId, office.now);
    office.now = later(16 * 60);
    await expect(confirmMerge(office.deps, { ...answer, ceremony })).rejects.toMatchObject(unproven);
  });

  it('a proposal of before holders were asked is put to them when it is made again', async () => {
    const pair = await two();
    const old = await propose(pair);
    await db('merge_answers').delete();
    await expect(approve(old)).rejects.toMatchObject({ code: 'merge_unproven' });
    const again = await propose(pair);
    expect(again.id).toBe(old.id);
    await confirm(again, pair.keepId);
    await confirm(again, pair.goneId);
    expect((await approve(again)).status).toBe('published');
  });

  it('not by one official, not of another person, not twice, not of a colleague', async () => {
    const pair = await two();
    const by = await office.member('support');
    const what = { kind: 'merge', payload: pair } as const;
    const proposed = await proposeChange(office.deps, { by, what, reason: 'one person' });
    const { id, revision } = proposed;
    await confirm(proposed, pair.keepId);
    await confirm(proposed, pair.goneId);
    const decision = { id, revision, decision: 'approve', reason: '' } as const;
    await expect(decideChange(office.deps, { by, ...decision })).rejects.toMatchObject({ code: 'self_approval' });
    const owner = await office.member('owner');
    await expect(decideChange(office.deps, { by: owner, ...decision })).rejects.toMatchObject({ code: 'forbidden' });
    const second = await propose(pair);
    const both = await Promise.allSettled([approve(proposed), approve(second)]);
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await db('merges')).toHaveLength(1);
  });

  it.each(['keepId', 'goneId'] as const)('an open case at a counter, of %s: refused', async (whose) => {
    const pair = await two();
    const at = { openedAt: office.now, expiresAt: later(3600) };
    await insertCase(db, testKeyring, { id: newId(), accountId: pair[whose], officials: 2, code: 'ABCD2345', ...at });
    await expect(propose(pair)).rejects.toMatchObject({ code: 'merge_barred' });
  });

  it.each<[string, Partial<NewPerson>]>([
    ['another birthday', { birthDate: '1990-01-01' }],
    ['another name', { name: '陳小明' }],
    ['another category', { category: 'macao' }],
    ['another category and script', { category: 'foreign', name: 'CHAN TAI MAN' }],
    ['a name that can’t be compared', { name: 'CHAN TAI MAN' }],
    ['no day of birth', { birthDate: undefined }],
  ])('two people are not made one: %s', async (_, person) => {
    const pair = await two(person);
    await expect(propose(pair)).rejects.toMatchObject({ code: 'merge_barred' });
  });

  it('one name and one birthday, but two numbers of one document: refused', async () => {
    const pair = await two();
    await addDocument(db, testKeyring, { accountId: pair.goneId, type: card.type, number: 'B765432(1)', at: t0 });
    await expect(propose(pair)).rejects.toMatchObject({ code: 'merge_barred' });
  });
});
