import { beforeAll, expect, it } from 'vitest';
import type { By } from '../../src/commands/change-rules.ts';
import { decideChange } from '../../src/commands/decide-change.ts';
import { explainDecision } from '../../src/commands/explain-decision.ts';
import { proposeChange, proposeDraft, saveDraft } from '../../src/commands/propose-change.ts';
import { killSource } from '../../src/commands/switch-source.ts';
import { insertPasskey, insertTotp, revokePasskey, revokeTotp, setPassword } from '../../src/storage/authenticators.ts';
import type { Database } from '../../src/storage/db.ts';
import type { Decision } from '../../src/storage/decisions.ts';
import { insertEvidence, revokeEvidence } from '../../src/storage/evidence.ts';
import { heldThen, sourceHistory } from '../../src/storage/past.ts';
import { currentPolicy } from '../../src/storage/policies.ts';
import { insertEvent, pruneSessions } from '../../src/storage/sessions.ts';
import { withDatabases } from '../support/databases.ts';
import { later, ownNumber, storedAccount, t0 } from '../support/rows.ts';
import { loa, type Office, openOffice, raised } from './staff-support.ts';

const minute = 60;

withDatabases('a decision explained afterwards', (makeDb) => {
  let database: Database;
  let office: Office;
  let ana: By;
  let ben: By;
  let accountId: string;
  const db = () => database.knex;

  beforeAll(async () => {
    database = await makeDb();
    office = await openOffice(db());
    [ana, ben] = [await office.member('assurance_admin'), await office.member('assurance_admin')];
    accountId = (await storedAccount(db())).id;
    const evidence = { accountId, strength: 'strong', confirmed: ['name', 'document_number'] } as const;
    const rest = { expiresAt: null, reference: null, record: 'one' };
    await insertEvidence(db(), { ...evidence, ...rest, kind: 'contact', source: 'sms', recordedAt: t0 });
    await insertEvidence(db(), {
      ...evidence,
      ...rest,
      kind: 'population',
      source: 'population',
      recordedAt: later(1),
    });
    await insertEvidence(db(), { ...ownNumber, ...rest, accountId, recordedAt: later(1) });
    await insertEvent(db(), {
      accountId,
      sessionUid: 's',
      interactionUid: 'i',
      method: 'passkey',
      at: later(2),
      credentialId: null,
      factors: ['possession', 'inherence'],
      userVerified: true,
      phishingResistant: true,
      deviceBound: true,
    });
  });

  const decision = (changes: Partial<Decision>): Decision => ({
    id: 'd',
    at: later(minute),
    accountId,
    clientId: 'social-insurance',
    sessionUid: 's',
    interaction: null,
    requestId: null,
    policyVersion: 1,
    outcome: 'met',
    level: loa(2),
    acr: loa(2),
    reason: null,
    request: { acrValues: [], prompt: [] },
    ...changes,
  });
  const explained = async (changes: Partial<Decision> = {}) => explainDecision(db(), decision(changes));

  it('by the rules of its day, whatever was published since', async () => {
    const { document } = await currentPolicy(db());
    const draft = await saveDraft(office.deps, {
      by: ana,
      draft: null,
      document: raised(document, loa(4), 'social-insurance'),
    });
    const about = { id: draft.id, revision: draft.revision };
    const asked = await proposeDraft(office.deps, { by: ana, ...about, reason: 'r', publishAt: null });
    await decideChange(office.deps, {
      by: ben,
      id: draft.id,
      revision: asked.revision,
      decision: 'approve',
      reason: '',
    });
    const { explanation, agreement, policy } = await explained();
    expect([policy.version, explanation.policyVersion, agreement]).toEqual([1, 1, 'same']);
    expect(explanation.verdict).toMatchObject({ kind: 'met', level: loa(2) });
    const now = await explained({ policyVersion: 2, outcome: 'step_up', level: null, acr: null });
    expect([now.explanation.requirement.floor, now.agreement]).toEqual([loa(4), 'same']);
    await expect(explained({ policyVersion: 9 })).rejects.toMatchObject({ code: 'internal' });
  });

  it('by the evidence of its moment: not what came later, and as yet unrevoked', async () => {
    const before = await explained({ at: later(0), outcome: 'step_up', level: null, acr: null });
    expect(before.evidence.map(({ kind }) => kind)).toEqual(['contact']);
    await revokeEvidence(db(), { accountId, kinds: ['population'], at: later(10 * minute), reason: 'test' });
    const then = await explained();
    expect(then.evidence.map(({ revokedAt }) => revokedAt)).toEqual([null, null, null]);
    expect(then.agreement).toBe('same');
    const after = await explained({ at: later(11 * minute), outcome: 'step_up', level: null, acr: null });
    expect(after.agreement).toBe('same');
    const level = after.explanation.levels.find((each) => each.level === loa(2));
    expect(level?.identity[0]?.rules[0]?.missing?.code).toBe('explain.revoked');
  });

  it('says where the facts on file lead elsewhere, or are gone, or the level was not what it was about', async () => {
    expect((await explained({ outcome: 'step_up', level: null, acr: null })).agreement).toBe('differs');
    expect((await explained({ level: loa(1), acr: loa(1) })).agreement).toBe('differs');
    const refused = { outcome: 'refused', level: null, acr: null } as const;
    expect((await explained({ ...refused, reason: 'access_denied' })).agreement).toBe('other');
    expect((await explained({ ...refused, reason: 'login_required' })).agreement).toBe('differs');
    const unmet = { ...refused, clientId: 'housing-fund', sessionUid: null, reason: 'login_required' };
    expect((await explained(unmet)).agreement).toBe('same');
    const four = { acrValues: [loa(4)], prompt: [] };
    // A wish was offered and left.
    expect((await explained({ request: four })).agreement).toBe('same');
    expect((await explained({ request: four, outcome: 'step_up', level: null, acr: null })).agreement).toBe('same');
  });

  it('knows what somebody could sign in with then', async () => {
    const id = '019a0000-0000-7000-8000-000000000001';
    const passkey = {
      ...{ id, accountId, credentialId: 'c', publicKey: Buffer.alloc(1), counter: 0, transports: [] },
      ...{ backupEligible: true, backupState: true, userVerifiedAtRegistration: true, aaguid: '', name: '' },
      createdAt: later(minute),
    };
    await insertPasskey(db(), passkey);
    await insertTotp(db(), { id, accountId, sealedSecret: 'x', lastStep: 0, confirmedAt: later(2 * minute) });
    await setPassword(db(), { accountId, hash: 'x', createdAt: later(3 * minute) });
    await revokePasskey(db(), accountId, id, later(4 * minute), 'test');
    await revokeTotp(db(), accountId, id, later(5 * minute), 'test');
    const at = async (minutes: number) => {
      const { passkeys, hasPassword, hasTotp } = await heldThen(db(), accountId, later(minutes * minute));
      return [passkeys.length, hasTotp, hasPassword];
    };
    expect(await at(0)).toEqual([0, false, false]);
    expect(await at(1)).toEqual([1, false, false]);
    expect(await at(2)).toEqual([1, true, false]);
    expect(await at(3)).toEqual([1, true, true]);
    expect(await at(4)).toEqual([0, true, true]);
    expect(await at(6)).toEqual([0, false, true]);
  });

  it('knows which sources were off then: killed, confirmed or not, and switched without haste', async () => {
    const clock = (minutes: number) => {
      office.now = later(minutes * minute);
    };
    expect((await sourceHistory(db()))(later(0))).toEqual(new Set());
    clock(20);
    const first = await killSource(office.deps, { by: ana, source: 'population', reason: 'wrong' });
    clock(22);
    const about = { by: ben, id: first.id, revision: first.revision, reason: 'no' };
    await decideChange(office.deps, { ...about, decision: 'reject' });
    clock(24);
    const second = await killSource(office.deps, { by: ana, source: 'population', reason: 'wrong again' });
    clock(26);
    await decideChange(office.deps, {
      by: ben,
      id: second.id,
      revision: second.revision,
      reason: '',
      decision: 'approve',
    });
    clock(28);
    const on = { kind: 'source', payload: { source: 'population', enabled: true, killed: false } } as const;
    const third = await proposeChange(office.deps, { by: ana, what: on, reason: 'well again' });
    expect((await sourceHistory(db()))(later(29 * minute))).toEqual(new Set(['population']));
    clock(30);
    await decideChange(office.deps, {
      by: ben,
      id: third.id,
      revision: third.revision,
      reason: '',
      decision: 'approve',
    });
    clock(32);
    await killSource(office.deps, { by: ana, source: 'face', reason: 'wrong' });
    const offAt = await sourceHistory(db());
    const off = (minutes: number) => [...offAt(later(minutes * minute))];
    expect([19, 21, 23, 25, 27, 29, 31, 33].map(off)).toEqual([
      ...[[], ['population'], [], ['population'], ['population'], ['population'], []],
      ['face'],
    ]);
    const then = await explained({ at: later(9 * minute) });
    expect([...then.off]).toEqual([]);
    const during = await explained({ at: later(21 * minute), outcome: 'step_up', level: null, acr: null });
    expect([...during.off]).toEqual(['population']);
    expect(during.explanation.levels.find(({ level }) => level === loa(2))?.identity[0]?.rules[0]?.missing?.code).toBe(
      'explain.none_of_kind',
    );
    // Who is sent to the register while it is off? Nobody.
    expect(during.explanation.alternatives).toMatchObject({ kind: 'unreachable', because: ['register_unavailable'] });
    office.now = t0;
  });

  it('outlives the sign-ins that it rested on', async () => {
    await pruneSessions(db(), later(minute));
    expect((await explained()).agreement).toBe('gone');
  });
});
