import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { assess } from '../../src/assurance/assess.ts';
import { describeChanges } from '../../src/assurance/differences.ts';
import { applyOffer, type Offer } from '../../src/assurance/plan.ts';
import { type AssurancePolicy, appRuleOf } from '../../src/assurance/policy.ts';
import { type Cohort, cohortsOf, compareCitizens, longestWay, type Start } from '../../src/assurance/preview.ts';
import { requirementFor, satisfies } from '../../src/assurance/requirement.ts';
import { anyEvent, anyEvidence, anyPolicy, eventsFor, evidenceFor } from './generators.ts';
import { kinds, L, methods, now } from './support.ts';

/*
 * The preview against what is so once a draft is published, each said by another way of working it out: citizen by
 * citizen, order by order, field by field.
 */

const anyCitizen: fc.Arbitrary<Omit<Cohort, 'count'>> = fc.oneof(
  fc.record({ evidence: fc.array(anyEvidence, { maxLength: 4 }), events: fc.array(anyEvent, { maxLength: 2 }) }),
  fc
    .constantFrom(...defaultPolicy.levels)
    .chain((level) =>
      fc
        .tuple(
          fc.constantFrom(...level.identity).chain(evidenceFor),
          fc.constantFrom(...level.authentication).chain(eventsFor),
        )
        .map(([evidence, events]) => ({ evidence, events })),
    ),
);

it('10,000 citizens, no two generated alike, each assessed by itself before and after', () => {
  const city = fc.sample(anyCitizen, { numRuns: 10_000, seed: 41 });
  const levels = (policy: AssurancePolicy) =>
    city.map(({ evidence, events }) => {
      const context = { interaction: events[0]?.interaction ?? null };
      return new Set(assess(policy, evidence, events, now, context).held.map(({ level }) => level));
    });
  const had = levels(defaultPolicy);
  const cohorts = cohortsOf(city);
  let moved = 0;
  for (const next of fc.sample(anyPolicy, { numRuns: 8, seed: 42 })) {
    const has = levels(next);
    const { people, rising, dropping, movements } = compareCitizens(defaultPolicy, next, cohorts, now);
    const gains = (from: typeof had, to: typeof had) =>
      to.map((after, i) => [...after].filter((level) => !from[i]?.has(level)).length);
    const [risen, dropped] = [gains(had, has), gains(has, had)];
    const some = (counts: readonly number[]) => counts.filter((count) => count > 0).length;
    const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
    expect([people, rising, dropping]).toEqual([10_000, some(risen), some(dropped)]);
    expect(sum(movements.map(({ rise }) => rise))).toBe(sum(risen));
    expect(sum(movements.map(({ drop }) => drop))).toBe(sum(dropped));
    for (const level of new Set(movements.map((each) => each.level))) {
      const of = movements.filter((each) => each.level === level);
      expect(sum(of.map(({ rise }) => rise))).toBe(
        has.filter((own, i) => own.has(level) && !had[i]?.has(level)).length,
      );
      expect(sum(of.map(({ drop }) => drop))).toBe(
        had.filter((own, i) => own.has(level) && !has[i]?.has(level)).length,
      );
    }
    moved += rising + dropping;
  }
  expect(moved).toBeGreaterThan(1_000);
});

const anyOffer = (i: number): fc.Arbitrary<Offer> =>
  fc
    .record({
      minutes: fc.integer({ min: 1, max: 9 }),
      available: fc.boolean(),
      event: fc.constantFrom(undefined, methods.synced, methods.bound, methods.password, methods.totp),
      evidence: fc.subarray(Object.values(kinds), { maxLength: 2 }),
      needs: fc.subarray(['contact', 'population'] as const, { maxLength: 1 }),
      aal: fc.constantFrom(0 as const, 1 as const, 2 as const),
    })
    .map(({ minutes, available, event, evidence, needs, aal }) => ({
      id: `o${i}`,
      kind: 'prove',
      minutes,
      available,
      requires: { evidence: needs, aal },
      yields: { ...(event ? { event } : undefined), evidence },
      have: [],
    }));
const anyStart = (name: string): fc.Arbitrary<Start> =>
  fc.record({
    name: fc.constant(name),
    evidence: fc.subarray([kinds.contact, kinds.population]),
    events: fc.subarray([methods.password, methods.synced], { maxLength: 1 }),
    offers: fc.tuple(anyOffer(0), anyOffer(1), anyOffer(2), anyOffer(3)),
  });
const anyFloors = fc.record({
  library: fc.constantFrom(L(1), L(2), L(3)),
  'housing-fund': fc.constantFrom(L(1), L(2), L(3), L(4)),
});
const withFloors = (floors: Record<string, string>): AssurancePolicy => ({
  ...defaultPolicy,
  apps: Object.fromEntries(Object.entries(floors).map(([app, floor]) => [app, appRuleOf(floor)])),
});

/** Minutes of the cheapest order of any offers that are available; tries them all. Null: none gets there. */
function cheapest(policy: AssurancePolicy, clientId: string, start: Start): number | null {
  const requirement = requirementFor(policy, clientId, { acrValues: [], prompt: [] });
  const assessed = (state: Pick<Start, 'evidence' | 'events'>) =>
    assess(policy, state.evidence, state.events, now, { interaction: 'preview' });
  let best: number | null = null;
  const visit = (state: Pick<Start, 'evidence' | 'events'>, left: readonly Offer[], minutes: number) => {
    const context = { interaction: 'preview', offered: false, events: state.events };
    if (satisfies(assessed(state), requirement, policy, context).kind === 'met') {
      best = best === null ? minutes : Math.min(best, minutes);
      return;
    }
    for (const offer of left) {
      const { aal, evidence } = offer.requires;
      const open =
        assessed(state).aal >= aal && evidence.every((kind) => state.evidence.some((item) => item.kind === kind));
      if (!open || !offer.available) continue;
      const rest = left.filter((other) => other !== offer);
      visit(applyOffer(state, offer, now, 'preview'), rest, minutes + offer.minutes);
    }
  };
  visit(start, start.offers, 0);
  return best;
}

