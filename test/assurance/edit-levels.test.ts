import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { levelForm, levelOf, pressed } from '../../src/admin/levels-form.ts';
import { rebased, withLevelEarlier, withNewLevel, withoutLevel } from '../../src/assurance/edit-levels.ts';
import { type AssurancePolicy, appRuleOf, type LevelRule, parsePolicy } from '../../src/assurance/policy.ts';
import { anyPolicy } from './generators.ts';

const loa = (n: number) => `urn:shimin:loa:${n}`;
const ids = (policy: AssurancePolicy) => policy.levels.map(({ id }) => id);
const change = (policy: AssurancePolicy, id: string, changes: Partial<LevelRule>): AssurancePolicy => ({
  ...policy,
  levels: policy.levels.map((level) => (level.id === id ? { ...level, ...changes } : level)),
});

describe('the form of a level', () => {
  it('says the level whole: 300 generated policies come back as they were', () => {
    fc.assert(
      fc.property(anyPolicy, (policy) => {
        for (const level of policy.levels) {
          const authentication = level.authentication.map(({ kinds, ...rule }) =>
            kinds === undefined || kinds.length === 0 ? rule : { ...rule, kinds },
          );
          expect(levelOf(levelForm(level), level)).toEqual({ ...level, authentication });
        }
      }),
      { numRuns: 300 },
    );
  });

  it('knows only its own buttons', () => {
    const [level] = defaultPolicy.levels;
    if (!level) throw new Error('no level');
    const form = levelForm(level);
    for (const button of ['save', '', 'remove-rule.9.0', 'add-rule.9', 'add-rule.x', 'drop-table', 'remove-way'])
      expect(pressed(form, button, {}).at, button).toBe(button === 'remove-way' ? 'ways' : '');
  });
});

describe('steps in editing', () => {
  it('a level in the middle goes: what contained it contains what it contained', () => {
    const rule = { ...appRuleOf(loa(2)), scopes: { phone: { floor: loa(2) } }, actions: { pay: { floor: loa(4) } } };
    const next = withoutLevel({ ...defaultPolicy, apps: { ...defaultPolicy.apps, a: rule } }, loa(2), loa(3));
    expect(ids(next)).toEqual([loa(1), loa(3), loa(4), 'urn:shimin:staff']);
    expect(next.levels[1]?.dominates).toEqual([loa(1)]);
    expect(next.apps.a).toMatchObject({
      floor: loa(3),
      scopes: { phone: { floor: loa(3) } },
      actions: { pay: { floor: loa(4) } },
    });
    expect(next.defaultFloor).toBe(loa(3));
    expect(parsePolicy(next)).toMatchObject({ ok: true });
  });

  it('a new level is right from the start, whichever it is made like', () => {
    for (const like of ids(defaultPolicy)) {
      const next = withNewLevel(defaultPolicy, { id: 'new', name: 'new', like });
      expect(parsePolicy(next)).toMatchObject({ ok: true });
      expect(ids(next).indexOf('new')).toBe(ids(next).indexOf(like) + 1);
    }
    expect(withNewLevel(defaultPolicy, { id: 'new', name: 'new', like: 'nothing' })).toBe(defaultPolicy);
  });

  it('moves up by one, and the first one nowhere', () => {
    expect(ids(withLevelEarlier(defaultPolicy, loa(3))).slice(0, 3)).toEqual([loa(1), loa(3), loa(2)]);
    expect(withLevelEarlier(defaultPolicy, loa(1))).toBe(defaultPolicy);
    expect(withLevelEarlier(defaultPolicy, 'nothing')).toBe(defaultPolicy);
  });
});

describe('a draft brought up to date', () => {
  const content = ({ version: _, ...policy }: AssurancePolicy) => policy;

  it('is today’s where nothing was changed, and the draft where nothing was published', () => {
    fc.assert(
      fc.property(anyPolicy, anyPolicy, (base, other) => {
        expect(rebased(base, base, other)).toMatchObject({ policy: content(other), both: [] });
        const { policy, both } = rebased(base, other, base);
        expect(content(policy)).toEqual(content(other));
        expect(both).toEqual([]);
        // Who asked for the same has nothing to be told.
        expect(rebased(base, other, other).both).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps what each side changed, and names what both did', () => {
    const mine = change(change(defaultPolicy, loa(2), { name: 'mine' }), loa(3), { rideOnSso: false });
    const theirs = change(change(defaultPolicy, loa(2), { name: 'theirs' }), loa(4), { name: 'top' });
    const current = { ...theirs, version: 2, apps: { ...theirs.apps, library: appRuleOf(loa(3)) } };
    const { policy, both } = rebased(defaultPolicy, mine, current);
    expect(both).toEqual([loa(2)]);
    expect(policy.version).toBe(2);
    expect(policy.levels.map(({ name }) => name)).toEqual(['registered', 'mine', 'real_person', 'top', 'staff']);
    expect(policy.levels[2]?.rideOnSso).toBe(false);
    expect(policy.apps.library?.floor).toBe(loa(3));
  });

  it('follows levels and apps that came, went and moved', () => {
    const mine = withLevelEarlier(withNewLevel(defaultPolicy, { id: 'a', name: 'a', like: loa(1) }), loa(4));
    const theirs = withNewLevel(defaultPolicy, { id: 'b', name: 'b', like: loa(4) });
    const { library: _, ...apps } = theirs.apps;
    const current = { ...theirs, apps: { ...apps, parks: appRuleOf(loa(2)) } };
    const draft = { ...mine, apps: { ...mine.apps, 'housing-fund': appRuleOf(loa(3)) } };
    const { policy, both } = rebased(defaultPolicy, draft, current);
    expect(ids(policy)).toEqual([loa(1), 'a', loa(2), loa(4), loa(3), 'urn:shimin:staff', 'b']);
    expect(Object.entries(policy.apps).map(([app, { floor }]) => `${app} ${floor}`)).toEqual(
      expect.arrayContaining([`parks ${loa(2)}`, `housing-fund ${loa(3)}`]),
    );
    expect(Object.hasOwn(policy.apps, 'library')).toBe(false);
    expect(both).toEqual([]);
    // Members in another order are no difference: drafts come back from storage.
    const shuffled = JSON.parse(JSON.stringify(defaultPolicy, Object.keys(flat(defaultPolicy)).toSorted()));
    expect(rebased(defaultPolicy, shuffled, current).policy).toEqual(current);
  });
});

/** Every member's name there is, for a document whose members are in another order. */
function flat(value: unknown): Record<string, true> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.assign({}, ...Object.entries(value).map(([name, member]) => ({ [name]: true, ...flat(member) })));
}
