import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import {
  addressOfLevel,
  levelNumber,
  levelOfAddress,
  levelShown,
  levelsAbove,
} from '../../src/assurance/level-shown.ts';
import { type AssurancePolicy, parsePolicy } from '../../src/assurance/policy.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { appendPolicy, currentPolicy } from '../../src/storage/policies.ts';
import { type Known, knownCitizen, type RelyingParty, relyingParty, residents, signIn } from '../signals/citizens.ts';
import { prepareTransmitter, registerReceiver, type Transmitter } from '../signals/support.ts';
import { databaseKinds } from '../support/databases.ts';

const [one, two, three] = ['urn:shimin:loa:1', 'urn:shimin:loa:2', 'urn:shimin:loa:3'];

/** The city's levels with another first level, without the last digit anywhere, and one more between the first two. */
function renamed(policy: AssurancePolicy): AssurancePolicy {
  const ids: Readonly<Record<string, string>> = { [one]: 'urn:city:civic', [two]: 'urn:city:named' };
  const rename = (id: string) => ids[id] ?? id;
  const levels = policy.levels.map((level) => ({
    ...level,
    id: rename(level.id),
    name: level.id === one ? 'Civic' : level.name,
    dominates: level.dominates.map(rename),
  }));
  const [first, second, ...rest] = levels;
  if (!first || !second) throw new Error('no levels');
  const halfway = { ...second, id: 'urn:shimin:loa:1a', name: 'Halfway', labels: [], equivalents: {} };
  const apps = Object.fromEntries(
    Object.entries(policy.apps).map(([id, app]) => [id, { ...app, floor: rename(app.floor) }]),
  );
  const after = { ...second, dominates: [...second.dominates, halfway.id] };
  return { ...policy, levels: [first, halfway, after, ...rest], apps, defaultFloor: 'urn:city:civic' };
}

describe('how a level is shown', () => {
  it('comes from the order of the policy, not from its id', () => {
    const policy = renamed(defaultPolicy);
    const checked = parsePolicy(policy);
    expect(checked.ok ? [] : checked.faults).toEqual([]);
    expect(policy.levels.map(({ id }) => levelShown(policy, id))).toEqual([
      { number: 1, name: 'Civic' },
      { number: 2, name: 'Halfway' },
      { number: 3, name: 'real_name' },
      { number: 4, name: 'real_person' },
      { number: 5, name: 'in_person' },
      // It stands beside the others: a number would say that it is less or more.
      { number: null, name: 'staff' },
    ]);
    expect(levelShown(policy, 'urn:gone')).toEqual({ number: null, name: 'urn:gone' });
    expect(levelNumber(defaultPolicy, three)).toBe(3);
  });

  it('of levels beside each other neither is next before the other, and each has an address of its own', () => {
    const level = (id: string, ...dominates: string[]) => ({ ...defaultPolicy.levels[0], id, name: id, dominates });
    const levels = [level('a'), level('b', 'a'), level('c', 'a'), level('d', 'b', 'c')];
    const policy = { ...defaultPolicy, levels } as AssurancePolicy;
    expect(levels.map(({ id }) => levelNumber(policy, id))).toEqual([1, 2, 2, 3]);
    expect(levelsAbove(policy, [], null)).toEqual(['a']);
    expect(levelsAbove(policy, ['a'], 'a')).toEqual(['b', 'c']);
    expect(levelsAbove(policy, ['a', 'b'], 'b')).toEqual(['c']);
    expect(levelsAbove(policy, ['a', 'b', 'c', 'd'], 'd')).toEqual([]);
    expect(levels.map(({ id }) => addressOfLevel(policy, id))).toEqual(['1', 'b', 'c', '3']);
    for (const { id } of levels) expect(levelOfAddress(policy, addressOfLevel(policy, id))).toBe(id);
    expect(['2', '9', '', 'null', '__proto__'].map((text) => levelOfAddress(policy, text))).toEqual(
      Array(5).fill(null),
    );
  });
});

describe.each(databaseKinds)('levels are data [%s]', { timeout: 60_000 }, (kind) => {
  let transmitter: Transmitter;
  let app: RelyingParty;
  let known: Known;

  beforeAll(async () => {
    transmitter = await prepareTransmitter(kind);
    const { issuer, database, keyring } = transmitter;
    const deps = { db: database.knex, keyring, clock: systemClock };
    await registerReceiver(deps, 'receiver', { scope: 'openid' });
    await transmitter.start();
    const { version, document } = await currentPolicy(deps.db);
    await appendPolicy(deps.db, {
      version: version + 1,
      document: { ...renamed(document), version: version + 1 },
      createdBy: 'test',
      at: deps.clock(),
      expectedPrevious: version,
    });
    app = relyingParty(issuer, 'receiver');
    // Another connection sees a new policy within a second.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const [resident] = residents(1);
    if (!resident) throw new Error('nobody');
    known = await knownCitizen(deps, resident, 1);
  }, 120_000);
  afterAll(async () => {
    await transmitter?.close();
  });

  const text = (html: string) =>
    html
      .replace(/<(style|script)[\s\S]*?<\/\1>/g, ' ')
      .replace(/<[^>]*>/g, ' ')
      .replace(/\s+/g, ' ');

  it('the page of a citizen names the level that is held and the way to the next, whatever their ids', async () => {
    const { browser } = await signIn(transmitter.issuer, app, known);
    const { page } = await browser.follow('/account');
    expect(page?.status).toBe(200);
    expect(text(page?.body ?? '')).toContain('等级 4：实人');

    const { knex } = transmitter.database;
    await knex('evidence')
      .where({ account_id: known.accountId })
      .whereNot({ kind: 'contact' })
      .update({ revoked_at: Date.now(), revoked_reason: 'test' });
    const lower = await browser.follow('/account');
    expect(lower.page?.status).toBe(200);
    expect(text(lower.page?.body ?? '')).toContain('等级 1：Civic');
    expect(text(lower.page?.body ?? '')).not.toContain('等级 0');
    expect(lower.page?.body).toContain('href="/account/raise/2"');
    expect(text(lower.page?.body ?? '')).toContain('等级 2：Halfway');

    const asked = await browser.follow('/account/raise/2');
    expect(asked.at.pathname).toMatch(/^\/interaction\//);
    expect(text(asked.page?.body ?? '')).toContain('等级 2：Halfway');
    expect((await browser.follow('/account/raise/urn%3Ashimin%3Aloa%3A1a')).at.pathname).toMatch(/^\/interaction\//);
    expect((await browser.follow('/account/raise/7')).page?.status).toBe(404);
  });

  it('discovery lists the levels of the policy in force', async () => {
    const response = await fetch(`${transmitter.issuer}/.well-known/openid-configuration`);
    const { acr_values_supported: supported } = await response.json();
    expect(supported).toContain('urn:city:civic');
    expect(supported).not.toContain(one);
  });
});
