import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandDeps } from '../../src/commands/command.ts';
import { cancelCounterCase } from '../../src/commands/counter-cancel.ts';
import { openCounterCase } from '../../src/commands/counter-open.ts';
import { counterChecks } from '../../src/identity/counter.ts';
import { newPersonKey } from '../../src/lib/crypto.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { type CounterCase, caseById, codeOf } from '../../src/storage/counter-cases.ts';
import { evidenceOf } from '../../src/storage/evidence.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { dayInYears } from '../support/days.ts';
import { storedAccount } from '../support/rows.ts';
import { type Desk, openStaffroom, type Staffroom } from '../support/staff-http.ts';
import { cause } from './support.ts';

let city: TestCity;
let room: Staffroom;
let deps: CommandDeps;
let clerk: Desk;
let other: Desk;

beforeAll(async () => {
  city = await startCity();
  room = await openStaffroom(city);
  deps = { db: room.db, keyring: room.keyring, clock: () => new Date() };
  [clerk, other] = [await room.desk(['clerk']), await room.desk(['clerk'])];
  for (const desk of [clerk, other]) await desk.post('/admin/counter/seat', { counter: 'civic-centre-1' });
});
afterAll(async () => {
  await room?.close();
  await city?.close();
});

/** A citizen's case with its code; the citizen is stored with a key of this city. */
async function opened(officials: 1 | 2 = 1): Promise<{ found: CounterCase; code: string; path: string }> {
  const { sealedKey } = newPersonKey(room.keyring);
  const { id: accountId } = await storedAccount(room.db, { sealedKey });
  const found = await openCounterCase(deps, { accountId, officials, cause });
  const code = (await codeOf(room.db, room.keyring, found)) ?? '';
  return { found, code, path: `/admin/counter/cases/${found.id}` };
}

const ticked = Object.fromEntries(counterChecks.map((check) => [`check_${check}`, 'on']));
/** 孙美玲, 欧阳雪: people of the register. */
const entry = (changes: Record<string, string> = {}) => ({
  as: 'mainland.cn_resident_id',
  number: '440305199908082263',
  name: '欧阳雪',
  birthDate: '1999-08-08',
  validUntil: dayInYears(9),
  ...ticked,
  ...changes,
});
const take = (desk: Desk, code: string) => desk.post('/admin/counter/take', { code });
const textOf = async (response: Response) => (await response.text()).replaceAll(/\s+/g, ' ');

