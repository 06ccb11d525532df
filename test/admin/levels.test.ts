import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formerLevels } from '../../seeds/former-policy.ts';
import { defaultPolicy } from '../../seeds/policy.ts';
import { proposalOf } from '../../src/commands/change-payload.ts';
import { proposeChange } from '../../src/commands/propose-change.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { changeById } from '../../src/storage/changes.ts';
import { appendPolicy, currentPolicy } from '../../src/storage/policies.ts';
import { addShadowCounts, contentKey } from '../../src/storage/shadow.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { type Desk, openStaffroom, type Staffroom } from '../support/staff-http.ts';
import { edit, faultsOf, fieldsOf, loaPath } from './levels-support.ts';
import { loa } from './staff-support.ts';

let city: TestCity;
let room: Staffroom;
let ana: Desk;
let ben: Desk;
beforeAll(async () => {
  city = await startCity();
  room = await openStaffroom(city);
  [ana, ben] = [await room.desk(['assurance_admin']), await room.desk(['assurance_admin'])];
});
afterAll(async () => {
  await room?.close();
  await city?.close();
});

const to = (response: Response) => response.headers.get('location') ?? '';
const html = async (desk: Desk, path: string) => (await desk.get(path, 'text/html')).text();
async function newDraft(by: Readonly<Desk> = ana): Promise<string> {
  const [fresh] = [await room.desk(['assurance_admin'])];
  return to(await (by === ana ? fresh : by).post('/admin/levels/change'));
}
async function documentOf(draft: string) {
  const change = await changeById(room.db, draft.split('/').at(-1) ?? '');
  const what = change === null ? null : proposalOf(change);
  if (change === null || what?.kind !== 'policy') throw new Error('no draft');
  return { change, document: what.payload.document };
}
const levelOf = async (draft: string, n: 1 | 2 | 3 | 4) => {
  const level = (await documentOf(draft)).document.levels.find(({ id }) => id === loa(n));
  if (!level) throw new Error(`no level ${n}`);
  return level;
};

