import { beforeAll, expect, it } from 'vitest';
import type { By } from '../../src/commands/change-rules.ts';
import { decideChange } from '../../src/commands/decide-change.ts';
import { proposeChange, proposeDraft, saveDraft, withdrawChange } from '../../src/commands/propose-change.ts';
import { publishDue } from '../../src/commands/publish-policy.ts';
import { killSource } from '../../src/commands/switch-source.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { type Change, changeById } from '../../src/storage/changes.ts';
import type { Database } from '../../src/storage/db.ts';
import { currentPolicy } from '../../src/storage/policies.ts';
import { signingKeys } from '../../src/storage/signing-keys.ts';
import { disabledSources, setSource, sourceById } from '../../src/storage/sources.ts';
import { assignRole, revokeRole, rolesOf } from '../../src/storage/staff.ts';
import { withDatabases } from '../support/databases.ts';
import { proveName } from '../support/proved-name.ts';
import { later, race, t0 } from '../support/rows.ts';
import { loa, type Office, openOffice, raised } from './staff-support.ts';

const day = 24 * 3600;

withDatabases('four eyes', (makeDb, kind) => {
  let database: Database;
  let office: Office;
  let owner: By;
  let owner2: By;
  let ana: By;
  let ben: By;
  let apps: By;
  let bridge: By;
  beforeAll(async () => {
    database = await makeDb();
    office = await openOffice(database.knex);
    owner = await office.member('owner');
    owner2 = await office.member('owner');
    ana = await office.member('assurance_admin');
    ben = await office.member('assurance_admin');
    apps = await office.member('app_admin');
    bridge = await office.member('bridge_admin');
  });
  const db = () => database.knex;
  const floorOfLibrary = async () => (await currentPolicy(db())).document.apps.library?.floor;
  const lastLine = async () => (await readAudit(db(), { afterSeq: 0, limit: 10_000 })).at(-1);
  const refusedAndAudited = async (attempt: Promise<unknown>, code: string, by: By) => {
    await expect(attempt).rejects.toMatchObject({ code });
    expect(await lastLine()).toMatchObject({
      type: 'change.refused',
      outcome: 'refused',
      reason: code,
      actor: { kind: 'staff', id: by.accountId },
      requestId: 'request-1',
    });
  };

  /** Drafted and proposed by `by`, on the policy in force. */
  async function proposed(by: By, floor: string, publishAt: Date | null = null): Promise<Change> {
    const { document } = await currentPolicy(db());
    const draft = await saveDraft(office.deps, { by, draft: null, document: raised(document, floor) });
    return proposeDraft(office.deps, { by, id: draft.id, revision: draft.revision, reason: 'because', publishAt });
  }
  const decide = (by: By, change: Change, decision: 'approve' | 'reject' = 'approve') =>
    decideChange(office.deps, { by, id: change.id, revision: change.revision, decision, reason: 'seen' });

  it('publishes what one proposed and another approved, and rolls back to an earlier version the same way', async () => {
    const { version } = await currentPolicy(db());
    const change = await proposed(ana, loa(3));
    expect(await floorOfLibrary()).toBe(loa(1));
    const done = await decide(ben, change);
    expect(done).toMatchObject({ status: 'published', publishedVersion: version + 1, decidedBy: ben.accountId });
    expect(await floorOfLibrary()).toBe(loa(3));
    const rollback = { kind: 'rollback', payload: { toVersion: version } } as const;
    const back = await proposeChange(office.deps, { by: ben, what: rollback, reason: 'too strict' });
    expect(await floorOfLibrary()).toBe(loa(3));
    await decide(ana, back);
    expect(await floorOfLibrary()).toBe(loa(1));
    expect((await currentPolicy(db())).version).toBe(version + 2);
  });

  it('refuses self-approval', async () => {
    const change = await proposed(ana, loa(3));
    await refusedAndAudited(decide(ana, change), 'self_approval', ana);
    await refusedAndAudited(decide(ana, change, 'reject'), 'self_approval', ana);
    expect((await changeById(db(), change.id))?.status).toBe('proposed');
    await decide(ben, change, 'reject');
    await refusedAndAudited(decide(ben, change), 'change_decided', ben);
    expect(await floorOfLibrary()).toBe(loa(1));
  });

  it('refuses an expired approval, and ends old proposals by itself', async () => {
    const [first, second] = [await proposed(ana, loa(3)), await proposed(ana, loa(2))];
    office.now = later(7 * day);
    await refusedAndAudited(decide(ben, first), 'change_expired', ben);
    expect((await changeById(db(), first.id))?.status).toBe('expired');
    expect(await publishDue(office.deps)).toEqual({ published: 0, refused: 0, expired: 1 });
    expect((await changeById(db(), second.id))?.status).toBe('expired');
    expect(await lastLine()).toMatchObject({ type: 'change.expired', actor: { kind: 'system' } });
    office.now = t0;
  });

  it('refuses when a role was taken away midway: the proposer’s, the approver’s', async () => {
    const [leaving, going] = [await office.member('assurance_admin'), await office.member('assurance_admin')];
    const change = await proposed(leaving, loa(3));
    await revokeRole(db(), going.accountId, 'assurance_admin', t0);
    await refusedAndAudited(decide(going, change), 'forbidden', going);
    await revokeRole(db(), leaving.accountId, 'assurance_admin', t0);
    await refusedAndAudited(decide(ben, change), 'proposer_lost_role', ben);
    expect((await changeById(db(), change.id))?.status).toBe('proposed');
    await withdrawChange(office.deps, { by: ben, id: change.id, revision: change.revision });
  });

  it('tells the second of two who edit one draft, and overwrites nothing', async () => {
    const { document } = await currentPolicy(db());
    const save = (by: By, draft: { id: string; revision: number } | null, floor: string) =>
      saveDraft(office.deps, { by, draft, document: raised(document, floor) });
    const draft = await save(ana, null, loa(2));
    const seen = { id: draft.id, revision: draft.revision };
    const hers = await save(ana, seen, loa(3));
    await refusedAndAudited(save(ben, seen, loa(4)), 'draft_conflict', ben);
    expect((await changeById(db(), draft.id))?.payload).toEqual(hers.payload);
    const stale = { by: ben, id: draft.id, revision: draft.revision, reason: 'r', publishAt: null };
    await refusedAndAudited(proposeDraft(office.deps, stale), 'draft_conflict', ben);
    const now = { id: draft.id, revision: hers.revision };
    const won = await race(6, async () =>
      save(ben, now, loa(4)).then(
        () => true,
        () => false,
      ),
    );
    expect(won).toBe(1);
  });

  it('refuses what was previewed on another version', async () => {
    const [first, second] = [await proposed(ana, loa(2)), await proposed(ben, loa(3))];
    await decide(ben, first);
    await refusedAndAudited(decide(ana, second), 'change_stale', ana);
    expect(await floorOfLibrary()).toBe(loa(2));
    await decide(ben, await proposed(ana, loa(1)));
  });

  it('lets exactly one of several approvers publish', async () => {
    const { version } = await currentPolicy(db());
    const change = await proposed(ana, loa(2));
    const approvers = await Promise.all([1, 2, 3, 4].map(() => office.member('assurance_admin')));
    expect(
      await race(4, (i) =>
        decide(approvers[i] ?? ben, change).then(
          () => true,
          () => false,
        ),
      ),
    ).toBe(1);
    expect((await currentPolicy(db())).version).toBe(version + 1);
    await decide(ben, await proposed(ana, loa(1)));
  });

  it('names every fault of a wrong policy and saves nothing', async () => {
    const { document } = await currentPolicy(db());
    const wrong = { ...raised(document, 'urn:nothing'), defaultFloor: 'urn:none' };
    await expect(saveDraft(office.deps, { by: ana, draft: null, document: wrong })).rejects.toMatchObject({
      code: 'policy_invalid',
      detail: { faults: [{ path: expect.stringContaining('library') }, { path: 'defaultFloor' }] },
    });
  });

  it('lets who looks after apps propose what apps require, and nothing else', async () => {
    const change = await proposed(apps, loa(3));
    await refusedAndAudited(decide(apps, change), 'forbidden', apps);
    await decide(ana, change);
    await decide(ben, await proposed(ana, loa(1)));
    const { document } = await currentPolicy(db());
    const more = { ...document, defaultFloor: loa(1) };
    const attempt = saveDraft(office.deps, { by: apps, draft: null, document: more });
    await refusedAndAudited(attempt, 'forbidden', apps);
    const attempt2 = saveDraft(office.deps, { by: bridge, draft: null, document: raised(document, loa(3)) });
    await refusedAndAudited(attempt2, 'forbidden', bridge);
  });

  it('publishes a scheduled change when it is due, once, and not before', async () => {
    const change = await proposed(ana, loa(3), later(3600));
    expect(await decide(ben, change)).toMatchObject({ status: 'scheduled' });
    expect(await publishDue(office.deps)).toEqual({ published: 0, refused: 0, expired: 0 });
    expect(await floorOfLibrary()).toBe(loa(1));
    office.now = later(3600);
    const results = await Promise.all([1, 2, 3].map(() => publishDue(office.deps)));
    expect(results.reduce((sum, { published }) => sum + published, 0)).toBe(1);
    expect(await floorOfLibrary()).toBe(loa(3));
    office.now = t0;
    await decide(ben, await proposed(ana, loa(1)));
  });

  it('does not publish a scheduled change whose ground is lost, and says so', async () => {
    const leaving = await office.member('assurance_admin');
    const [byLeaving, stale] = [await proposed(leaving, loa(4), later(60)), await proposed(ana, loa(3), later(60))];
    await decide(ben, byLeaving);
    await decide(ben, stale);
    await revokeRole(db(), leaving.accountId, 'assurance_admin', t0);
    office.now = later(60);
    expect(await publishDue(office.deps)).toEqual({ published: 1, refused: 1, expired: 0 });
    // Not void for being left too long: the page says why.
    expect(await changeById(db(), byLeaving.id)).toMatchObject({ status: 'refused', refusal: 'proposer_lost_role' });
    office.now = t0;
    const [third, fourth] = [await proposed(ana, loa(2), later(60)), await proposed(ana, loa(1))];
    await decide(ben, third);
    await decide(ben, fourth);
    office.now = later(60);
    expect(await publishDue(office.deps)).toEqual({ published: 0, refused: 1, expired: 0 });
    expect(await lastLine()).toMatchObject({ type: 'change.refused', reason: 'change_stale' });
    expect(await floorOfLibrary()).toBe(loa(1));
    office.now = t0;
  });

  it('gives and takes roles with two owners, neither of them the one concerned', async () => {
    const newcomer = await office.member();
    const role = (accountId: string, change: 'assign' | 'revoke') =>
      ({ kind: 'role', payload: { accountId, role: 'auditor', change } }) as const;
    const propose = (by: By, what: ReturnType<typeof role>) =>
      proposeChange(office.deps, { by, what, reason: 'joins' });
    await refusedAndAudited(propose(ana, role(newcomer.accountId, 'assign')), 'forbidden', ana);
    await refusedAndAudited(propose(owner, role(owner.accountId, 'assign')), 'own_change', owner);
    const mine = await propose(owner, role(owner2.accountId, 'assign'));
    await refusedAndAudited(decide(owner2, mine), 'own_change', owner2);
    const change = await propose(owner, role(newcomer.accountId, 'assign'));
    await refusedAndAudited(decide(ana, change), 'forbidden', ana);
    // A confirmed number is no name: the role waits until there is a proved one.
    await refusedAndAudited(decide(owner2, change), 'name_unproved', owner2);
    expect((await changeById(db(), change.id))?.status).toBe('proposed');
    await proveName(db(), office.deps.keyring, newcomer.accountId, { at: t0 });
    await decide(owner2, change);
    expect(await rolesOf(db(), newcomer.accountId)).toEqual(['auditor']);
    const again = await propose(owner, role(newcomer.accountId, 'assign'));
    await refusedAndAudited(decide(owner2, again), 'change_stale', owner2);
    await decide(owner2, await propose(owner, role(newcomer.accountId, 'revoke')));
    expect(await rolesOf(db(), newcomer.accountId)).toEqual([]);
    expect(await assignRole(db(), { accountId: newcomer.accountId, role: 'clerk', grantedBy: 'x', at: t0 })).toBe(true);
    expect(await assignRole(db(), { accountId: newcomer.accountId, role: 'clerk', grantedBy: 'x', at: t0 })).toBe(
      false,
    );
  });

  it('moves the signing keys on with two people', async () => {
    const current = async () =>
      (await signingKeys(db())).filter((key) => key.status === 'current').map((key) => key.kid);
    const before = await current();
    const what = { kind: 'keys', payload: {} } as const;
    const change = await proposeChange(office.deps, { by: ana, what, reason: 'yearly' });
    expect(await current()).toEqual(before);
    await decide(owner, change);
    for (const kid of await current()) expect(before).not.toContain(kid);
  });

  it('kills a source at once; the second person confirms, or switches it on again', async () => {
    const kill = (by: By, source: string) => killSource(office.deps, { by, source, reason: 'leaked key' });
    expect(await disabledSources(db())).toEqual(new Set());
    await refusedAndAudited(kill(apps, 'face'), 'forbidden', apps);
    const change = await kill(bridge, 'face');
    expect(await disabledSources(db())).toEqual(new Set(['face']));
    expect(await sourceById(db(), 'face')).toMatchObject({ enabled: false, needsSecond: change.id });
    await refusedAndAudited(kill(ana, 'face'), 'change_decided', ana);
    await refusedAndAudited(decide(bridge, change), 'self_approval', bridge);
    const taken = withdrawChange(office.deps, { by: bridge, id: change.id, revision: change.revision });
    await refusedAndAudited(taken, 'forbidden', bridge);
    office.now = later(30 * day);
    await decide(ana, change);
    office.now = t0;
    expect(await sourceById(db(), 'face')).toMatchObject({ enabled: false, needsSecond: null });
    const on = { kind: 'source', payload: { source: 'face', enabled: true, killed: false } } as const;
    const back = await proposeChange(office.deps, { by: bridge, what: on, reason: 'new key' });
    expect(await disabledSources(db())).toEqual(new Set(['face']));
    await decide(ana, back);
    expect(await disabledSources(db())).toEqual(new Set());
    const wrong = await kill(bridge, 'population');
    await decide(ana, wrong, 'reject');
    expect(await disabledSources(db())).toEqual(new Set());
    const claimed = { kind: 'source', payload: { source: 'sms', enabled: false, killed: true } } as const;
    const fake = proposeChange(office.deps, { by: bridge, what: claimed, reason: 'r' });
    await refusedAndAudited(fake, 'forbidden', bridge);
  });

  it('shows a switch to this process at once, and not one that is rolled back', async () => {
    const off = { id: 'counter', enabled: false, changedAt: t0, changedBy: 'x', reason: 'r', needsSecond: null };
    const failing = db().transaction(async (tx) => {
      await setSource(tx, off);
      if (kind === 'postgres') expect(await disabledSources(db())).toEqual(new Set());
      expect(await disabledSources(tx)).toEqual(new Set(['counter']));
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await disabledSources(db())).toEqual(new Set());
    await setSource(db(), off);
    expect(await disabledSources(db())).toEqual(new Set(['counter']));
    await setSource(db(), { ...off, enabled: true });
    expect(await disabledSources(db())).toEqual(new Set());
  });
});
