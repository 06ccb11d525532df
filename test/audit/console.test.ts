import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actorKinds, auditEvents, strayFields } from '../../src/audit/events.ts';
import { decideChange } from '../../src/commands/decide-change.ts';
import { intervene } from '../../src/commands/intervene.ts';
import { liftIntervention } from '../../src/commands/lift-intervention.ts';
import { proposeDraft, saveDraft } from '../../src/commands/propose-change.ts';
import { signAuditHead } from '../../src/commands/sign-audit-head.ts';
import { createI18n } from '../../src/i18n/index.ts';
import { newPersonKey } from '../../src/lib/crypto.ts';
import { append, auditHead, readAudit } from '../../src/storage/audit.ts';
import { openNote } from '../../src/storage/audit-notes.ts';
import { currentPolicy } from '../../src/storage/policies.ts';
import { loa, raised } from '../admin/staff-support.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { storedAccount } from '../support/rows.ts';
import { type Desk, openStaffroom, type Staffroom } from '../support/staff-http.ts';

let city: TestCity;
let room: Staffroom;
let auditor: Desk;
let support: Desk;

beforeAll(async () => {
  city = await startCity();
  room = await openStaffroom(city);
  auditor = await room.desk(['auditor']);
  support = await room.desk(['support']);
});
afterAll(async () => {
  await room?.close();
  await city?.close();
});

const deps = () => ({ db: room.db, keyring: room.keyring, clock: () => new Date() });
const by = (desk: Desk) => ({ accountId: desk.accountId, cause: { requestId: 'request-77', clientId: 'admin' } });
const page = async (desk: Desk, path: string) => (await desk.get(path, 'text/html')).text();
/** What is read on the page between its tags. */
const read = (html: string) =>
  html
    .replaceAll(/<(script|style|head)[\s\S]*?<\/\1>/g, '')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ');
const lines = () => readAudit(room.db, { afterSeq: 0, limit: 100_000 });
const lineOf = async (wanted: (line: Awaited<ReturnType<typeof lines>>[number]) => boolean) => {
  const found = (await lines()).findLast(wanted);
  if (found === undefined) throw new Error('no such line');
  return found;
};
const written = (actor: Parameters<typeof append>[1]['actor'], accountId: string | null = null) =>
  append(room.db, {
    at: new Date(),
    type: 'session.ended',
    actor,
    accountId,
    clientId: null,
    requestId: null,
    outcome: 'ok',
    reason: null,
    data: { count: 1, scope: 'all' },
  });

describe('words', () => {
  const i18n = createI18n();

  it('every event, every field of one and every kind of actor has its own', () => {
    const inner: readonly string[] = ['before', 'after', 'omitted', 'note'];
    const fields = new Set(auditEvents.flatMap(({ data }) => data.filter((name) => !inner.includes(name))));
    const keys = [
      ...auditEvents.map(({ type }) => `audit.type_of.${type}`),
      ...[...fields].map((name) => `audit.field.${name}`),
      ...actorKinds.map((kind) => `audit.kind.${kind}`),
    ];
    expect(keys.filter((key) => !i18n.has('en', key))).toEqual([]);
  });

  it.each([
    [{ kind: 'staff', id: 'app:library' }, /app: City library|app: library/i],
    [{ kind: 'app', id: 'library' }, /app: /],
    [{ kind: 'operator', id: 'operator:wang' }, /operator of the servers: wang/],
    [{ kind: 'system', id: 'publish-due' }, /the system by itself: publish-due/],
    [{ kind: 'anonymous', id: 'unknown' }, /somebody not signed in/],
  ] as const)('%j', async (actor, words) => {
    const { seq } = await written(actor);
    const text = read(await page(auditor, `/admin/audit/${seq}`));
    expect(text).toMatch(words);
    expect(text).not.toContain('operator:wang:');
    expect(read(await page(auditor, '/admin/audit'))).toMatch(words);
  });

  it('a citizen is themselves in their own line, and staff go by their name', async () => {
    const own = await written({ kind: 'citizen', id: support.accountId }, support.accountId);
    expect(read(await page(auditor, `/admin/audit/${own.seq}`))).toContain('citizen: the person themselves');
    const other = await written({ kind: 'staff', id: auditor.accountId }, support.accountId);
    expect(read(await page(auditor, `/admin/audit/${other.seq}`))).toMatch(/Done by staff: \S/);
  });
});

