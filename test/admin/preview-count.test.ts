import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { countFor } from '../../src/admin/preview-count.ts';
import type { Evidence } from '../../src/assurance/evidence.ts';
import { type AssurancePolicy, appRuleOf, parsePolicy } from '../../src/assurance/policy.ts';
import { type AcrRequest, requirementFor, satisfies } from '../../src/assurance/requirement.ts';
import type { By } from '../../src/commands/change-rules.ts';
import { decideChange } from '../../src/commands/decide-change.ts';
import { proposeDraft, saveDraft } from '../../src/commands/propose-change.ts';
import { newId } from '../../src/lib/crypto.ts';
import { answerReplay } from '../../src/oidc/provider.ts';
import { standingInSession } from '../../src/standing/session.ts';
import type { Database } from '../../src/storage/db.ts';
import type { Decision } from '../../src/storage/decisions.ts';
import { oidcModels } from '../../src/storage/oidc-models.ts';
import { currentPolicy } from '../../src/storage/policies.ts';
import { insertEvent } from '../../src/storage/sessions.ts';
import { setSource } from '../../src/storage/sources.ts';
import { type StandingReader, standingReader } from '../../src/storage/standing.ts';
import { anyEvidence, anyPolicy, evidenceFor } from '../assurance/generators.ts';
import { now as generatedAt } from '../assurance/support.ts';
import { onReplay } from '../storage/oidc-models-support.ts';
import { withDatabases } from '../support/databases.ts';
import { storedAccount, t0 } from '../support/rows.ts';
import { loa, type Office, openOffice } from './staff-support.ts';

interface Citizen {
  readonly accountId: string;
  readonly session: string;
  readonly category: string;
}

/** Evidence of a citizen: often enough for a level of the city, always with something else beside it. */
const anyLedger: fc.Arbitrary<Evidence[]> = fc.oneof(
  fc.array(anyEvidence, { maxLength: 4 }),
  fc
    .constantFrom(...defaultPolicy.levels)
    .chain((level) =>
      fc.tuple(fc.constantFrom(...level.identity).chain(evidenceFor), fc.array(anyEvidence, { maxLength: 2 })),
    )
    .map((parts) => parts.flat()),
);
const anyCitizen = fc.record({
  evidence: anyLedger,
  passkey: fc.constantFrom(null, 'synced', 'bound'),
  password: fc.boolean(),
  totp: fc.boolean(),
  status: fc.constantFrom('active' as const, 'active' as const, 'active' as const, 'closed' as const),
});

const anyRequest = fc.record({
  clientId: fc.constantFrom('library', 'social-insurance', 'housing-fund'),
  acrValues: fc.subarray([loa(1), loa(2), loa(3), 'phr', 'urn:nobody']),
  essential: fc.option(fc.constantFrom(loa(2), loa(3), 'urn:nobody'), { nil: null, freq: 3 }),
  silent: fc.boolean(),
});

