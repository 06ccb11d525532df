import { beforeEach, describe, expect, it } from 'vitest';
import { formerLevels } from '../../seeds/former-policy.ts';
import { defaultPolicy } from '../../seeds/policy.ts';
import { reachedByNumberAlone } from '../../src/assurance/by-number.ts';
import { type AssurancePolicy, appRuleOf, parsePolicy } from '../../src/assurance/policy.ts';
import { renewDefaultPolicy } from '../../src/seed.ts';
import type { Db } from '../../src/storage/db.ts';
import { appendPolicy, currentPolicy } from '../../src/storage/policies.ts';
import { withDatabases } from '../support/databases.ts';
import { t0 } from '../support/rows.ts';

const former: AssurancePolicy = { ...defaultPolicy, levels: formerLevels };
const weak = (policy: AssurancePolicy) => reachedByNumberAlone(policy, t0);

describe('which levels a name and a number alone reach', () => {
  it('none of the default’s; those of the former default that were real names', () => {
    expect(weak(defaultPolicy)).toEqual([]);
    expect(weak(former)).toEqual(['urn:shimin:loa:2']);
  });
  it('and both are policies that are in order', () => {
    for (const policy of [former, defaultPolicy]) expect(parsePolicy(policy)).toMatchObject({ ok: true });
  });
});

withDatabases('an installation that has the levels of a former default', (makeDb) => {
  let db: Db;
  // Neither versions nor audit lines can be taken back: each case has a database of its own.
  beforeEach(async () => {
    ({ knex: db } = await makeDb());
  });
  const renew = () => renewDefaultPolicy({ db, clock: () => t0 });
  const publish = async (version: number, document: Omit<AssurancePolicy, 'version'>) =>
    expect(
      await appendPolicy(db, {
        version,
        document: { ...document, version },
        createdBy: 'test',
        at: t0,
        expectedPrevious: version - 1,
      }),
    ).toBe(true);

  it('gets today’s as a version of its own, with its apps and an audit line, once', async () => {
    const apps = { ...former.apps, library: appRuleOf('urn:shimin:loa:3') };
    await publish(1, { ...former, apps });
    expect(await renew()).toEqual({ policy: 'renewed', version: 2 });
    const { document, version } = await currentPolicy(db);
    expect(version).toBe(2);
    expect(document.levels).toEqual(JSON.parse(JSON.stringify(defaultPolicy.levels)));
    expect(document.apps.library?.floor).toBe('urn:shimin:loa:3');
    const lines = await db('audit').where({ type: 'policy.published' });
    expect(lines.map(({ reason, actor_kind }) => [reason, actor_kind])).toEqual([['default_renewed', 'system']]);
    expect(await renew()).toEqual({ policy: 'current', version: 2 });
  });

  it('keeps levels that somebody made their own, which doctor and the console tell of', async () => {
    const own = former.levels.map((level) => (level.name === 'real_name' ? { ...level, rideOnSso: false } : level));
    await publish(1, { ...former, levels: own });
    expect(await renew()).toEqual({ policy: 'own', version: 1 });
    expect(weak((await currentPolicy(db)).document)).toEqual(['urn:shimin:loa:2']);
  });

  it('keeps those that somebody has taken back', async () => {
    await publish(1, former);
    await renew();
    await publish(3, former);
    expect(await renew()).toEqual({ policy: 'own', version: 3 });
  });

  it('does nothing where there is no policy yet', async () => {
    expect(await renew()).toBeNull();
  });
});
