import { beforeAll, describe, expect, it } from 'vitest';
import type { By } from '../../src/commands/change-rules.ts';
import { cancelCounterCase } from '../../src/commands/counter-cancel.ts';
import { expireCounterCases } from '../../src/commands/counter-expire.ts';
import { openCounterCase } from '../../src/commands/counter-open.ts';
import { refuseCounterCase } from '../../src/commands/counter-refuse.ts';
import { hearRegister } from '../../src/commands/hear-register.ts';
import type { DocumentRead } from '../../src/identity/counter.ts';
import { insertContact, setAccountStatus } from '../../src/storage/accounts.ts';
import { readAudit } from '../../src/storage/audit.ts';
import {
  caseByCode,
  caseById,
  casesOf,
  codeOf,
  disputedCases,
  documentOf,
  insertCase,
  liveCaseOf,
} from '../../src/storage/counter-cases.ts';
import type { Database } from '../../src/storage/db.ts';
import { evidenceOf } from '../../src/storage/evidence.ts';
import { bindPerson, personOf } from '../../src/storage/persons.ts';
import { revokeRole } from '../../src/storage/staff.ts';
import { withDatabases } from '../support/databases.ts';
import { later, race, t0, testKeyring } from '../support/rows.ts';
import { type CounterHall, cause, openHall, resident, somebody } from './support.ts';

const minutes = (n: number) => n * 60;
const days = (n: number) => n * 24 * 3600;