describe('the official’s desk', () => {
  it('asks for the counter first, and believes only its own signature', async () => {
    const [fresh, { code }] = [await room.desk(['clerk']), await opened()];
    expect(await textOf(await fresh.get('/admin/counter', 'text/html'))).toContain('At which counter do you sit?');
    expect((await take(fresh, code)).status).toBe(422);
    expect((await fresh.post('/admin/counter/seat', { counter: 'nowhere' })).status).toBe(422);
    const seat = (await fresh.post('/admin/counter/seat', { counter: 'bay-port' })).headers.get('set-cookie') ?? '';
    expect(seat).toMatch(/^shimin_seat=bay-port\..{43}; .*HttpOnly/);
    const thief = await room.desk(['clerk']);
    thief.keep(seat);
    expect((await take(thief, code)).status).toBe(422);
    expect((await take(fresh, code)).status).toBe(303);
  });

  it('finds a case only for who has it, and each look is a line that the citizen sees', async () => {
    const { found, code, path } = await opened();
    expect((await clerk.get(path)).status).toBe(404);
    expect((await clerk.post(`${path}/confirm`, entry())).status).toBe(404);
    expect((await take(clerk, code)).headers.get('location')).toBe(path);
    expect((await clerk.get(path, 'text/html')).status).toBe(200);
    expect((await other.get(path)).status).toBe(404);
    expect(await textOf(await take(other, code))).toContain('Another official has this case');
    const looks = (await readAudit(room.db, { afterSeq: 0, limit: 10_000 })).filter(
      ({ type, accountId }) => type === 'person.viewed' && accountId === found.accountId,
    );
    expect(looks).toMatchObject([
      { actor: { kind: 'staff', id: clerk.accountId }, data: { what: 'counter_case', ref: found.id } },
    ]);
  });

  it('names every fault at its field and keeps what was typed', async () => {
    const { found, code, path } = await opened();
    await take(clerk, code);
    const wrong = await clerk.post(`${path}/confirm`, entry({ number: '1', birthDate: '2020-02-30', check_photo: '' }));
    expect([wrong.status, await textOf(wrong)]).toEqual([422, expect.stringContaining('value="欧阳雪"')]);
    const faults = await clerk.post(`${path}/confirm`, entry({ validUntil: '2020-01-01', name: 'OUYANG' }));
    const page = await textOf(faults);
    for (const id of ['e-validUntil', 'e-name']) expect(page).toContain(`id="${id}"`);
    const unticked = await textOf(await clerk.post(`${path}/confirm`, entry({ check_photo: '', check_chip: '' })));
    for (const id of ['e-check_photo', 'e-check_chip']) expect(unticked).toContain(`id="${id}"`);
    expect((await clerk.post(`${path}/confirm`, entry({ validUntil: '' }))).status).toBe(422);
    expect((await clerk.post(`${path}/confirm`, entry({ as: 'mainland.passport' }))).status).toBe(422);
    expect((await clerk.post(`${path}/refuse`, { reason: 'because' })).status).toBe(422);
    expect(await evidenceOf(room.db, found.accountId)).toEqual([]);
  });

  it('confirms nobody of the mainland against the register, nor without its answer', async () => {
    const { found, code, path } = await opened();
    await take(clerk, code);
    const answer = async (changes: Record<string, string> = {}) => {
      const response = await clerk.post(`${path}/confirm`, entry(changes));
      return `${response.status} ${/id="stop">([^<]*)/.exec(await textOf(response))?.[1]}`;
    };
    const dead = { number: '440305195103090559', name: '赵德福', birthDate: '1951-03-09' };
    expect(await answer(dead)).toMatch(/^409 .*has died/);
    const cancelled = { number: '440305197912122644', name: '孙美玲', birthDate: '1979-12-12' };
    expect(await answer(cancelled)).toMatch(/^409 .*was cancelled/);
    expect(await answer({ name: '欧阳雨' })).toMatch(/^409 .*does not know this name/);
    const control = (fault: string) =>
      fetch(`${city.urls.simulators}/population/_control`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ fault }),
      });
    await control('http500');
    expect(await answer()).toMatch(/^503 .*does not answer just now/);
    await control('none');
    const lines = (await readAudit(room.db, { afterSeq: 0, limit: 10_000 })).filter(
      ({ type, accountId }) => type === 'counter_case.denied' && accountId === found.accountId,
    );
    expect(lines.map(({ reason }) => reason)).toEqual([
      'register_deceased',
      'register_cancelled',
      'register_mismatch',
      'register_unavailable',
    ]);
    expect(await evidenceOf(room.db, found.accountId)).toEqual([]);
    expect(await caseById(room.db, found.id)).toMatchObject({ status: 'open', holder: clerk.accountId });
  });

  it('asks for a second official where another account has the document, says so, and takes the refusal', async () => {
    const permit = { as: 'taiwan.cn_tw_travel_permit', number: '87654321', name: '林宜君', birthDate: '1990-01-01' };
    const first = await opened();
    await take(clerk, first.code);
    expect((await clerk.post(`${first.path}/confirm`, entry(permit))).headers.get('location')).toBe(first.path);
    expect(await textOf(await clerk.get(first.path, 'text/html'))).toContain('Confirmed and recorded');
    const second = await opened();
    await take(clerk, second.code);
    // One official takes nothing from the other account: a second one is asked for, and told what hangs on it.
    expect((await clerk.post(`${second.path}/confirm`, entry(permit))).status).toBe(303);
    expect(await evidenceOf(room.db, second.found.accountId)).toEqual([]);
    expect((await evidenceOf(room.db, first.found.accountId)).map(({ revokedAt }) => revokedAt)).toEqual([null]);
    await take(other, second.code);
    expect(await textOf(await other.get(second.path, 'text/html'))).toContain('Another account claims this document');
    await other.post(`${second.path}/refuse`, { reason: 'has_other_account' });
    expect(await textOf(await other.get(second.path, 'text/html'))).toContain('has another account already');
  });

  it('tells an official whose case was called off meanwhile', async () => {
    const { found, code, path } = await opened();
    await take(clerk, code);
    await cancelCounterCase(deps, { accountId: found.accountId, cause });
    const late = await clerk.post(`${path}/confirm`, entry());
    expect([late.status, await textOf(late)]).toEqual([409, expect.stringContaining('closed meanwhile')]);
    expect((await clerk.post(`${path}/refuse`, { reason: 'left' })).status).toBe(409);
    expect(await textOf(await clerk.get(path, 'text/html'))).toContain('called the check off');
    expect((await other.get(path)).status).toBe(404);
    expect(await evidenceOf(room.db, found.accountId)).toEqual([]);
  });

  it('shuts for whoever tries codes, after ten', async () => {
    const [guesser, { code }] = [await room.desk(['clerk']), await opened()];
    await guesser.post('/admin/counter/seat', { counter: 'civic-centre-2' });
    for (let i = 0; i < 10; i += 1) expect((await take(guesser, 'AAAAAAAA')).status).toBe(422);
    const shut = await take(guesser, code);
    expect([shut.status, Number(shut.headers.get('retry-after'))]).toEqual([429, expect.any(Number)]);
    const denied = (await readAudit(room.db, { afterSeq: 0, limit: 10_000 })).filter(
      ({ type, actor }) => type === 'counter_case.denied' && actor.id === guesser.accountId,
    );
    expect(denied).toHaveLength(10);
    // Another official at the same address goes on.
    expect((await take(other, code)).status).toBe(303);
  });
});