describe('the form of a level', () => {
  it('begins a draft, and goes on with one’s own', async () => {
    expect(await html(ana, '/admin/levels')).toContain('id="change"');
    const draft = to(await ana.post('/admin/levels/change'));
    expect(draft).toMatch(/^\/admin\/levels\/[0-9a-f-]+$/);
    expect(to(await ana.post('/admin/levels/change'))).toBe(draft);
    const other = to(await ben.post('/admin/levels/change'));
    expect(other).not.toBe(draft);
    expect(await html(ana, '/admin/levels')).toContain(`href="${other}"`);
    expect(await html(ana, draft)).toContain('These rules fit together.');
    // Whoever only reads finds no way to change.
    const auditor = await room.desk(['auditor']);
    expect(await html(auditor, '/admin/levels')).not.toContain('id="change"');
    expect((await auditor.get(draft)).status).toBe(403);
  });

  it('sends back what it shows: saving without a change changes nothing', async () => {
    const draft = await newDraft();
    for (const n of [1, 2, 3, 4]) expect((await edit(ana, loaPath(draft, n), {})).status).toBe(303);
    const staff = `${draft}/${encodeURIComponent('urn:shimin:staff')}`;
    expect((await edit(ana, staff, {})).status).toBe(303);
    const { document, change } = await documentOf(draft);
    expect(document.levels).toEqual(defaultPolicy.levels);
    expect(change.revision).toBe(6);
  });

  it('says everything that a level can ask', async () => {
    const draft = await newDraft();
    const page = loaPath(draft, 4);
    const saved = await edit(ana, page, {
      name: 'top',
      'w0-categories': ['mainland', 'macao'],
      'w0-r0-confirms': ['officials:2', 'photo'],
      'w0-r0-sources': ['counter'],
      'w0-r0-place': 'in_person',
      'w0-r0-age': '30',
      'w0-r0-unit': 'days',
      'a0-kinds': ['possession'],
      'a0-age': '90',
      'a0-unit': 'seconds',
      rideOnSso: 'yes',
      labels: 'http://eidas.europa.eu/LoA/high\r\nurn:example:top\r\n',
      'equivalents-guangdong': '',
      'equivalents-singpass': 'urn:singpass:authentication:loa:3',
    });
    expect(to(saved)).toBe(`${page}?done=saved`);
    expect(await levelOf(draft, 4)).toEqual({
      id: loa(4),
      name: 'top',
      ial: 3,
      aal: 3,
      identity: [
        {
          categories: ['mainland', 'macao'],
          independent: false,
          rules: [
            {
              kind: 'counter',
              minStrength: 'superior',
              maxAge: 30 * 86_400,
              confirms: ['officials:2', 'photo'],
              sources: ['counter'],
              place: 'in_person',
            },
          ],
        },
      ],
      authentication: [
        {
          factors: 2,
          kinds: ['possession'],
          userVerified: true,
          phishingResistant: true,
          deviceBound: true,
          maxAge: 90,
        },
      ],
      rideOnSso: true,
      dominates: [loa(3)],
      labels: ['http://eidas.europa.eu/LoA/high', 'urn:example:top'],
      equivalents: { eidas: 'high', singpass: 'urn:singpass:authentication:loa:3' },
    });
    const shown = await html(ana, `${page}?done=saved`);
    expect(shown).toContain('Saved in the draft.');
    expect(shown).toContain('not older than 30 days');
  });

  it('adds and takes out ways, evidence and ways to sign in, keeping what is typed', async () => {
    const draft = await newDraft();
    const page = loaPath(draft, 3);
    const added = await edit(ana, page, { 'w0-r0-age': '2', 'w0-r0-unit': 'years' }, 'add-way');
    expect(to(added)).toBe(`${page}?done=saved&at=w4#f-w4`);
    expect((await levelOf(draft, 3)).identity[0]?.rules[0]?.maxAge).toBe(2 * 31_536_000);
    const more = await edit(ana, page, { 'w4-add': 'face' }, 'add-rule.4');
    expect(to(more)).toContain('at=w4-r1#f-w4-r1');
    expect(await html(ana, to(more))).toMatch(/<details class="more" id="f-w4-r1" open>/);
    await edit(ana, page, {}, 'remove-rule.4.0');
    expect((await levelOf(draft, 3)).identity[4]?.rules.map(({ kind }) => kind)).toEqual(['face']);
    await edit(ana, page, {}, 'add-sign-in');
    await edit(ana, page, {}, 'remove-sign-in.0');
    await edit(ana, page, {}, 'remove-way.4');
    await edit(ana, page, {}, 'remove-way.0');
    const level = await levelOf(draft, 3);
    expect([level.identity.length, level.authentication.length]).toEqual([3, 1]);
    // The last one stays: a level that asks for nothing of a kind says so by an empty way.
    await edit(ana, page, {}, 'remove-sign-in.0');
    expect((await levelOf(draft, 3)).authentication).toHaveLength(1);
  });

  it('saves a draft with faults, each beside its place in words, and does not propose it', async () => {
    const draft = await newDraft();
    const page = loaPath(draft, 3);
    const saved = await edit(ana, page, {
      'w0-r0-kind': 'face',
      'w0-r0-strength': 'superior',
      'w0-r0-place': 'in_person',
      dominates: [loa(2), loa(4)],
    });
    expect(saved.status).toBe(303);
    const shown = await html(ana, page);
    const faults = faultsOf(shown);
    expect(Object.keys(faults)).toEqual(
      expect.arrayContaining(['w0-r0-strength', 'w0-r0-confirms', 'w0-r0-place', 'dominates', 'w0']),
    );
    for (const field of Object.keys(faults)) expect(shown, field).toContain(`id="f-${field}"`);
    expect(faults['w0-r0-strength']?.[0]).toBe(
      'Way 1, evidence 1: No source gives evidence of the kind a face check as strong as at least of superior strength.',
    );
    expect(faults.dominates?.[0]).toContain('each claim to contain the other');
    // Words that this kind can't confirm are still there to be unticked.
    expect(shown).toMatch(/name="w0-r0-confirms" value="document_number" checked/);
    const overview = await html(ana, draft);
    expect(overview).toContain('To be put right before it can be proposed');
    expect(overview).toContain(`href="${page}#f-w0-r0-strength"`);
    const { change } = await documentOf(draft);
    const preview = await html(ana, `/admin/preview/${change.id}`);
    expect(preview).toContain(`href="${draft}"`);
    expect(preview).not.toContain('/propose"');
    const form = { reason: 'because', revision: String(change.revision) };
    const proposed = await ana.post(`/admin/preview/${change.id}/propose`, form);
    expect([proposed.status, (await documentOf(draft)).change.status]).toEqual([422, 'draft']);
  });

  it('does not save what can’t be read; it stays as it was typed', async () => {
    const draft = await newDraft();
    const page = loaPath(draft, 2);
    const refused = await edit(ana, page, { 'w0-r0-age': 'five', 'a0-age': '', name: '', 'w1-r0-age': '7' });
    expect(refused.status).toBe(422);
    const shown = await refused.text();
    expect(Object.keys(faultsOf(shown)).toSorted()).toEqual(['a0-age', 'name', 'w0-r0-age']);
    expect(shown).toContain('value="five"');
    expect(shown).toMatch(/name="w1-r0-age" value="7"/);
    expect((await documentOf(draft)).change.revision).toBe(1);
    // Half a form, or words that no form has, are no form at all.
    const whole = fieldsOf(await html(ana, page), `${page}/save`);
    expect((await ana.post(`${page}/save`, { ...whole, do: 'save', end: [] })).status).toBe(422);
    expect((await edit(ana, page, { 'w0-r0-confirms': ['shoe_size'] })).status).toBe(422);
    expect((await edit(ana, page, { revision: 'x' })).status).toBe(422);
  });

  it('says what is wrong with names, with the order and with what was never offered', async () => {
    const draft = await newDraft();
    const page = loaPath(draft, 3);
    await edit(ana, page, {
      dominates: [],
      labels: 'http://eidas.europa.eu/LoA/high\nurn:shimin:loa:1',
      'equivalents-guangdong': '五级',
      'equivalents-singpass': '',
      'a0-kinds': ['knowledge', 'possession', 'inherence'],
      'w0-categories': ['macao'],
      'w0-independent': 'yes',
      'w0-r1-kind': 'population',
      'w0-r1-confirms': [],
      'w0-r1-sources': ['population', 'wechat'],
    });
    const shown = await html(ana, page);
    const faults = faultsOf(shown);
    expect(Object.keys(faults).toSorted()).toEqual(['a0-kinds', 'labels', 'names', 'w0-independent']);
    for (const field of Object.keys(faults)) expect(shown, field).toContain(`id="f-${field}"`);
    // Level 4 comes after it in the document: it is there that the name is used twice. What contains nothing is a first level.
    expect(await html(ana, draft)).toContain('五级 of Guangdong trust level already stands for Level 1: Real person.');
    // A source that can't give it is kept ticked where it was, and is no choice otherwise.
    expect(shown).toMatch(/name="w0-r1-sources" value="wechat" checked/);
    const odd = await edit(ana, page, { ial: '9', 'w0-r0-strength': 'enormous', 'w1-categories': ['martian'] });
    expect(odd.status).toBe(422);
    expect(faultsOf(await odd.text())['w0-r0-strength']?.[0]).toContain('Choose one of what is offered.');
    // Browsers repeat a field as often as it is ticked; more than twenty times is an object to the parser.
    const many = Array.from({ length: 30 }, (_, n) => `source-${n}`);
    expect((await edit(ana, page, { 'w0-r0-sources': many })).status).toBe(303);
    expect((await levelOf(draft, 3)).identity[0]?.rules[0]?.sources).toEqual(many);
  });

  it('is for drafts of the policy only', async () => {
    const { id } = await proposeChange(
      { db: room.db, keyring: room.keyring, clock: () => new Date() },
      {
        by: { accountId: ben.accountId, cause: { requestId: null, clientId: 'admin' } },
        what: { kind: 'keys', payload: {} },
        reason: 'time',
      },
    );
    expect((await ana.get(`/admin/levels/${id}`)).status).toBe(404);
    expect((await ana.post(`/admin/preview/${id}/shadow`, { shadow: 'on' })).status).toBe(404);
  });

  it('tells the second of two who edit one draft, and overwrites nothing', async () => {
    const draft = await newDraft();
    const page = loaPath(draft, 2);
    const { end, ...seen } = fieldsOf(await html(ben, page), `${page}/save`);
    expect((await edit(ana, page, { 'w0-r0-age': '3' })).status).toBe(303);
    const second = await ben.post(`${page}/save`, { ...seen, 'w0-r0-age': '4', do: 'save', end: end ?? [] });
    expect(second.status).toBe(409);
    const told = await second.text();
    expect(told).toContain('Somebody else saved this draft meanwhile.');
    expect(told).toMatch(/name="w0-r0-age" value="4"/);
    expect((await levelOf(draft, 2)).identity[0]?.rules[0]?.maxAge).toBe(3 * 31_536_000);
    const lines = await readAudit(room.db, { afterSeq: 0, limit: 100_000 });
    expect(lines.at(-1)).toMatchObject({ type: 'change.refused', reason: 'draft_conflict' });
    // The same on the draft's own page.
    const late = await ben.post(`${loaPath(draft, 3)}/earlier`, { revision: '1' });
    expect([late.status, (await late.text()).includes('id="refused"')]).toEqual([409, true]);
  });
});