withDatabases('checks in person', (makeDb) => {
  let database: Database;
  let hall: CounterHall;
  let an: By;
  let bo: By;
  let ci: By;
  beforeAll(async () => {
    database = await makeDb();
    hall = await openHall(database);
    [an, bo, ci] = hall.clerks;
  });
  const db = () => database.knex;
  const at = (seconds: number) => {
    hall.office.now = later(seconds);
  };
  const lines = () => readAudit(db(), { afterSeq: 0, limit: 100_000 });
  const lastLine = async () => (await lines()).at(-1);
  const confirmedOf = async (accountId: string) =>
    (await evidenceOf(db(), accountId))
      .filter(({ kind, revokedAt }) => kind === 'counter' && revokedAt === null)
      .map(({ confirmed }) => confirmed.filter((word) => word.startsWith('officials')).join());
  const worked = (result: object) => 'done' in result;
  const deniedAndAudited = async (attempt: Promise<object>, denied: string, by: By) => {
    expect(await attempt).toEqual({ denied });
    expect(await lastLine()).toMatchObject({
      type: 'counter_case.denied',
      outcome: 'refused',
      reason: denied,
      actor: { kind: 'staff', id: by.accountId },
      requestId: 'request-1',
    });
  };

  describe('a code', () => {
    it('is kept by hash and sealed, shown again, and one for an account', async () => {
      const accountId = await hall.citizen();
      const { found, code } = await hall.opened(accountId);
      expect(await lastLine()).toMatchObject({ type: 'counter_case.opened', accountId, data: { officials: 1 } });
      expect(JSON.stringify(await db()('counter_cases').where({ id: found.id }))).not.toContain(code);
      expect((await caseByCode(db(), testKeyring, code))?.id).toBe(found.id);
      const again = await hall.opened(accountId);
      expect([again.found.id, again.code]).toEqual([found.id, code]);
      expect(await casesOf(db(), accountId, 10)).toHaveLength(1);
      const raised = await hall.opened(accountId, 2);
      expect([raised.found.id, raised.found.officials]).toEqual([found.id, 2]);
      expect((await hall.opened(accountId, 1)).found.officials).toBe(2);
    });

    it('is one for an account by the database’s own rule, whoever asks at once', async () => {
      const accountId = await hall.citizen();
      await Promise.all([1, 2, 3, 4].map(() => openCounterCase(hall.office.deps, { accountId, officials: 1, cause })));
      expect(await casesOf(db(), accountId, 10)).toHaveLength(1);
      const second = { accountId, officials: 1, openedAt: t0, expiresAt: later(60) };
      expect(await insertCase(db(), testKeyring, { ...second, id: 'other', code: 'AAAAAAAA' })).toBe(false);
      const { code } = await hall.opened(accountId);
      const other = { ...second, accountId: await hall.citizen() };
      expect(await insertCase(db(), testKeyring, { ...other, id: 'other', code })).toBe(false);
      expect(await insertCase(db(), testKeyring, { ...other, id: 'other', code: 'AAAAAAAA' })).toBe(true);
    });

    it('ends after seven days, whether or not anybody swept', async () => {
      const [accountId, swept] = [await hall.citizen(), await hall.citizen()];
      const { found, code } = await hall.opened(accountId);
      await hall.opened(swept);
      at(days(7));
      await deniedAndAudited(hall.take(an, code), 'code_wrong', an);
      const fresh = await hall.opened(accountId);
      expect(fresh.found.id).not.toBe(found.id);
      expect(await caseById(db(), found.id)).toMatchObject({ status: 'expired', closedAt: later(days(7)) });
      const sweeps = await Promise.all([1, 2, 3].map(() => expireCounterCases(hall.office.deps)));
      expect(sweeps.reduce((sum, count) => sum + count)).toBeGreaterThan(0);
      expect(await liveCaseOf(db(), swept)).toBeNull();
      expect(
        (await lines()).filter(({ type, accountId: of }) => type === 'counter_case.expired' && of === swept),
      ).toHaveLength(1);
      expect(await expireCounterCases(hall.office.deps)).toBe(0);
      at(0);
    });
  });

  describe('one official', () => {
    it('confirms: evidence, the person bound, the code spent', async () => {
      const accountId = await hall.citizen();
      const { found, code } = await hall.opened(accountId);
      const taken = await hall.take(an, code, 'south');
      expect(taken).toMatchObject({ done: { id: found.id, holder: an.accountId, heldCounter: 'south' } });
      const read = { ...resident };
      expect(await hall.confirm(an, found.id, read, { registered: { name: '李曉明' } })).toEqual({ done: 'confirmed' });
      expect(await lastLine()).toMatchObject({
        type: 'counter_case.confirmed',
        actor: { kind: 'staff', id: an.accountId },
        accountId,
        data: { counter: 'south', official: 1, officials: 1, category: 'mainland', documentType: 'cn_resident_id' },
      });
      const [evidence] = await evidenceOf(db(), accountId);
      expect(evidence).toMatchObject({
        kind: 'counter',
        source: 'counter',
        strength: 'superior',
        category: 'mainland',
        confirmed: ['name', 'document_number', 'birth_date', 'document', 'photo', 'officials:1'],
        expiresAt: new Date(`${resident.validUntil}T23:59:59.999+08:00`),
      });
      // The register's own spelling of the name is the one that is kept.
      expect(await personOf(db(), testKeyring, accountId)).toMatchObject({ name: '李曉明', birthDate: '1988-06-15' });
      const closed = await caseById(db(), found.id);
      expect(closed).toMatchObject({ status: 'confirmed', firstBy: an.accountId, firstCounter: 'south', holder: null });
      expect(closed && [await codeOf(db(), testKeyring, closed), await documentOf(db(), testKeyring, closed)]).toEqual([
        null,
        null,
      ]);
      await deniedAndAudited(hall.take(an, code), 'code_wrong', an);
      await deniedAndAudited(hall.confirm(an, found.id, read), 'closed', an);
      expect(await confirmedOf(accountId)).toEqual(['officials:1']);
    });

    it('loses it again when the register cancels the record or tells of a death', async () => {
      for (const status of ['cancelled', 'deceased'] as const) {
        const read = { ...resident, number: status === 'cancelled' ? '440305199502282425' : '440305194410010331' };
        const { found, code } = await hall.opened(await hall.citizen());
        await hall.take(an, code);
        await hall.confirm(an, found.id, read);
        expect(await confirmedOf(found.accountId)).toEqual(['officials:1']);
        const notice = { documentType: read.document, documentNumber: read.number, status, requestId: null };
        expect(await hearRegister(hall.office.deps, notice)).toBe(1);
        expect(await confirmedOf(found.accountId)).toEqual([]);
      }
    });

    it('is told of unknown codes, shut counters and what is not complete', async () => {
      const { found, code } = await hall.opened(await hall.citizen());
      await deniedAndAudited(hall.take(an, 'AAAA AAAC'), 'code_wrong', an);
      await deniedAndAudited(hall.take(an, 'nonsense'), 'code_wrong', an);
      await deniedAndAudited(hall.take(an, code, 'shut'), 'no_counter', an);
      await deniedAndAudited(hall.take(an, code, 'nowhere'), 'no_counter', an);
      await deniedAndAudited(hall.confirm(an, found.id, somebody()), 'not_held', an);
      await hall.take(an, code);
      await deniedAndAudited(hall.confirm(an, found.id, somebody(), { checks: ['genuine'] }), 'incomplete', an);
      await deniedAndAudited(hall.confirm(an, found.id, resident, { registered: null }), 'incomplete', an);
      await deniedAndAudited(hall.confirm(an, 'unknown', resident), 'closed', an);
      const wrongList = somebody({ document: 'passport' });
      await deniedAndAudited(hall.confirm(an, found.id, wrongList), 'incomplete', an);
      expect(await evidenceOf(db(), found.accountId)).toEqual([]);
    });

    it('never checks themselves, nor without the role of this moment', async () => {
      const own = await hall.opened(an.accountId);
      await deniedAndAudited(hall.take(an, own.code), 'self', an);
      await deniedAndAudited(hall.confirm(an, own.found.id, somebody()), 'self', an);
      await deniedAndAudited(
        refuseCounterCase(hall.office.deps, { by: an, caseId: own.found.id, reason: 'left' }),
        'self',
        an,
      );
      const [support, leaving] = [await hall.office.member('support'), await hall.office.member('clerk')];
      await deniedAndAudited(hall.take(support, own.code), 'forbidden', support);
      expect(worked(await hall.take(leaving, own.code))).toBe(true);
      await revokeRole(db(), leaving.accountId, 'clerk', t0);
      await deniedAndAudited(hall.confirm(leaving, own.found.id, somebody()), 'forbidden', leaving);
      const refusal = { by: leaving, caseId: own.found.id, reason: 'left' } as const;
      await deniedAndAudited(refuseCounterCase(hall.office.deps, refusal), 'forbidden', leaving);
      await deniedAndAudited(
        refuseCounterCase(hall.office.deps, { ...refusal, by: bo, caseId: 'unknown' }),
        'closed',
        bo,
      );
    });

    it('refuses with a reason, and nothing is recorded', async () => {
      const { found, code } = await hall.opened(await hall.citizen());
      await hall.take(an, code);
      const refusal = { caseId: found.id, reason: 'face_differs' } as const;
      await deniedAndAudited(refuseCounterCase(hall.office.deps, { ...refusal, by: bo }), 'not_held', bo);
      expect(await refuseCounterCase(hall.office.deps, { ...refusal, by: an })).toEqual({ done: 'refused' });
      expect(await lastLine()).toMatchObject({
        type: 'counter_case.refused',
        outcome: 'refused',
        reason: 'face_differs',
      });
      expect(await caseById(db(), found.id)).toMatchObject({ status: 'refused', reason: 'face_differs' });
      await deniedAndAudited(hall.confirm(an, found.id, somebody()), 'closed', an);
      expect(await evidenceOf(db(), found.accountId)).toEqual([]);
    });

    it('does nothing for an account that was suspended meanwhile', async () => {
      const { found, code } = await hall.opened(await hall.citizen());
      await setAccountStatus(db(), found.accountId, 'suspended', t0);
      await deniedAndAudited(hall.take(an, code), 'code_wrong', an);
    });
  });

  describe('one person, one account', () => {
    const checked = async (read: DocumentRead, officials: 1 | 2) => {
      const { found, code } = await hall.opened(await hall.citizen(), officials);
      await hall.take(an, code);
      await hall.confirm(an, found.id, read);
      if (officials === 1) return found.accountId;
      await hall.take(bo, code);
      await hall.confirm(bo, found.id, read);
      return found.accountId;
    };
    const about = async (accountId: string) =>
      (await lines()).filter((line) => line.accountId === accountId).map(({ type }) => type);

    it('two officials win a document back from a weaker claim: taken off, told, bound, both sides know why', async () => {
      const read = somebody();
      const squatter = await checked(read, 1);
      await insertContact(db(), testKeyring, {
        accountId: squatter,
        kind: 'phone',
        value: '+85290007001',
        confirmedAt: t0,
      });
      const { found, code } = await hall.opened(await hall.citizen());
      const { accountId: owner } = found;
      await hall.take(an, code);
      // One official's word takes nothing from anybody: the second one is asked for.
      expect(await hall.confirm(an, found.id, read)).toEqual({ done: 'half' });
      expect(await caseById(db(), found.id)).toMatchObject({ officials: 2, reason: 'claimed_elsewhere' });
      expect([await confirmedOf(owner), await confirmedOf(squatter)]).toEqual([[], ['officials:1']]);
      expect(await personOf(db(), testKeyring, owner)).toBeNull();
      await hall.take(bo, code);
      expect(await hall.confirm(bo, found.id, read)).toEqual({ done: 'confirmed' });
      expect([await confirmedOf(owner), await confirmedOf(squatter)]).toEqual([['officials:2'], []]);
      expect(await personOf(db(), testKeyring, squatter)).toBeNull();
      expect((await personOf(db(), testKeyring, owner))?.documents).toEqual([
        { type: read.document, number: read.number },
      ]);
      expect(await about(owner)).toContain('identity.won_back');
      expect(await about(squatter)).toEqual(expect.arrayContaining(['identity.released', 'evidence.revoked']));
      expect(await db()('outbox').where({ kind: 'notice', target: squatter })).toHaveLength(1);
      expect(await caseById(db(), found.id)).toMatchObject({ status: 'confirmed', reason: 'won_back' });
    });

    it('a claim that two officials confirmed is not beaten: a dispute, and nothing is bound or lost', async () => {
      const read = somebody();
      const first = await checked(read, 2);
      const { found, code } = await hall.opened(await hall.citizen(), 2);
      await hall.take(an, code);
      expect(await hall.confirm(an, found.id, read)).toEqual({ done: 'half' });
      await hall.take(bo, code);
      expect(await hall.confirm(bo, found.id, read)).toEqual({ done: 'disputed' });
      expect(await caseById(db(), found.id)).toMatchObject({ status: 'disputed', reason: 'claimed_as_strongly' });
      expect(await confirmedOf(first)).toEqual(['officials:1', 'officials:2']);
      expect(await evidenceOf(db(), found.accountId)).toEqual([]);
      for (const id of [first, found.accountId]) expect(await about(id)).toContain('counter_case.disputed');
    });

    it('the other side of a dispute is told, and support is shown both sides until it is settled', async () => {
      const read = somebody();
      const first = await checked(read, 2);
      const phone = { kind: 'phone', value: '+85290007011', confirmedAt: t0 } as const;
      await insertContact(db(), testKeyring, { accountId: first, ...phone });
      const { found, code } = await hall.opened(await hall.citizen(), 2);
      for (const by of [an, bo]) {
        await hall.take(by, code);
        await hall.confirm(by, found.id, read);
      }
      expect(await db()('outbox').where({ kind: 'notice', target: first })).toHaveLength(1);
      const dispute = async () => (await disputedCases(db())).find(({ id }) => id === found.id);
      expect(await dispute()).toMatchObject({ accountId: found.accountId, otherAccountId: first, settled: false });
      // They came again, with what is theirs.
      const again = await hall.opened(found.accountId);
      await hall.take(an, again.code);
      expect(await hall.confirm(an, again.found.id, somebody())).toEqual({ done: 'confirmed' });
      expect(await dispute()).toMatchObject({ settled: true });
    });

    it('a further document of somebody known here that another account holds: won back from a weaker claim, else a dispute', async () => {
      for (const officials of [1, 2] as const) {
        const owner = await checked(somebody(), 2);
        const residence = somebody({ document: 'cn_hmt_residence_permit', number: `81000019800101001${officials}` });
        const other = await checked(residence, officials);
        const { found, code } = await hall.opened(owner, 2);
        await hall.take(an, code);
        expect(await hall.confirm(an, found.id, residence)).toEqual({ done: 'half' });
        const held = async (id: string) =>
          (await personOf(db(), testKeyring, id))?.documents.map(({ number }) => number);
        expect(await held(other)).toHaveLength(1);
        await hall.take(bo, code);
        const done = officials === 1 ? 'confirmed' : 'disputed';
        expect(await hall.confirm(bo, found.id, residence)).toEqual({ done });
        expect(await held(owner)).toHaveLength(officials === 1 ? 2 : 1);
        expect(await held(other)).toEqual(officials === 1 ? undefined : [residence.number]);
      }
    });

    it('nothing stands of a contested case that no second official came to', async () => {
      const read = somebody();
      const first = await checked(read, 1);
      const { found, code } = await hall.opened(await hall.citizen());
      await hall.take(an, code);
      await hall.confirm(an, found.id, read);
      at(minutes(30));
      expect(await expireCounterCases(hall.office.deps)).toBeGreaterThan(0);
      expect(await caseById(db(), found.id)).toMatchObject({ status: 'expired' });
      expect([await confirmedOf(first), await confirmedOf(found.accountId)]).toEqual([['officials:1'], []]);
      at(0);
    });

    it('a genuine card of a namesake with another number of a document held once is a dispute, never a second number', async () => {
      const known = somebody();
      const accountId = await checked(known, 1);
      const { found, code } = await hall.opened(accountId);
      await hall.take(bo, code);
      expect(await hall.confirm(bo, found.id, { ...known, number: 'H99999997' })).toEqual({ done: 'disputed' });
      expect(await caseById(db(), found.id)).toMatchObject({ status: 'disputed', reason: 'other_number' });
      expect((await personOf(db(), testKeyring, accountId))?.documents).toHaveLength(1);
      expect(await confirmedOf(accountId)).toEqual(['officials:1']);
      expect(await lastLine()).toMatchObject({ type: 'counter_case.disputed', outcome: 'refused', accountId });
      await deniedAndAudited(hall.confirm(bo, found.id, known), 'closed', bo);
    });

    it('refuses somebody else than the person the account is bound to', async () => {
      const known = somebody();
      const accountId = await hall.citizen();
      await bindPerson(db(), testKeyring, {
        accountId,
        category: known.category,
        name: known.name,
        documentType: known.document,
        documentNumber: known.number,
        birthDate: known.birthDate,
      });
      const { found, code } = await hall.opened(accountId);
      await hall.take(an, code);
      for (const other of [
        { name: '陳小文' },
        { birthDate: '1981-01-01' },
        { number: 'H99999998', category: 'macao' as const },
      ])
        await deniedAndAudited(hall.confirm(an, found.id, { ...known, ...other }), 'identity_mismatch', an);
      // A document that is new to us, of the person whom everything else agrees with.
      const permit = { ...known, document: 'cn_hmt_residence_permit', number: '810000198001011216' } as const;
      expect(worked(await hall.confirm(an, found.id, permit))).toBe(true);
      expect((await personOf(db(), testKeyring, accountId))?.documents).toHaveLength(2);
    });
  });

  describe('two officials', () => {
    async function half() {
      const read = somebody();
      const opened = await hall.opened(await hall.citizen(), 2);
      await hall.take(an, opened.code);
      expect(await hall.confirm(an, opened.found.id, read)).toEqual({ done: 'half' });
      return { ...opened, read };
    }

    it('are two people who read the same, within half an hour', async () => {
      const { found, code, read } = await half();
      expect(await confirmedOf(found.accountId)).toEqual(['officials:1']);
      await deniedAndAudited(hall.take(an, code), 'same_official', an);
      await deniedAndAudited(hall.confirm(an, found.id, read), 'same_official', an);
      at(minutes(29));
      expect(worked(await hall.take(bo, code, 'south'))).toBe(true);
      await deniedAndAudited(hall.confirm(bo, found.id, { ...read, number: 'H00000001' }), 'differs', bo);
      await deniedAndAudited(hall.confirm(bo, found.id, { ...read, birthDate: '1980-01-02' }), 'differs', bo);
      expect(await hall.confirm(bo, found.id, read)).toEqual({ done: 'confirmed' });
      expect(await confirmedOf(found.accountId)).toEqual(['officials:1', 'officials:2']);
      expect(await caseById(db(), found.id)).toMatchObject({
        status: 'confirmed',
        firstBy: an.accountId,
        firstCounter: 'north',
        secondBy: bo.accountId,
        secondCounter: 'south',
      });
      at(0);
    });

    it('count as one when the second does not come in time', async () => {
      const { found, code } = await half();
      await hall.take(bo, code);
      at(minutes(30));
      await deniedAndAudited(hall.confirm(bo, found.id, somebody()), 'closed', bo);
      await deniedAndAudited(hall.take(bo, code), 'code_wrong', bo);
      expect(await expireCounterCases(hall.office.deps)).toBe(1);
      expect(await caseById(db(), found.id)).toMatchObject({
        status: 'confirmed',
        reason: 'second_missed',
        secondBy: null,
      });
      expect(await confirmedOf(found.accountId)).toEqual(['officials:1']);
      at(0);
    });

    it('count as one when the citizen calls the second check off', async () => {
      const { found, code, read } = await half();
      await hall.take(bo, code);
      expect(await cancelCounterCase(hall.office.deps, { accountId: found.accountId, cause })).toBe(true);
      await deniedAndAudited(hall.confirm(bo, found.id, read), 'closed', bo);
      expect(await caseById(db(), found.id)).toMatchObject({ status: 'confirmed', reason: 'second_cancelled' });
      expect(await confirmedOf(found.accountId)).toEqual(['officials:1']);
    });

    it('who disagree have confirmed nothing: the first one’s evidence falls with the second one’s refusal', async () => {
      const { found, code } = await half();
      await hall.take(bo, code);
      await refuseCounterCase(hall.office.deps, { by: bo, caseId: found.id, reason: 'document_not_genuine' });
      expect(await confirmedOf(found.accountId)).toEqual([]);
      expect((await evidenceOf(db(), found.accountId)).map(({ revokedAt }) => revokedAt)).toEqual([t0]);
      expect(await caseById(db(), found.id)).toMatchObject({ status: 'refused', secondBy: bo.accountId });
      expect(await lastLine()).toMatchObject({ data: { official: 2, officials: 2 } });
    });
  });

  describe('at once', () => {
    it('one of several officials takes a case; after a quarter of an hour the next one may', async () => {
      const { found, code } = await hall.opened(await hall.citizen());
      const clerks = [an, bo, ci];
      const won = await race(3, async (i) => worked(await hall.take(clerks[i] ?? an, code)));
      expect(won).toBe(1);
      const holder = (await caseById(db(), found.id))?.holder;
      const [mine = an] = clerks.filter(({ accountId }) => accountId === holder);
      const [other = bo] = clerks.filter(({ accountId }) => accountId !== holder);
      await deniedAndAudited(hall.take(other, code), 'held', other);
      expect(worked(await hall.take(mine, code))).toBe(true);
      at(minutes(15));
      expect(worked(await hall.take(other, code))).toBe(true);
      await deniedAndAudited(hall.confirm(mine, found.id, somebody()), 'not_held', mine);
      at(0);
    });

    it('one confirmation counts of several of the same form', async () => {
      const read = somebody();
      const { found, code } = await hall.opened(await hall.citizen());
      await hall.take(an, code);
      expect(await race(4, async () => worked(await hall.confirm(an, found.id, read)))).toBe(1);
      expect(await confirmedOf(found.accountId)).toEqual(['officials:1']);
    });

    it('either the citizen calls it off or the official confirms, never both', async () => {
      for (let round = 0; round < 4; round += 1) {
        const { found, code } = await hall.opened(await hall.citizen());
        await hall.take(an, code);
        const [cancelled, confirmed] = await Promise.all([
          cancelCounterCase(hall.office.deps, { accountId: found.accountId, cause }),
          hall.confirm(an, found.id, somebody()).then(worked),
        ]);
        expect([cancelled, confirmed].filter(Boolean)).toHaveLength(1);
        expect(await confirmedOf(found.accountId)).toEqual(confirmed ? ['officials:1'] : []);
      }
    });

    it('is called off while an official has it, once', async () => {
      const { found, code } = await hall.opened(await hall.citizen());
      await hall.take(an, code);
      const cancel = () => cancelCounterCase(hall.office.deps, { accountId: found.accountId, cause });
      expect(await race(3, cancel)).toBe(1);
      expect(
        (await lines()).filter(
          ({ type, accountId }) => type === 'counter_case.cancelled' && accountId === found.accountId,
        ),
      ).toHaveLength(1);
      await deniedAndAudited(hall.confirm(an, found.id, somebody()), 'closed', an);
      await deniedAndAudited(hall.take(bo, code), 'code_wrong', bo);
      expect(await cancel()).toBe(false);
      expect((await hall.opened(found.accountId)).code).not.toBe(code);
    });
  });
});