withDatabases('the preview in the console', (makeDb) => {
  let database: Database;
  let office: Office;
  let ana: By;
  let ben: By;
  let read: StandingReader;
  const citizens: Citizen[] = [];
  const requests: { citizen: Citizen; clientId: string; request: AcrRequest }[] = [];
  const db = () => database.knex;

  beforeAll(async () => {
    database = await makeDb();
    office = await openOffice(db());
    [ana, ben] = [await office.member('assurance_admin'), await office.member('assurance_admin')];
    for (const citizen of fc.sample(anyCitizen, { numRuns: 400, seed: 21 })) await settle(citizen);
    // Half of what one source said counts for nothing while it is off.
    const off = { id: 'guangdong', enabled: false, changedAt: t0, changedBy: 'test', reason: '', needsSecond: null };
    await setSource(db(), off);
    read = standingReader(database);
    for (const { clientId, acrValues, essential, silent } of fc.sample(anyRequest, { numRuns: 150, seed: 22 })) {
      const citizen = citizens[requests.length % citizens.length];
      if (!citizen) throw new Error('nobody lives here');
      const claimsAcr = essential === null ? {} : { claimsAcr: { essential: true, values: [essential] } };
      requests.push({ citizen, clientId, request: { acrValues, prompt: silent ? ['none'] : [], ...claimsAcr } });
    }
  });

  /** Stored as the commands store it; everybody has just signed in with all they have. */
  async function settle(citizen: typeof anyCitizen extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
    const { id: accountId } = await storedAccount(db(), { status: citizen.status });
    const moved = (date: Date | null) =>
      date === null ? null : date.getTime() - generatedAt.getTime() + office.now.getTime();
    const rows = citizen.evidence.map((item) => ({
      id: newId(),
      account_id: accountId,
      kind: item.kind,
      source: item.source,
      strength: item.strength,
      category: item.category,
      confirmed: JSON.stringify(item.confirmed),
      recorded_at: moved(item.recordedAt),
      expires_at: moved(item.expiresAt),
      revoked_at: moved(item.revokedAt),
      revoked_reason: item.revokedAt === null ? null : 'test',
    }));
    if (rows.length > 0) await db()('evidence').insert(rows);
    const session = newId();
    const event = (method: 'passkey' | 'password' | 'totp', facts: object) =>
      insertEvent(db(), {
        accountId,
        sessionUid: session,
        interactionUid: `of-${session}`,
        method,
        at: office.now,
        credentialId: null,
        factors: ['possession'],
        userVerified: false,
        phishingResistant: false,
        deviceBound: false,
        ...facts,
      });
    if (citizen.passkey !== null) {
      const synced = citizen.passkey === 'synced';
      await db()('passkeys').insert({
        id: newId(),
        account_id: accountId,
        credential_id: newId(),
        public_key: Buffer.alloc(1),
        counter: 0,
        transports: '[]',
        backup_eligible: synced,
        backup_state: synced,
        user_verified_at_registration: true,
        aaguid: '',
        name: '',
        created_at: t0.getTime(),
      });
      const both = { factors: ['possession', 'inherence'], userVerified: true, phishingResistant: true };
      await event('passkey', { ...both, deviceBound: !synced });
    }
    if (citizen.password) {
      await db()('passwords').insert({ account_id: accountId, hash: 'x', created_at: t0.getTime() });
      await event('password', { factors: ['knowledge'] });
    }
    if (citizen.totp) {
      const totp = { id: newId(), account_id: accountId, sealed_secret: 'x', last_step: 0, confirmed_at: t0.getTime() };
      await db()('totps').insert(totp);
      await event('totp', {});
    }
    if (citizen.status !== 'active') return;
    citizens.push({ accountId, session, category: categoryOf(rows.filter(({ source }) => source !== 'guangdong')) });
  }

  /** What tokens are made of: what everybody holds under the policy in force. */
  async function held(): Promise<Map<string, ReadonlySet<string>>> {
    const all = new Map<string, ReadonlySet<string>>();
    for (const { accountId, session } of citizens) {
      const interaction = `of-${session}`;
      const where = { accountId, sessionUid: session, interaction, now: office.now, clientId: null };
      const standing = await standingInSession({ db: db(), readStanding: read }, where);
      all.set(accountId, new Set(standing?.assessment.held.map(({ level }) => level)));
    }
    return all;
  }

  /** Drafted by one, approved by another: from then on it is what everybody is judged by. */
  async function publish(document: AssurancePolicy): Promise<void> {
    const draft = await saveDraft(office.deps, { by: ana, draft: null, document });
    const { id, revision } = draft;
    const asked = await proposeDraft(office.deps, { by: ana, id, revision, reason: 'because', publishAt: null });
    const decision = 'approve' as const;
    await decideChange(office.deps, { by: ben, id, revision: asked.revision, decision, reason: 'seen' });
  }

  const drafts = (): AssurancePolicy[] =>
    fc
      .sample(anyPolicy, { numRuns: 20, seed: 23 })
      .map((policy) => ({ ...policy, apps: { ...policy.apps, admin: appRuleOf(policy.defaultFloor) } }))
      .filter((policy) => parsePolicy(policy).ok)
      .slice(0, 8);

  it('counts what happens to everybody when the draft is published', async () => {
    let had = await held();
    let moved = 0;
    for (const [i, next] of [...drafts(), defaultPolicy].entries()) {
      const { document: old } = await currentPolicy(db());
      const { finished, comparison } = await countFor(office.deps, `people-${i}`, { old, next });
      await publish(next);
      const has = await held();
      const expected = tally(had, has);
      expect(finished).toBe(true);
      expect(comparison.people).toBe(citizens.length + 2); // The two of the staff, who have shown nothing.
      expect([comparison.rising, comparison.dropping]).toEqual([expected.rising, expected.dropping]);
      const told = comparison.movements.map(({ category, level, rise, drop }): [string, number[]] => [
        `${category ?? ''} ${level}`,
        [rise, drop],
      ]);
      expect(new Map(told)).toEqual(expected.movements);
      moved += expected.rising + expected.dropping;
      had = has;
    }
    expect(moved).toBeGreaterThan(100);
  });

  function tally(had: ReadonlyMap<string, ReadonlySet<string>>, has: ReadonlyMap<string, ReadonlySet<string>>) {
    const movements = new Map<string, number[]>();
    let [rising, dropping] = [0, 0];
    for (const { accountId, category } of citizens) {
      const [before, after] = [had.get(accountId) ?? new Set<string>(), has.get(accountId) ?? new Set<string>()];
      const [gained, lost] = [[...after].filter((x) => !before.has(x)), [...before].filter((x) => !after.has(x))];
      if (gained.length > 0) rising += 1;
      if (lost.length > 0) dropping += 1;
      for (const [list, at] of [[gained, 0] as const, [lost, 1] as const])
        for (const level of list) {
          const counts = movements.get(`${category} ${level}`) ?? [0, 0];
          counts[at] = (counts[at] ?? 0) + 1;
          movements.set(`${category} ${level}`, counts);
        }
    }
    return { rising, dropping, movements };
  }

  /** How every request goes under the policy in force. */
  async function judged(): Promise<Pick<Decision, 'outcome' | 'level' | 'acr' | 'reason'>[]> {
    const { document: policy } = await currentPolicy(db());
    const all: Pick<Decision, 'outcome' | 'level' | 'acr' | 'reason'>[] = [];
    for (const { citizen, clientId, request } of requests) {
      const { accountId, session } = citizen;
      const where = { accountId, sessionUid: session, interaction: null, now: office.now, clientId };
      const standing = await standingInSession({ db: db(), readStanding: read }, where);
      if (!standing) throw new Error('a citizen is gone');
      const offered = request.prompt.includes('none');
      const context = { interaction: null, offered, events: standing.events };
      const verdict = satisfies(standing.assessment, requirementFor(policy, clientId, request), policy, context);
      if (verdict.kind === 'met') all.push({ outcome: 'met', level: verdict.level, acr: verdict.label, reason: null });
      else if (offered) all.push({ outcome: 'refused', level: null, acr: null, reason: 'login_required' });
      else if (verdict.target.length === 0) all.push({ outcome: 'refused', level: null, acr: null, reason: null });
      else {
        const outcome = verdict.reauthenticate ? 'reauthenticate' : 'step_up';
        all.push({ outcome, level: null, acr: null, reason: null });
      }
    }
    return all;
  }

  it('counts which recorded sign-ins go differently when they are made again', async () => {
    const models = oidcModels(database, { onReplay, answerReplay });
    const before = await judged();
    const { version, document: old } = await currentPolicy(db());
    const base = { at: office.now, requestId: null, interaction: null, policyVersion: version };
    for (const [i, { citizen, clientId, request }] of requests.entries()) {
      const outcome = before[i];
      if (!outcome) throw new Error('not judged');
      const { accountId, session: sessionUid } = citizen;
      const id = idAt(office.now, i);
      const decision: Decision = { ...base, id, accountId, sessionUid, clientId, request, ...outcome };
      await models.recordDecision(decision);
      // What people and apps did besides is nobody's rule: a journey that ended, and one that was declined.
      if (i % 10 === 0) {
        const refused = { ...decision, outcome: 'refused', level: null, acr: null } as const;
        const asked = { ...request, prompt: [] };
        const reason = i % 20 === 0 ? 'access_denied' : 'unmet_authentication_requirements';
        await models.recordDecision({ ...refused, id: idAt(office.now, 1_000 + i), reason, request: asked });
      }
    }
    const same = await countFor(office.deps, 'same', { old, next: old });
    expect(same.decisions).toBe(requests.length);
    expect(same.replay.map(({ changed }) => changed)).toEqual(same.replay.map(() => 0));
    let changes = 0;
    for (const [i, next] of [raisedDefault(), defaultPolicy, ...drafts().slice(0, 3)].entries()) {
      const counted = await countFor(office.deps, `replay-${i}`, { old, next });
      await publish(next);
      const after = await judged();
      const expected = new Map<string, number>();
      for (const [at, { clientId }] of requests.entries()) {
        const [from, to] = [before[at]?.outcome, after[at]?.outcome];
        if (from === to) continue;
        const key = `${clientId} ${from} ${to}`;
        expected.set(key, (expected.get(key) ?? 0) + 1);
      }
      const told = counted.replay.flatMap((app) =>
        app.moves.map(({ from, to, count }): [string, number] => [`${app.clientId} ${from} ${to}`, count]),
      );
      expect(new Map(told)).toEqual(expected);
      changes += expected.size;
    }
    expect(changes).toBeGreaterThan(5);
  });
});

/** UUIDv7 of a moment, so that what the office's clock says is what the ids say. */
const idAt = (at: Date, i: number): string => {
  const hex = at.getTime().toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${String(i).padStart(12, '0')}`;
};

const raisedDefault = (): AssurancePolicy => ({
  ...defaultPolicy,
  apps: { ...defaultPolicy.apps, library: appRuleOf(loa(2)), 'housing-fund': appRuleOf(loa(3)) },
});

/** Of the newest evidence that says one; of two of one moment, the later row. */
function categoryOf(rows: readonly { category: string | null; recorded_at: number | null }[]): string {
  const said = rows.filter(({ category }) => category !== null);
  const newest = Math.max(...said.map(({ recorded_at }) => recorded_at ?? 0));
  return said.filter(({ recorded_at }) => recorded_at === newest).at(-1)?.category ?? '';
}