describe('what staff wrote in their own words', () => {
  let citizen: string;
  beforeAll(async () => {
    citizen = (await storedAccount(room.db)).id;
    for (const id of [citizen, support.accountId])
      await room
        .db('accounts')
        .where({ id })
        .update({ sealed_key: newPersonKey(room.keyring).sealedKey });
  });
  const words = '来电人自称机主，语气可疑';
  const noted = () => lineOf(({ type, data }) => type === 'intervention.set' && 'note' in data);

  it('is in the line, sealed, and nowhere in clear', async () => {
    const result = await intervene(deps(), {
      ...{ by: by(support), accountId: citizen, kind: 'reauthenticate', reason: 'misuse', until: null },
      note: words,
    });
    if (!('done' in result)) throw new Error(result.denied);
    const line = await noted();
    expect(line.data.note).toMatch(/^p1\./);
    expect(JSON.stringify(await lines())).not.toContain(words);
    expect(await page(auditor, `/admin/audit/${line.seq}`)).not.toContain(words);
    const other = { by: by(support), accountId: citizen, id: result.done };
    await liftIntervention(deps(), { ...other, reason: 'mistake', note: '误会' });
    expect((await lineOf(({ type }) => type === 'intervention.ended')).data.note).toMatch(/^p1\./);
  });

  it('is read by the right role only; the person sees that it was', async () => {
    const other = await room.desk(['auditor']);
    const { seq } = await noted();
    expect((await support.post(`/admin/audit/${seq}/note`)).status).toBe(403);
    expect(await (await other.post(`/admin/audit/${seq}/note`)).text()).toContain(`<p id="note">${words}</p>`);
    expect(await lineOf(({ type }) => type === 'person.viewed')).toMatchObject({
      actor: { kind: 'staff', id: other.accountId },
      accountId: citizen,
      data: { what: 'audit_note', ref: String(seq) },
    });
    expect((await other.post('/admin/audit/1/note')).status).toBe(404);
  });

  it('opens in its own line only', async () => {
    const { at, data } = await noted();
    const note = String(data.note);
    const where = { accountId: citizen, type: 'intervention.set', at } as const;
    const open = (more: Partial<Parameters<typeof openNote>[2]>) =>
      openNote(room.db, room.keyring, { ...where, ...more }, note);
    expect(await open({})).toBe(words);
    await expect(open({ at: new Date(0) })).rejects.toThrow('does not open');
    await expect(open({ type: 'intervention.ended' })).rejects.toThrow('does not open');
    await expect(open({ accountId: support.accountId })).rejects.toThrow('does not open');
    expect(await open({ accountId: 'nobody' })).toBeNull();
  });

  it('is gone with the key of the person; the chain holds', async () => {
    const other = await room.desk(['auditor']);
    const { seq } = await noted();
    const key = await room.db('accounts').where({ id: citizen }).first('sealed_key');
    await room.db('accounts').where({ id: citizen }).update({ sealed_key: '' });
    const html = await (await other.post(`/admin/audit/${seq}/note`)).text();
    expect(read(html)).toContain('The key of this person was destroyed');
    expect(read(html)).toContain('Nothing was changed');
    await room.db('accounts').where({ id: citizen }).update(key);
  });

  it('is refused in clear, and so is a reason that is no code', async () => {
    const event = (more: object) => ({ type: 'intervention.set' as const, data: {}, ...more });
    expect(strayFields(event({ data: { note: words } }))).toEqual(['note']);
    expect(strayFields(event({ reason: 'He said so' }))).toEqual(['reason']);
    expect(strayFields(event({ reason: 'misuse' }))).toEqual([]);
  });
});

