import { beforeAll, describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import type { RecordedDecision } from '../../src/assurance/preview.ts';
import { compareOutcomes, shadowOf } from '../../src/assurance/shadow.ts';
import type { By } from '../../src/commands/change-rules.ts';
import { proposeDraft, saveDraft, withdrawChange } from '../../src/commands/propose-change.ts';
import { setShadow } from '../../src/commands/set-shadow.ts';
import { flush, startShadows } from '../../src/jobs/shadows.ts';
import { createShadow } from '../../src/oidc/shadow.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { type Change, changeById } from '../../src/storage/changes.ts';
import { dayOf } from '../../src/storage/daily-counts.ts';
import type { Database } from '../../src/storage/db.ts';
import { currentPolicy } from '../../src/storage/policies.ts';
import { addShadowCounts, contentKey, shadowById, shadowCounts } from '../../src/storage/shadow.ts';
import { withDatabases } from '../support/databases.ts';
import { t0 } from '../support/rows.ts';
import { loa, type Office, openOffice, raised } from './staff-support.ts';

const said: unknown[] = [];
const log = Object.assign(Object.create(null), {
  error: (...line: unknown[]) => said.push(line),
  warn: (...line: unknown[]) => said.push(line),
});

/** Somebody with a confirmed number who just used a passkey, at the library. */
const decision: RecordedDecision = {
  at: t0,
  clientId: 'library',
  outcome: 'met',
  request: { acrValues: [], prompt: [] },
  interaction: 'now',
  evidence: [
    {
      ...{ id: 'e1', kind: 'contact', source: 'sms', strength: 'weak', category: null, confirmed: ['phone'] },
      ...{ recordedAt: t0, expiresAt: null, revokedAt: null },
    },
  ],
  events: [
    {
      ...{ id: 'p1', method: 'passkey', at: t0, credentialId: 'c1', factors: ['possession', 'inherence'] },
      ...{ userVerified: true, phishingResistant: true, deviceBound: false, interaction: 'now' },
    },
  ],
};

describe('live and draft', () => {
  it.each([
    ['met', 'met', 'same'],
    ['met', 'reauthenticate', 'stepped_up'],
    ['met', 'step_up', 'stepped_up'],
    ['reauthenticate', 'step_up', 'stepped_up'],
    ['met', 'refused', 'refused'],
    ['step_up', 'refused', 'refused'],
    ['refused', 'refused', 'same'],
    ['refused', 'met', 'lowered'],
    ['step_up', 'met', 'lowered'],
    ['step_up', 'reauthenticate', 'lowered'],
  ] as const)('%s, and under the draft %s: %s', (live, draft, outcome) => {
    expect(compareOutcomes(live, draft)).toBe(outcome);
  });

  it('judges the same facts', () => {
    expect(shadowOf(defaultPolicy, decision)).toBe('same');
    expect(shadowOf(raised(defaultPolicy, loa(2)), decision)).toBe('stepped_up');
    expect(shadowOf(raised(defaultPolicy, loa(2)), { ...decision, request: { acrValues: [], prompt: ['none'] } })).toBe(
      'refused',
    );
    expect(shadowOf(defaultPolicy, { ...decision, outcome: 'step_up' })).toBe('lowered');
  });

  it('does not take a sign-in over a service that the draft’s app does not accept', () => {
    const [event] = decision.events;
    if (!event) throw new Error('no event');
    const events = [{ ...event, method: 'bridge' as const, credentialId: 'alipay:1' }];
    const library = defaultPolicy.apps.library;
    if (!library) throw new Error('no library');
    const draft = {
      ...defaultPolicy,
      apps: { ...defaultPolicy.apps, library: { ...library, sources: { allow: null, deny: ['alipay'] } } },
    };
    expect(shadowOf(defaultPolicy, { ...decision, events })).toBe('same');
    expect(shadowOf(draft, { ...decision, events })).toBe('stepped_up');
  });
});

withDatabases('a draft in shadow', (makeDb) => {
  let database: Database;
  let office: Office;
  let ana: By;
  let wei: By;
  beforeAll(async () => {
    database = await makeDb();
    office = await openOffice(database.knex);
    [ana, wei] = [await office.member('assurance_admin'), await office.member('app_admin')];
  });
  const db = () => database.knex;
  const set = (id: string, on: boolean, by = ana) => setShadow(office.deps, { by, id, on });
  const lastLine = async () => (await readAudit(db(), { afterSeq: 0, limit: 10_000 })).at(-1);

  async function drafted(floor: string, options: { broken?: boolean } = {}): Promise<Change> {
    const { document } = await currentPolicy(db());
    const next = raised(document, floor);
    const broken = options.broken ? { ...next, defaultFloor: 'nowhere' } : next;
    return saveDraft(office.deps, { by: ana, draft: null, document: broken, unfinished: true });
  }
  /** Turns enough for everything that can wait (500 decisions, ten a turn), however slow each of them is. */
  async function judged() {
    for (let turn = 0; turn < 60; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
  /** A process that shows so many decisions to what is tried. */
  async function process(times: number, shown = decision) {
    const watch = createShadow({ log });
    await watch.refresh(db());
    for (let n = 0; n < times; n += 1) watch.note(shown);
    await judged();
    return watch;
  }
  const countsOf = async (change: Change) =>
    Object.fromEntries(
      (await shadowCounts(db(), change.id, contentKey((await changeById(db(), change.id))?.payload))).map((each) => [
        `${each.clientId} ${each.outcome}`,
        each.count,
      ]),
    );

  it('counts nothing and does nothing while no draft is tried', async () => {
    const watch = await process(3);
    expect([watch.isOn(), watch.take()]).toEqual([false, []]);
  });

  it('is set by one assurance admin, with a line in the audit, one draft at a time', async () => {
    const [one, two] = [await drafted(loa(2)), await drafted(loa(3))];
    await set(one.id, true);
    expect(await lastLine()).toMatchObject({
      type: 'shadow.set',
      actor: { kind: 'staff', id: ana.accountId },
      requestId: 'request-1',
      data: { changeId: one.id, on: true, replaced: null },
    });
    await set(two.id, true);
    expect(await lastLine()).toMatchObject({ data: { changeId: two.id, on: true, replaced: one.id } });
    expect((await shadowById(db(), one.id))?.stoppedAt).toEqual(t0);
    await expect(set(two.id, false, wei)).rejects.toMatchObject({ code: 'forbidden' });
    expect(await lastLine()).toMatchObject({ type: 'change.refused', data: { operation: 'shadow' } });
    await set(two.id, false);
    expect(await lastLine()).toMatchObject({ type: 'shadow.set', data: { on: false } });
    const lines = (await readAudit(db(), { afterSeq: 0, limit: 10_000 })).length;
    // Ended already: nothing to do, nothing to say.
    await set(two.id, false);
    expect((await readAudit(db(), { afterSeq: 0, limit: 10_000 })).length).toBe(lines);
    await expect(set('nobody', true)).rejects.toMatchObject({ status: 404 });
    const broken = await drafted(loa(2), { broken: true });
    await expect(set(broken.id, true)).rejects.toMatchObject({ code: 'policy_invalid' });
    await withdrawChange(office.deps, { by: ana, id: one.id, revision: one.revision });
    await expect(set(one.id, true)).rejects.toMatchObject({ code: 'change_decided' });
  });

  it('counts each decision once, by app, day and outcome, over all processes', async () => {
    const change = await drafted(loa(2));
    await set(change.id, true);
    const processes = await Promise.all([
      process(30),
      process(12, { ...decision, clientId: 'housing-fund' }),
      process(5),
    ]);
    await Promise.all(processes.map((watch) => flush(db(), watch)));
    expect(await countsOf(change)).toEqual({ 'library stepped_up': 35, 'housing-fund stepped_up': 12 });
    const [count] = await shadowCounts(db(), change.id, contentKey(change.payload));
    expect(count?.day).toBe(dayOf(t0));
    // Proposed it is tried on; withdrawn no more.
    const proposal = { by: ana, id: change.id, revision: change.revision, reason: 'because', publishAt: null };
    const proposed = await proposeDraft(office.deps, proposal);
    const [watch] = processes;
    await watch.refresh(db());
    expect(watch.isOn()).toBe(true);
    await withdrawChange(office.deps, { by: ana, id: change.id, revision: proposed.revision });
    await watch.refresh(db());
    expect(watch.isOn()).toBe(false);
  });

  it('begins anew when the draft is edited, and waits while it can’t stand', async () => {
    const change = await drafted(loa(2));
    await set(change.id, true);
    const watch = await process(2);
    await flush(db(), watch);
    const { document } = await currentPolicy(db());
    const edit = async (floor: string, defaultFloor = document.defaultFloor) => {
      const now = await changeById(db(), change.id);
      const draft = { id: change.id, revision: now?.revision ?? 0 };
      const next = { ...raised(document, floor), defaultFloor };
      await saveDraft(office.deps, { by: ana, draft, document: next, unfinished: true });
      await watch.refresh(db());
      watch.note(decision);
      await judged();
      await flush(db(), watch);
    };
    await edit(loa(2), 'nowhere');
    expect(await countsOf(change)).toEqual({});
    await edit(loa(1));
    expect(await countsOf(change)).toEqual({ 'library same': 1 });
    await edit(loa(2));
    expect(await countsOf(change)).toEqual({ 'library stepped_up': 3 });
    await set(change.id, false);
  });

  it('never breaks or holds up the decision it looks at', async () => {
    const change = await drafted(loa(2));
    await set(change.id, true);
    const watch = await process(0);
    // A row that no policy can judge.
    const broken: RecordedDecision = { ...decision, at: new Date(Number.NaN) };
    said.length = 0;
    watch.note(broken);
    watch.note(decision);
    expect(watch.take()).toEqual([]);
    await judged();
    expect(said).toHaveLength(1);
    expect(watch.take()).toMatchObject([{ outcome: 'stepped_up', count: 1 }]);
    // Of a burst as many as fit; the rest is let go.
    for (let n = 0; n < 2_000; n += 1) watch.note(decision);
    await judged();
    expect(watch.take()).toMatchObject([{ count: 500 }]);
    await set(change.id, false);
  });

  it('keeps what it could not write, and tries again', async () => {
    const change = await drafted(loa(2));
    await set(change.id, true);
    const watch = await process(4);
    const gone = await makeDb();
    await gone.close();
    await expect(flush(gone.knex, watch)).rejects.toThrow();
    const job = startShadows({ db: db(), log, watch });
    await job.settled(5_000);
    await job.stop();
    expect(await countsOf(change)).toEqual({ 'library stepped_up': 4 });
    await set(change.id, false);
  });

  it('adds up what many processes write at once', async () => {
    const row = (clientId: string) => ({
      changeId: 'c',
      content: 'x',
      day: 20261123,
      clientId,
      outcome: 'same',
      count: 1,
    });
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        db().transaction((tx) => addShadowCounts(tx, n % 2 ? [row('a'), row('b')] : [row('b'), row('a')])),
      ),
    );
    expect((await shadowCounts(db(), 'c', 'x')).map(({ clientId, count }) => [clientId, count])).toEqual([
      ['a', 20],
      ['b', 20],
    ]);
  });
});
