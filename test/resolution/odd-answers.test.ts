import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandDeps } from '../../src/commands/command.ts';
import { rollUp } from '../../src/jobs/rollups.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { createMetrics } from '../../src/ops/metrics.ts';
import { populationRegister } from '../../src/proofing/population.ts';
import type { Db } from '../../src/storage/db.ts';
import { watched } from '../../src/watched.ts';
import { type Script, startSource } from '../proofing/source-server.ts';
import { admitAtLevelOne, registeredCitizen, relyingParty, signIn } from '../signals/citizens.ts';
import { registerReceiver } from '../signals/support.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { databaseKinds, type FreshDatabase, freshDatabase, withDatabases } from '../support/databases.ts';
import { csrfOf } from '../support/jar.ts';
import { testKeyring } from '../support/rows.ts';
import { openStaffroom, type Staffroom } from '../support/staff-http.ts';

const lines = async (db: Db) => {
  const found = await db('audit').where({ type: 'source.odd' }).orderBy('seq').select('reason', 'account_id', 'data');
  return found.map((row) => [row.reason, row.account_id, JSON.parse(row.data)]);
};

describe.each(databaseKinds)('what is odd about a source, seen from outside [%s]', { timeout: 60_000 }, (kind) => {
  let fresh: FreshDatabase;
  let city: TestCity;
  let room: Staffroom;
  let deps: CommandDeps;
  beforeAll(async () => {
    fresh = await freshDatabase(kind);
    city = await startCity({ SHIMIN_DATABASE_URL: fresh.url });
    room = await openStaffroom(city);
    deps = { db: room.db, keyring: room.keyring, clock: systemClock };
    await registerReceiver(deps, 'probe');
    await admitAtLevelOne(deps, 'probe');
    // Longer than a node believes the policy that it read.
    await new Promise((done) => setTimeout(done, 1_100));
  });
  afterAll(async () => {
    await room?.close();
    await city?.close();
    await fresh?.remove();
  });

  it('name after name for one number, guessing and an answer about somebody else are told to staff, without whom', async () => {
    const app = relyingParty(city.issuer, 'probe');
    const { accountId, citizen } = await registeredCitizen(deps, 1);
    const { browser } = await signIn(city.issuer, app, { citizen });
    const wish = { id_token: { acr: { essential: true, values: ['urn:shimin:loa:2'] } } };
    const { at, page } = await browser.follow(app.authorizePath({ claims: JSON.stringify(wish) }));
    const post = (action: string, fields: Record<string, string>) =>
      browser.send('POST', `${at.pathname}/${action}`, {
        headers: { origin: city.issuer },
        body: `${new URLSearchParams({ _csrf: csrfOf(page?.body ?? ''), ...fields })}`,
      });
    const states = async (name: string) =>
      expect((await post('prove/population', { name, number: '440305198806151219' })).status).toBe(303);
    await post('choose', { way: 'population' });
    for (const name of ['王晓明', '王晓明', '张晓明']) await states(name);
    expect(await lines(room.db)).toEqual([]);
    await states('赵晓明');
    const told = { source: 'population' };
    expect(await lines(room.db)).toEqual([
      ['many_names', null, told],
      ['many_guesses', accountId, told],
    ]);
    await fetch(`${city.urls.simulators}/population/_control`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ fault: 'wrong' }),
    });
    for (let i = 0; i < 2; i += 1) await states('李晓明');
    expect((await lines(room.db)).map(([what]) => what)).toEqual(['many_names', 'many_guesses', 'another_person']);
    expect(JSON.stringify(await room.db('audit').where({ type: 'source.odd' }))).not.toMatch(/晓明|440305198806151219/);
    // Nothing came of it.
    expect(await room.db('persons').where({ account_id: accountId })).toEqual([]);

    const desk = await room.desk(['auditor']);
    const shown = async () => (await desk.get('/admin/dashboard?days=1', 'text/html')).text();
    await expect.poll(shown, { timeout: 25_000, interval: 500 }).toContain('One number, name after name');
    expect(await shown()).toContain('An answer about somebody else, or that contradicts itself');
    const metrics = await (await fetch(`http://localhost:${city.env.SHIMIN_METRICS_PORT}/metrics`)).text();
    expect(metrics).toContain('shimin_odd_answers_total{what="another_person",source="population"} 1');
  });
});

withDatabases('answers of a source, watched', (makeDb) => {
  let db: Db;
  let script: Script = () => ({});
  let source: Awaited<ReturnType<typeof startSource>>;
  const [log] = [createLog({ level: 'silent' })];
  beforeAll(async () => {
    ({ knex: db } = await makeDb());
    source = await startSource(() => script);
  });
  afterAll(() => source.close());

  let serial = 0;
  const person = () => {
    serial += 1;
    return { name: '陈小明', number: `4405241980010${String(10_000 + serial)}`, purpose: 'test' };
  };
  const ask = (applicant: ReturnType<typeof person>, now = new Date()) =>
    watched({ db, keyring: testKeyring, clock: () => now, log }, populationRegister(source.settings('/population')), {
      nameOnly: true,
    }).verify(applicant);
  const says = (result: 'match' | 'mismatch' | 'not_found', { name, number }: ReturnType<typeof person>) => {
    const record = { ref: 'r', name, document_type: 'cn_resident_id', document_number: number, status: 'active' };
    script = (_path, body) => ({ request_id: body.request_id, result, ...(result === 'match' ? { record } : {}) });
  };
  const reasons = async () => (await lines(db)).map(([reason]) => reason);

  it.each([
    ['match', 'mismatch'],
    ['match', 'not_found'],
    ['mismatch', 'match'],
  ] as const)('%s and then %s for one name and number is odd, once a day', async (first, then) => {
    const before = (await reasons()).length;
    const somebody = person();
    says(first, somebody);
    for (let i = 0; i < 2; i += 1) await ask(somebody);
    expect(await reasons()).toHaveLength(before);
    says(then, somebody);
    for (let i = 0; i < 2; i += 1) await ask(somebody);
    expect((await reasons()).slice(before)).toEqual(['changed_answer']);
  });

  it('a name that is mistyped and mended is nothing odd', async () => {
    const before = await reasons();
    const somebody = person();
    says('mismatch', somebody);
    await ask({ ...somebody, name: '陈小名' });
    says('match', somebody);
    expect(await ask(somebody)).toMatchObject({ outcome: 'verified' });
    expect(await reasons()).toEqual(before);
  });

  it('very many refusals of different people in an hour are odd', async () => {
    const before = (await reasons()).length;
    for (let i = 0; i < 101; i += 1) {
      const somebody = person();
      says('not_found', somebody);
      await ask(somebody);
    }
    expect((await reasons()).slice(before)).toEqual(['many_refusals']);
  });

  it('are counted once for the metric, whichever process does it', async () => {
    const metrics = createMetrics();
    const counting = { db, clock: () => new Date(), onOdd: metrics.oddAnswer };
    for (let round = 0; round < 3; round += 1) await Promise.all([rollUp(counting), rollUp(counting)]);
    const all = await metrics.registry.getSingleMetric('shimin_odd_answers_total')?.get();
    const total = all?.values.reduce((sum, { value }) => sum + value, 0);
    expect(total).toBe((await reasons()).length);
  });
});