describe('the page of a line', () => {
  it('tells an intervention in words, with what was before, and where it leads', async () => {
    await intervene(deps(), {
      by: by(support),
      accountId: auditor.accountId,
      kind: 'reprove',
      reason: 'identity_doubted',
      note: null,
      until: new Date('2031-05-06T07:08:00Z'),
    });
    const { seq, hash, prevHash } = await lineOf(({ type }) => type === 'intervention.set');
    const html = await page(auditor, `/admin/audit/${seq}`);
    const text = read(html);
    expect(text).toContain('Intervened in an account');
    expect(text).toContain('doubt about whose account it is');
    expect(text).toMatch(/Interventions in force nothing Prove identity anew/);
    expect(text).toContain('6 May 2031 15:08 (UTC+8)');
    expect(text).toContain('Their roles then Support');
    expect(text).toContain('Nothing was changed');
    expect(html).toContain(hash);
    expect(html).toContain(prevHash);
    expect(html).toContain(`/admin/audit?account=${auditor.accountId}`);
    expect(html).toContain(`/admin/decisions?account=${auditor.accountId}`);
    expect(html).toContain('/admin/audit?request=request-77');
    expect(html).not.toContain('/admin/people/');
    expect(html).toContain(`href="/admin/audit/${seq - 1}"`);
  });

  it('tells new rules by what they mean, with a link to the change', async () => {
    const [one, two] = [await room.desk(['assurance_admin']), await room.desk(['owner'])];
    const { document } = await currentPolicy(room.db);
    const draft = await saveDraft(deps(), { by: by(one), draft: null, document: raised(document, loa(2)) });
    const { id } = await proposeDraft(deps(), { by: by(one), ...draft, reason: 'more care', publishAt: null });
    await decideChange(deps(), { by: by(two), id, revision: 2, decision: 'approve', reason: 'yes' });
    const published = await lineOf(({ type }) => type === 'policy.published');
    expect(published.data).toMatchObject({
      before: { 'apps.library.floor': loa(1) },
      after: { 'apps.library.floor': loa(2) },
    });
    const html = await page(auditor, `/admin/audit/${published.seq}`);
    expect(html).toMatch(/<ul id="differences"><li>[^<]+/);
    expect(read(html)).toContain(`Apps · library.floor ${loa(1)} ${loa(2)}`);
    const decided = await lineOf(({ type }) => type === 'change.decided');
    expect(await page(auditor, `/admin/audit/${decided.seq}`)).toContain(`href="/admin/approvals/${id}"`);
  });

  it('says which signed head covers it, and that the newest has none yet', async () => {
    await signAuditHead(deps());
    const head = (await auditHead(room.db)).seq;
    const { seq } = await written({ kind: 'system', id: 'counter' });
    expect(read(await page(auditor, '/admin/audit/1'))).toMatch(/Line \d+, which follows from this one, was signed on/);
    expect(head).toBeLessThan(seq);
    expect(read(await page(auditor, `/admin/audit/${seq}`))).toContain('Not yet: the newest line');
  });

  it.each(['0', '-1', '1.5', 'x', '99999999', '9'.repeat(30)])('there is no line %s', async (seq) => {
    expect((await auditor.get(`/admin/audit/${seq}`)).status).toBe(404);
  });

  it('shows a line that was changed, the one after it, and one that is gone', async () => {
    for (const at of [1, 2, 3, 4, 5]) await written({ kind: 'system', id: `s${at}` });
    const { seq: last } = await auditHead(room.db);
    for (const verb of ['update', 'delete']) await room.db.raw(`drop trigger if exists audit_no_${verb}`);
    const place = async (seq: number) =>
      /id="place"[^>]*>([^<]+)/.exec(await page(auditor, `/admin/audit/${seq}`))?.[1];
    await room
      .db('audit')
      .where({ seq: last - 3 })
      .update({ outcome: 'refused' });
    expect(await place(last - 3)).toContain('changed after it was written');
    await room
      .db('audit')
      .where({ seq: last - 3 })
      .update({ outcome: 'ok', hash: 'x' });
    expect(await place(last - 2)).toContain('does not follow the line before');
    await room
      .db('audit')
      .where({ seq: last - 1 })
      .delete();
    expect(await place(last)).toContain('The line before is missing');
    await room
      .db('audit')
      .where({ seq: last - 3 })
      .update({ data: 'no json' });
    const html = await page(auditor, `/admin/audit/${last - 3}`);
    expect(read(html)).toContain('cannot be read any more');
    expect(read(await page(auditor, '/admin/audit'))).toMatch(/Line \d+ What was written here cannot be read any more/);
    await room.db('audit').where({ seq: last }).update({ prev_hash: 'y' });
    expect(await place(last - 2)).toContain('does not follow the line before');
  });
});

describe('finding', () => {
  it('says in words what is shown, and leads back to all', async () => {
    const html = await page(auditor, `/admin/audit?account=${auditor.accountId}&since=2026-01-02&day=2030-03-04`);
    expect(read(html)).toContain(
      `Shown are only lines: about the person ${auditor.accountId}, from 2 January 2026 on, up to 4 March 2030`,
    );
    expect(html).toContain('<summary>Search for something else</summary>');
    const none = await page(auditor, '/admin/audit?type=session.ended&since=2031-01-01');
    expect(read(none)).toMatch(/of the kind: Signed out.*Nothing was found/);
    expect(await page(auditor, '/admin/audit')).toContain('<summary>Search the log</summary>');
    // What is no day narrows nothing down.
    expect(await page(auditor, '/admin/audit?since=yesterday')).not.toContain('shown-by');
  });
});