/** Ana proposes the draft, Ben approves it. */
async function publish(draft: string): Promise<string> {
  const { change } = await documentOf(draft);
  await ana.post(`/admin/preview/${change.id}/propose`, { reason: 'because', revision: String(change.revision) });
  const proposed = await changeById(room.db, change.id);
  const decision = { decision: 'approve', revision: String(proposed?.revision) };
  expect((await ben.post(`/admin/approvals/${change.id}/decide`, decision)).status).toBe(303);
  return change.id;
}

describe('the levels of a draft', () => {
  const revision = async (draft: string) => String((await documentOf(draft)).change.revision);

  it('gets a new level like another one, with what is wrong with it', async () => {
    const draft = await newDraft();
    const wrong = await ana.post(`${draft}/add`, { levelId: 'with space', name: '', like: loa(3), revision: '1' });
    expect([wrong.status, (await wrong.text()).includes('value="with space"')]).toEqual([422, true]);
    const taken = await ana.post(`${draft}/add`, { levelId: loa(3), name: 'x', like: loa(3), revision: '1' });
    expect([taken.status, (await taken.text()).includes('of this name already')]).toEqual([422, true]);
    const made = { levelId: 'https://levels.example/a?b=c', name: 'half', like: loa(3), revision: '1' };
    const page = to(await ana.post(`${draft}/add`, made));
    expect(page).toBe(`${draft}/${encodeURIComponent(made.levelId)}?done=added`);
    expect(await html(ana, page)).toContain('The level is in the draft.');
    const { document } = await documentOf(draft);
    expect(document.levels.map(({ id }) => id)).toEqual([
      loa(1),
      loa(2),
      loa(3),
      made.levelId,
      loa(4),
      'urn:shimin:staff',
    ]);
    expect(document.levels[3]).toMatchObject({ name: 'half', labels: [], equivalents: {}, dominates: [loa(2)] });
    const [path = ''] = page.split('?');
    await ana.post(`${path}/earlier`, { revision: await revision(draft) });
    expect((await documentOf(draft)).document.levels[2]?.id).toBe(made.levelId);
  });

  it('loses a level: the order stays, and apps ask for another one', async () => {
    const draft = await newDraft();
    const form = { instead: loa(3), revision: '1' };
    expect((await ana.post(`${loaPath(draft, 2)}/remove`, { ...form, instead: loa(2) })).status).toBe(422);
    expect(to(await ana.post(`${loaPath(draft, 2)}/remove`, form))).toBe(`${draft}?done=removed`);
    const { document } = await documentOf(draft);
    expect(document.levels.find(({ id }) => id === loa(3))?.dominates).toEqual([loa(1)]);
    expect(document.apps['housing-fund']?.floor).toBe(loa(3));
    expect(document.defaultFloor).toBe(loa(3));
    expect((await ana.get(loaPath(draft, 2))).status).toBe(404);
  });

  it('goes on after other rules came into force, without undoing them', async () => {
    const mine = await newDraft();
    await edit(ana, loaPath(mine, 2), { 'a0-age': '19', 'a0-unit': 'hours' });
    // Another draft, about level 3 and the library, is published meanwhile.
    const other = await newDraft();
    await edit(ana, loaPath(other, 3), { 'a0-age': '6' });
    const id = await publish(other);
    expect(to(await ana.get(other))).toBe(`/admin/approvals/${id}`);

    const stale = await edit(ana, loaPath(mine, 2), { 'a0-age': '18', 'a0-unit': 'hours' });
    expect([stale.status, (await stale.text()).includes('Other rules have come into force')]).toEqual([409, true]);
    expect(await html(ana, mine)).toContain('id="rebase"');
    const brought = await ana.post(`${mine}/rebase`, { revision: await revision(mine) });
    expect(to(brought)).toBe(`${mine}?done=rebased`);
    const { document, change: after } = await documentOf(mine);
    const { version } = await currentPolicy(room.db);
    expect(after.basedOn).toBe(version);
    expect(document.levels[1]?.authentication[0]?.maxAge).toBe(19 * 3600);
    expect(document.levels[2]?.authentication[0]?.maxAge).toBe(6 * 3600);
    expect(await html(ana, mine)).not.toContain('id="rebase"');
    // Both changed level 2: the draft's author is told.
    const third = await newDraft();
    await edit(ana, loaPath(third, 2), { 'a0-age': '17', 'a0-unit': 'hours' });
    await publish(mine);
    const both = to(await ana.post(`${third}/rebase`, { revision: await revision(third) }));
    expect(await html(ana, both)).toContain('look at them again: Level 2: Real name.');
    expect((await documentOf(third)).document.levels[1]?.authentication[0]?.maxAge).toBe(17 * 3600);
    // Nobody brings up to date what somebody else has just saved.
    const late = await ana.post(`${third}/rebase`, { revision: '1' });
    expect([late.status, (await late.text()).includes('Somebody else saved')]).toEqual([409, true]);
  });

  it('is closed once it is proposed, also to a form that is still open', async () => {
    const draft = await newDraft();
    const page = loaPath(draft, 2);
    await edit(ana, page, { 'a0-age': '16', 'a0-unit': 'hours' });
    const { end, ...seen } = fieldsOf(await html(ana, page), `${page}/save`);
    const { change } = await documentOf(draft);
    await ana.post(`/admin/preview/${change.id}/propose`, { reason: 'so', revision: String(change.revision) });
    const late = await ana.post(`${page}/save`, { ...seen, do: 'save', end: end ?? [] });
    expect([late.status, (await late.text()).includes('proposed or discarded meanwhile')]).toEqual([409, true]);
    expect(to(await ana.get(page))).toBe(`/admin/approvals/${change.id}`);
  });
});

