import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ApiOperation } from '../../src/admin-api/operation.ts';
import { apiOperations } from '../../src/admin-api/operations.ts';
import { newId } from '../../src/lib/crypto.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { addCounts, dayOf } from '../../src/storage/daily-counts.ts';
import { type Decision, toDecisionRow } from '../../src/storage/decisions.ts';
import { insertEvidence } from '../../src/storage/evidence.ts';
import { insertIntervention } from '../../src/storage/interventions.ts';
import { currentPolicy } from '../../src/storage/policies.ts';
import { loa, raised } from '../admin/staff-support.ts';
import { databaseKinds } from '../support/databases.ts';
import { ownNumber, storedAccount } from '../support/rows.ts';
import { type Answered, type Api, base, openApi, type Program, revisionOf } from './support.ts';

type Named = Program & { readonly id: string };

let api: Api;
let ana: Named;
let ben: Named;
let apps: Named;
let auditor: Named;
let support: Named;
let person: string;
let decision: Decision;
const operations = new Map(apiOperations({ allowLoopback: true }).map((operation) => [operation.id, operation]));
const called = new Map<string, number>();

describe.each(databaseKinds)('every operation [%s]', (kind) => {
  beforeAll(async () => {
    called.clear();
    api = await openApi(kind);
    ana = await api.program(['assurance_admin']);
    ben = await api.program(['assurance_admin']);
    apps = await api.program(['app_admin']);
    auditor = await api.program(['auditor']);
    support = await api.program(['support']);
    ({ id: person } = await storedAccount(api.db));
    const at = new Date();
    await insertEvidence(api.db, {
      accountId: person,
      kind: 'population',
      source: 'population',
      strength: 'strong',
      category: 'mainland',
      confirmed: ['name', 'document_number'],
      recordedAt: at,
      expiresAt: null,
      reference: null,
      record: 'one',
    });
    await insertEvidence(api.db, {
      ...ownNumber,
      accountId: person,
      category: 'mainland',
      recordedAt: at,
      expiresAt: null,
      reference: null,
      record: 'one',
    });
    decision = {
      id: newId(),
      at,
      accountId: person,
      clientId: 'library',
      sessionUid: null,
      interaction: null,
      requestId: 'request-1',
      policyVersion: 1,
      outcome: 'refused',
      level: null,
      acr: null,
      reason: 'unmet_authentication_requirements',
      request: { acrValues: [loa(2)], prompt: ['none'] },
    };
    await api.db('decisions').insert(snake(toDecisionRow(decision)));
    const count = { day: dayOf(at), kind: 'signin', a: 'library', b: 'met', c: loa(1) } as const;
    await addCounts(api.db, [count, count]);
  });
  afterAll(() => api?.close());

  const snake = (row: object) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name.replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), value]),
    );

  function operationOf(id: string): ApiOperation {
    const found = operations.get(id);
    if (!found) throw new Error(`no operation ${id}`);
    return found;
  }

  /** Calls an operation by its name and holds the answer against the description. */
  async function call(
    program: Program,
    id: string,
    {
      params = {},
      query = {},
      ...sent
    }: { params?: Record<string, string | number>; query?: Record<string, string> } & Parameters<Program>[2] = {},
  ): Promise<Answered> {
    const operation = operationOf(id);
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => String(params[name]));
    const search = new URLSearchParams(query).toString();
    const answer = await program(operation.method, search === '' ? path : `${path}?${search}`, sent);
    if (answer.status !== operation.answer.status)
      throw new Error(`${id}: ${answer.status} ${JSON.stringify(answer.body)}`);
    const parsed = operation.answer.schema.safeParse(answer.body);
    expect(parsed.error?.issues ?? []).toEqual([]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.headers.has('access-control-allow-origin')).toBe(false);
    expect(answer.headers.has('etag')).toBe(operation.hasRevision === true);
    called.set(id, (called.get(id) ?? 0) + 1);
    return answer;
  }

  const document = async () => (await currentPolicy(api.db)).document;

  describe('rules', () => {
    it('tells, judges, previews, drafts, proposes and publishes them, and the way back', async () => {
      const known = await call(ana, 'getPolicy');
      expect(known.body).toMatchObject({ version: 1, document: { version: 1 } });
      expect(revisionOf(known)).toBe('1');
      const next = raised(await document(), loa(2));

      const judged = await call(ana, 'validatePolicy', { body: { document: next } });
      expect(judged.body).toEqual({ valid: true, faults: [] });

      const preview = await call(ana, 'previewPolicy', {
        body: { document: next },
        headers: { 'accept-language': 'en' },
      });
      expect(preview.body).toMatchObject({ basedOn: 1, finished: true, signIns: { replayed: 1 } });
      expect(preview.body.differences).toHaveLength(1);
      expect(preview.body.differences[0].lines[0]).toMatch(/library/);

      const draft = await call(ana, 'createPolicyDraft', { body: { document: next } });
      expect(draft.body).toMatchObject({ kind: 'policy', status: 'draft', createdBy: `app:${ana.id}`, revision: 1 });
      const { id } = draft.body;
      const again = await call(ana, 'replacePolicyDraft', {
        params: { id },
        revision: revisionOf(draft),
        body: { document: raised(await document(), loa(3)) },
      });
      expect(revisionOf(again)).toBe('2');
      const proposal = await call(ana, 'proposeChange', {
        params: { id },
        revision: revisionOf(again),
        body: { reason: 'because' },
      });
      expect(proposal.body).toMatchObject({ status: 'proposed', proposedBy: `app:${ana.id}` });
      expect((await call(ben, 'getChange', { params: { id } })).body).toEqual(proposal.body);

      // The second look is a person’s: no app decides, neither the one that proposed it nor another.
      for (const program of [ana, ben])
        for (const decision of ['approve', 'reject']) {
          const answer = await program('post', `/changes/${id}/decide`, {
            body: { decision, reason: 'seen' },
            revision: revisionOf(proposal),
          });
          expect([answer.status, answer.body.code]).toEqual([403, 'decider_no_person']);
          const line = (await readAudit(api.db, { afterSeq: 0, limit: 1_000 })).at(-1);
          expect(line).toMatchObject({
            ...{ type: 'change.refused', outcome: 'refused', reason: 'decider_no_person' },
            actor: { kind: 'app', id: `app:${program.id}` },
          });
        }
      called.set('decideChange', 1);
      expect((await call(ana, 'getChange', { params: { id } })).body.status).toBe('proposed');
      await api.approve(proposal.body);
      // At once, in the process that published it.
      expect((await call(ana, 'getPolicy')).body.document.apps.library.floor).toBe(loa(3));
      const back = await call(ana, 'proposePolicyRollback', { body: { toVersion: 1, reason: 'too much' } });
      const withdrawn = await call(ana, 'withdrawChange', { params: { id: back.body.id }, revision: revisionOf(back) });
      expect(withdrawn.body.status).toBe('withdrawn');

      const versions = await call(ana, 'listPolicyVersions', { query: { limit: '1' } });
      expect(versions.body.items.map((item: { version: number }) => item.version)).toEqual([2]);
      expect(versions.headers.get('link')).toBe(`<${versions.body.next}>; rel="next"`);
      const more = await ana('get', versions.body.next);
      expect(more.body.items.map((item: { version: number }) => item.version)).toEqual([1]);
      expect(more.body.next).toBeNull();
      const old = await call(ana, 'getPolicyVersion', { params: { version: 1 } });
      expect(old.body.document.apps.library.floor).toBe(loa(1));

      const first = await call(ana, 'listChanges', { query: { limit: '1', status: 'published' } });
      expect(first.body.items.map((item: { id: string }) => item.id)).toEqual([id]);
      expect((await call(ana, 'listChanges')).body.items).toHaveLength(2);
    });
  });

  const texts = (text: string) => ({ 'zh-Hans': text, 'zh-Hant': text, en: text, pt: text });
  const settings = {
    name: texts('Parks'),
    purpose: texts('to book a pitch'),
    ownerName: 'Parks department',
    redirectUris: ['https://parks.example/callback'],
    postLogoutUris: [],
    clientUri: null,
    logoUri: null,
    authMethod: 'client_secret_basic',
    jwks: null,
    jwksUri: null,
    backchannelLogoutUri: null,
    sectorIdentifierUri: null,
    scopes: ['profile'],
    refreshTokens: true,
    firstParty: false,
  };

  /** Whether the engine takes the secret: it answers about a token only to an app that it knows. */
  async function isTaken(id: string, secret: string): Promise<boolean> {
    const response = await fetch(`${api.issuer}/token/introspection`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
      body: new URLSearchParams({ token: 'none' }),
    });
    return response.status === 200;
  }

  describe('apps', () => {
    it('registers one, tells its secret once, changes it, gives it a new secret, switches it off', async () => {
      const made = await call(apps, 'createApp', { body: { id: 'parks', settings } });
      expect(made.body).toMatchObject({
        app: null,
        change: { kind: 'app', status: 'proposed', proposedBy: `app:${apps.id}` },
        secret: expect.any(String),
      });
      // Until a second person agrees there is no such app; whoever reads changes reads no secret nor a trace of one.
      expect((await apps('get', '/apps/parks')).status).toBe(404);
      expect(await isTaken('parks', made.body.secret)).toBe(false);
      const waiting = await apps('get', `/changes/${made.body.change.id}`);
      expect(JSON.stringify(waiting.body)).not.toMatch(new RegExp(`${made.body.secret}|sha256`));
      await api.approve(made.body.change);
      const one = await call(apps, 'getApp', { params: { id: 'parks' } });
      expect(one.body).toMatchObject({ id: 'parks', state: 'on', settings });
      expect(JSON.stringify(one.body)).not.toContain(made.body.secret);
      expect(await isTaken('parks', made.body.secret)).toBe(true);
      const changed = await call(apps, 'replaceAppSettings', {
        params: { id: 'parks' },
        revision: revisionOf(one),
        body: { settings: { ...settings, ownerName: 'Parks and gardens' } },
      });
      expect(changed.body).toMatchObject({ app: { settings: { ownerName: 'Parks and gardens' } }, secret: null });
      const rotated = await call(apps, 'rotateAppSecret', { params: { id: 'parks' }, body: { overlapHours: 0 } });
      expect(rotated.body.secret).not.toBe(made.body.secret);
      expect(await isTaken('parks', rotated.body.secret)).toBe(false);
      await api.approve(rotated.body.change);
      expect([await isTaken('parks', rotated.body.secret), await isTaken('parks', made.body.secret)]).toEqual([
        true,
        false,
      ]);
      const off = await call(apps, 'switchApp', { params: { id: 'parks' }, body: { state: 'off' } });
      expect(off.body.state).toBe('off');
    });

    it('lists all of them page by page, each once', async () => {
      const ids: string[] = [];
      let next: string | null = `${base}/apps?limit=2`;
      while (next !== null) {
        const page: Answered = await apps('get', next);
        ids.push(...page.body.items.map((item: { id: string }) => item.id));
        next = page.body.next;
      }
      expect(ids).toEqual(ids.toSorted());
      expect(new Set(ids).size).toBe(ids.length);
      const all = await call(apps, 'listApps', { query: { limit: '200' } });
      expect(all.body.items.map((item: { id: string }) => item.id)).toEqual(ids);
      expect(all.body.items.find((item: { id: string }) => item.id === ana.id).staffRoles).toEqual(['assurance_admin']);
    });

    it('lets nobody who looks after apps act as one that holds roles', async () => {
      for (const [method, path, body] of [
        ['post', `/apps/${ana.id}/secret`, { overlapHours: 0 }],
        ['put', `/apps/${ana.id}/settings`, { settings }],
      ] as const) {
        const answer = await apps(method, path, { body, revision: 'x' });
        expect([answer.status, answer.body.code]).toEqual([403, 'app_has_roles']);
      }
    });
  });

  describe('sources', () => {
    it('stops one at once, proposes to switch one, lists all', async () => {
      const stopped = await call(ana, 'killSource', { params: { id: 'face' }, body: { reason: 'wrong matches' } });
      expect(stopped.body).toMatchObject({
        kind: 'source',
        status: 'proposed',
        payload: { source: 'face', killed: true },
      });
      const asked = await call(ana, 'proposeSourceSwitch', {
        params: { id: 'sms' },
        body: { enabled: false, reason: 'costs' },
      });
      expect(asked.body.payload).toEqual({ source: 'sms', enabled: false, killed: false });
      const { items } = (await call(ana, 'listSources')).body;
      expect(items.find((item: { id: string }) => item.id === 'face')).toMatchObject({
        enabled: false,
        changed: { by: `app:${ana.id}`, reason: 'wrong matches' },
        waitingChange: stopped.body.id,
      });
      expect(items.find((item: { id: string }) => item.id === 'sms').enabled).toBe(true);
      const unknown = await ana('post', '/sources/nobody/kill', { body: { reason: 'x' } });
      expect(unknown.status).toBe(404);
    });
  });

  describe('staff, audit and counts', () => {
    it('lists people and apps with their roles', async () => {
      const { items } = (await call(auditor, 'listStaff')).body;
      expect(items).toContainEqual({
        id: `app:${ana.id}`,
        roles: [{ role: 'assurance_admin', grantedBy: null, grantedAt: null }],
      });
    });

    it('reads the audit on from any line, and its head', async () => {
      const head = await call(auditor, 'getAuditHead');
      const first = await call(auditor, 'listAuditEntries', { query: { limit: '3' } });
      expect(first.body.items.map((item: { seq: number }) => item.seq)).toEqual([1, 2, 3]);
      const second = await auditor('get', first.body.next);
      expect(second.body.items[0]).toMatchObject({ seq: 4, prevHash: first.body.items[2].hash });
      const last = await call(auditor, 'getAuditEntry', { params: { seq: head.body.seq } });
      expect(last.body.hash).toBe(head.body.hash);
      expect((await auditor('get', '/audit/entries/999999')).status).toBe(404);

      const mine = await call(auditor, 'searchAudit', { query: { actorId: `app:${ana.id}`, limit: '2' } });
      expect(mine.body.items).toHaveLength(2);
      expect(mine.body.items[0].seq).toBeGreaterThan(mine.body.items[1].seq);
      const older = await auditor('get', mine.body.next);
      expect(older.body.items[0].seq).toBeLessThan(mine.body.items[1].seq);
      const actors = older.body.items.map((item: { actor: { id: string } }) => item.actor.id);
      expect(new Set(actors)).toEqual(new Set([`app:${ana.id}`]));
      const early = await call(auditor, 'searchAudit', { query: { until: '2020-01-01T00:00:00Z' } });
      expect(early.body.items).toEqual([]);
      const both = await auditor('get', '/audit/search?actorId=a&requestId=b');
      expect(both.body.errors).toMatchObject([{ in: 'query', pointer: '/requestId', code: 'one_filter' }]);
    });

    it('counts sign-ins', async () => {
      const counts = await call(auditor, 'countSignIns', { query: { days: '1' } });
      expect(counts.body.items).toEqual([
        { day: counts.body.from, clientId: 'library', outcome: 'met', level: loa(1), count: 2 },
      ]);
      const none = await call(auditor, 'countSignIns', { query: { clientId: 'nobody' } });
      expect(none.body.items).toEqual([]);
    });
  });

  describe('people', () => {
    const looks = async () =>
      (await readAudit(api.db, { afterSeq: 0, limit: 1_000 })).filter(({ type }) => type === 'person.viewed');

    it('tells support how well somebody is known, and nothing of who they are; the look is on record', async () => {
      const known = await call(support, 'getPerson', { params: { id: person } });
      expect(known.body).toMatchObject({
        id: person,
        category: 'mainland',
        evidence: [
          { kind: 'population', counts: true },
          { kind: 'elements', counts: true },
        ],
      });
      expect(known.body.levels).toContain(loa(2));
      expect((await looks()).at(-1)).toMatchObject({
        actor: { id: `app:${support.id}` },
        accountId: person,
        data: { what: 'person' },
      });
      expect(known.body).toMatchObject({ usable: true, interventions: [] });
      const { id: other } = await storedAccount(api.db);
      const order = { id: newId(), accountId: other, reason: 'other', note: null, actor: 'test', until: null };
      await insertIntervention(api.db, api.deps.keyring, { ...order, kind: 'blocked', at: new Date() });
      const stopped = await call(support, 'getPerson', { params: { id: other } });
      expect(stopped.body).toMatchObject({
        usable: false,
        interventions: [{ kind: 'blocked', until: null }],
        levels: [],
      });
      expect((await support('get', `/people/${randomUUID()}`)).status).toBe(404);
    });

    it('explains a decision to the auditor, in their language', async () => {
      const list = await call(auditor, 'listDecisions', { query: { accountId: person } });
      expect(list.body.items).toHaveLength(1);
      const params = { id: decision.id };
      const english = await call(auditor, 'explainDecision', { params, headers: { 'accept-language': 'en' } });
      const chinese = await call(auditor, 'explainDecision', { params, headers: { 'accept-language': 'zh-Hant' } });
      expect(english.body.decision).toEqual(list.body.items[0]);
      expect(english.body.said[0]).toMatch(/^[A-Z][a-z]+ [a-z]+ .*\.$/);
      expect(chinese.body.said[0]).not.toBe(english.body.said[0]);
      expect((await looks()).at(-1)).toMatchObject({ accountId: person, data: { what: 'decision', ref: decision.id } });
      expect((await auditor('get', `/decisions/${randomUUID()}`)).status).toBe(404);
      expect((await auditor('get', `/decisions?accountId=${randomUUID()}`)).status).toBe(404);
    });
  });

  describe('the description that is served', () => {
    it('has no operation that was not called here', async () => {
      const { body } = await api.with(null)('get', '/openapi.json');
      const described = z
        .object({ paths: z.record(z.string(), z.record(z.string(), z.object({ operationId: z.string() }))) })
        .parse(body);
      const ids = Object.values(described.paths).flatMap((path) =>
        Object.values(path).map(({ operationId }) => operationId),
      );
      expect(ids.toSorted()).toEqual([...operations.keys()].toSorted());
      expect(ids.filter((id) => !called.has(id))).toEqual([]);
      expect(body.servers).toEqual([{ url: `${api.issuer}${base}` }]);
    });
  });
});