describe('the longest new way', () => {
  it('is what trying every order of every offer finds, and so is what is closed', () => {
    const seen = { longest: 0, none: 0, closed: 0 };
    fc.assert(
      fc.property(anyFloors, anyFloors, anyStart('one'), anyStart('other'), (before, after, one, other) => {
        const [old, next] = [withFloors(before), withFloors(after)];
        const found = longestWay(next, { old, starts: [one, other], now });
        const longer: number[] = [];
        const closed: object[] = [];
        for (const clientId of ['library', 'housing-fund'])
          for (const start of [one, other]) {
            const [was, is] = [cheapest(old, clientId, start), cheapest(next, clientId, start)];
            if (is === null && was !== null) closed.push({ clientId, start: start.name });
            if (is !== null && is > (was ?? 0)) longer.push(is);
          }
        expect(found.longest?.minutes ?? null).toBe(longer.length > 0 ? Math.max(...longer) : null);
        expect(found.closed).toEqual(closed);
        seen[longer.length > 0 ? 'longest' : 'none'] += 1;
        if (closed.length > 0) seen.closed += 1;
      }),
      { numRuns: 250, seed: 43 },
    );
    expect(Math.min(seen.longest, seen.none, seen.closed)).toBeGreaterThan(10);
  });
});

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type Path = readonly (string | number)[];

/** Every value in a document that is no list or record, and every list and record that is empty, by its place. */
function leaves(value: Json, path: Path = []): { path: Path; value: Json }[] {
  if (value === null || typeof value !== 'object') return [{ path, value }];
  const entries: [string | number, Json][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

function changed(value: Json, [key, ...rest]: Path, to: Json): Json {
  if (key === undefined) return to;
  if (Array.isArray(value)) return value.map((inner, i) => (i === key ? changed(inner, rest, to) : inner));
  if (value === null || typeof value !== 'object') return value;
  const own = value as { readonly [key: string]: Json };
  return { ...own, [key]: changed(own[key] ?? null, rest, to) };
}

/** Another value of the same kind, as a form could send it. */
function other(value: Json, path: Path): Json {
  const field = path.at(-1);
  if (typeof value === 'boolean') return !value;
  if (field === 'factors') return value === 1 ? 2 : 1;
  if (field === 'ial' || field === 'aal') return value === 0 ? 1 : 0;
  if (typeof value === 'number') return value + 60;
  if (field === 'kind') return value === 'face' ? 'document' : 'face';
  if (field === 'minStrength') return value === 'fair' ? 'strong' : 'fair';
  if (field === 'place') return value === null ? 'remote' : null;
  if (value === null) return field === 'categories' ? ['taiwan'] : field === 'maxAge' ? 60 : ['singpass'];
  if (path.includes('categories')) return value === 'taiwan' ? 'macao' : 'taiwan';
  if (path.includes('confirms')) return value === 'name' ? 'photo' : 'name';
  if (path.includes('kinds')) return value === 'knowledge' ? 'possession' : 'knowledge';
  return `${value}-other`;
}

/** Where a change is told: levels and labels by their ids, the rest by its name. */
function told(policy: AssurancePolicy, path: Path): string {
  const [part, at, field] = path;
  if (part === 'levels') return `levels.${policy.levels[Number(at)]?.id}${field === 'id' ? '' : `.${field}`}`;
  if (part === 'authenticationLabels') return `authenticationLabels.${policy.authenticationLabels[Number(at)]?.id}`;
  if (part === 'apps')
    return path
      .filter((step) => typeof step === 'string')
      .slice(0, 4)
      .join('.');
  return String(part);
}

describe('differences', () => {
  it('name every field that was changed, and where; and nothing that was not', () => {
    const fields = new Set<string>();
    const app: AssurancePolicy['apps'][string] = {
      ...{ floor: L(2), categories: ['macao'], sources: { allow: ['population'], deny: ['sms'] } },
      ...{ scopes: { phone: { floor: L(2) } }, resources: {}, actions: { pay: { floor: L(3) } } },
    };
    const rich = anyPolicy.map(
      (policy): AssurancePolicy => ({
        ...policy,
        authenticationLabels: defaultPolicy.authenticationLabels,
        apps: { ...policy.apps, rich: app },
      }),
    );
    fc.assert(
      fc.property(rich, fc.nat(), (policy, pick) => {
        const document: Json = JSON.parse(JSON.stringify(policy));
        const all = leaves(document).filter(({ path }) => path[0] !== 'version');
        const leaf = all[pick % all.length];
        if (!leaf) return;
        const next = changed(document, leaf.path, other(leaf.value, leaf.path)) as never as AssurancePolicy;
        const changes = describeChanges(policy, next);
        const place = told(policy, leaf.path);
        fields.add(
          leaf.path
            .filter((step) => typeof step === 'string')
            .join('.')
            .replace(/^apps\.[^.]+/, 'apps'),
        );
        const lines = changes.map(({ path }) => path);
        expect(lines.length, leaf.path.join('.')).toBeGreaterThan(0);
        expect(lines).toContainEqual(expect.stringContaining(place));
        // A level or label of another name is a new one, and the old one gone; else nothing else is told.
        if (leaf.path.at(-1) !== 'id')
          for (const line of lines) expect(line.startsWith(place) || place.startsWith(line)).toBe(true);
      }),
      { numRuns: 1_500 },
    );
    expect(fields.size).toBeGreaterThan(25);
  });
});