describe('a draft in shadow', () => {
  it('is shown with its preview, set and ended by whoever may propose rules', async () => {
    const draft = await newDraft();
    await edit(ana, loaPath(draft, 2), { 'a0-age': '16', 'a0-unit': 'hours' });
    const { change } = await documentOf(draft);
    const preview = `/admin/preview/${change.id}`;
    expect(to(await ana.post(`${preview}/shadow`, { shadow: 'on' }))).toBe(`${preview}?done=shadow_on`);
    const row = { changeId: change.id, content: contentKey(change.payload), clientId: 'library' };
    await addShadowCounts(room.db, [
      { ...row, day: 20261122, outcome: 'same', count: 7 },
      { ...row, day: 20261123, outcome: 'same', count: 5 },
      { ...row, day: 20261123, outcome: 'refused', count: 2 },
    ]);
    const wei = await room.desk(['app_admin']);
    const shown = await html(wei, preview);
    expect(shown).toMatch(
      /<th scope="row">City Library<\/th><td class="number">12<\/td><td class="number">0<\/td><td class="number">2</,
    );
    expect(shown).toMatch(/<td>2026-11-22<\/td><td class="number">7</);
    expect(shown).not.toContain('name="shadow"');
    expect((await wei.post(`${preview}/shadow`, { shadow: 'on' })).status).toBe(403);
    expect((await ana.post(`${preview}/shadow`, { shadow: 'perhaps' })).status).toBe(422);
    // A draft with faults waits; one that is not tried can't be put in shadow.
    await edit(ana, loaPath(draft, 2), { dominates: [loa(1), loa(4)] });
    expect(await html(ana, preview)).toContain('Paused until the draft is put right.');
    await ana.post(`${preview}/shadow`, { shadow: 'off' });
    expect(await html(ana, preview)).not.toContain('name="shadow"');
    expect((await ana.post(`${preview}/shadow`, { shadow: 'on' })).status).toBe(422);
  });
});

it('a level that a name and a number alone reach is marked on the page of the levels in force', async () => {
  expect(await html(ana, '/admin/levels')).not.toContain('by-number');
  const { document } = await currentPolicy(room.db);
  // Not what is remembered for a second: a test before this one may have published.
  const version = Number((await room.db('policies').max({ newest: 'version' }))[0]?.newest);
  const next = { ...document, levels: formerLevels, version: version + 1 };
  const published = { version: version + 1, document: next, createdBy: 'test', at: new Date() };
  expect(await appendPolicy(room.db, { ...published, expectedPrevious: version })).toBe(true);
  // Another process's version is seen within a second.
  await expect.poll(() => html(ana, '/admin/levels'), { timeout: 5_000 }).toContain('by-number');
  expect((await html(ana, '/admin/levels')).match(/class="notice warn by-number"/g)).toHaveLength(1);
});
