import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { assess } from '../../src/assurance/assess.ts';
import type { AuthenticationEvent, Evidence } from '../../src/assurance/evidence.ts';
import type { AssurancePolicy } from '../../src/assurance/policy.ts';
import {
  type Cohort,
  cohortsOf,
  compareCitizens,
  longestWay,
  type Outcome,
  outcomeUnder,
  type RecordedDecision,
  replayDecisions,
} from '../../src/assurance/preview.ts';
import { offersFor } from '../../src/commands/offers.ts';
import { anyEvent, anyEvidence, anyPolicy, eventsFor, evidenceFor } from './generators.ts';
import { evidence, kinds, L, methods, now } from './support.ts';

type Person = Omit<Cohort, 'count'>;
/** Somebody with evidence and a sign-in of any kind; half of them made so that they hold some level of the city. */
const anyPerson: fc.Arbitrary<Person> = fc.oneof(
  fc.record({ evidence: fc.array(anyEvidence, { maxLength: 4 }), events: fc.array(anyEvent, { maxLength: 2 }) }),
  fc
    .constantFrom(...defaultPolicy.levels)
    .chain((level) =>
      fc
        .tuple(
          fc.constantFrom(...level.identity).chain(evidenceFor),
          fc.array(anyEvidence, { maxLength: 2 }),
          fc.constantFrom(...level.authentication).chain(eventsFor),
        )
        .map(([own, more, events]) => ({ evidence: [...own, ...more], events })),
    ),
);

const levelsOf = (policy: AssurancePolicy, person: Person) =>
  new Set(
    assess(policy, person.evidence, person.events, now, {
      interaction: person.events[0]?.interaction ?? null,
    }).held.map(({ level }) => level),
  );
/** The newest evidence that says a category. */
function categoryOf({ evidence: items }: Person): string {
  const said = items.filter(({ category }) => category !== null);
  const newest = Math.max(...said.map(({ recordedAt }) => recordedAt.getTime()));
  return said.filter(({ recordedAt }) => recordedAt.getTime() === newest).at(-1)?.category ?? '';
}
const again = ({ evidence: items, events }: Person, i: number): Person => ({
  evidence: items.map((item) => ({ ...item, id: `${item.id}-${i}` })),
  events: events.map((event) => ({ ...event, id: `${event.id}-${i}` })),
});

describe('citizens under another policy', () => {
  // Half a minute within the whole suite; it judges what is counted, not how quickly.
  it('the count is what happens after publishing: 1,000 policies, 10,000 citizens', { timeout: 600_000 }, () => {
    const kindsOfPeople = fc.sample(anyPerson, { numRuns: 250, seed: 7 });
    const city = Array.from({ length: 10_000 }, (_, i) => i % kindsOfPeople.length);
    const people = city.map((kind, i) => again(kindsOfPeople[kind] as Person, i));
    const cohorts = cohortsOf(people);
    expect(cohorts.reduce((sum, { count }) => sum + count, 0)).toBe(10_000);
    const had = kindsOfPeople.map((person) => levelsOf(defaultPolicy, person));
    const categories = kindsOfPeople.map(categoryOf);
    const seen = { moved: 0, quiet: 0 };
    const nothing: { gained: string[]; lost: string[] } = { gained: [], lost: [] };
    for (const next of fc.sample(anyPolicy, { numRuns: 1_000, seed: 11 })) {
      const compared = compareCitizens(defaultPolicy, next, cohorts, now);
      // Published: everybody is assessed by the new document, one by one.
      const fates = kindsOfPeople.map((person, kind) => {
        const before: ReadonlySet<string> = had[kind] ?? new Set();
        const after: ReadonlySet<string> = levelsOf(next, person);
        return {
          gained: [...after].filter((level) => !before.has(level)),
          lost: [...before].filter((level) => !after.has(level)),
        };
      });
      const counted = { people: 0, rising: 0, dropping: 0 };
      const moves = new Map<string, number>();
      for (const kind of city) {
        const { gained, lost } = fates[kind] ?? nothing;
        counted.people += 1;
        if (gained.length > 0) counted.rising += 1;
        if (lost.length > 0) counted.dropping += 1;
        for (const level of gained) add(moves, `rise ${categories[kind]} ${level}`);
        for (const level of lost) add(moves, `drop ${categories[kind]} ${level}`);
      }
      const { movements, ...totals } = compared;
      expect(totals).toEqual(counted);
      const told = new Map<string, number>();
      for (const { category, level, rise, drop } of movements) {
        if (rise > 0) told.set(`rise ${category ?? ''} ${level}`, rise);
        if (drop > 0) told.set(`drop ${category ?? ''} ${level}`, drop);
      }
      expect(told).toEqual(moves);
      seen[moves.size > 0 ? 'moved' : 'quiet'] += 1;
    }
    expect(seen.moved).toBeGreaterThan(500);
  });

  it('nobody moves for the same policy', () => {
    const people = fc.sample(anyPerson, { numRuns: 200, seed: 3 });
    expect(compareCitizens(defaultPolicy, defaultPolicy, cohortsOf(people), now)).toEqual({
      people: 200,
      rising: 0,
      dropping: 0,
      movements: [],
    });
  });

  it('people of the same standing are one cohort, whatever their rows are called', () => {
    const twins = [
      { evidence: [evidence({ kind: 'contact', strength: 'weak' })], events: [] },
      { evidence: [evidence({ kind: 'contact', strength: 'weak' })], events: [] },
      { evidence: [evidence({ kind: 'contact', strength: 'strong' })], events: [] },
    ];
    expect(cohortsOf(twins).map(({ count }) => count)).toEqual([2, 1]);
  });
});

function add(moves: Map<string, number>, key: string): void {
  moves.set(key, (moves.get(key) ?? 0) + 1);
}

const withFloor = (app: string, floor: string): AssurancePolicy => ({
  ...defaultPolicy,
  apps: { ...defaultPolicy.apps, [app]: { ...(defaultPolicy.apps[app] as never as object), floor } as never },
});

describe('recorded decisions under another policy', () => {
  const anyDecision = fc
    .record({
      person: anyPerson,
      clientId: fc.constantFrom('library', 'social-insurance', 'housing-fund', 'unheard-of'),
      acrValues: fc.subarray([L(1), L(2), L(3), 'phr', 'urn:nobody']),
      essential: fc.option(fc.constantFrom(L(2), L(3), 'urn:nobody'), { nil: null }),
      prompt: fc.constantFrom([], ['none'], ['login']),
      maxAge: fc.constantFrom(undefined, 0, 3600),
    })
    .map(
      ({ person, clientId, acrValues, essential, prompt, maxAge }): Omit<RecordedDecision, 'outcome'> => ({
        at: now,
        clientId,
        ...person,
        request: {
          acrValues,
          prompt,
          ...(essential === null ? {} : { claimsAcr: { essential: true, values: [essential] } }),
          ...(maxAge === undefined ? {} : { maxAge }),
        },
      }),
    );
  const record = (policy: AssurancePolicy) => (decision: Omit<RecordedDecision, 'outcome'>) => ({
    ...decision,
    outcome: outcomeUnder(policy, decision),
  });

  it('go as they went under the policy they were made by', () => {
    const decisions = fc.sample(anyDecision, { numRuns: 500, seed: 5 }).map(record(defaultPolicy));
    const replayed = replayDecisions(defaultPolicy, decisions);
    expect(replayed.map(({ changed }) => changed)).toEqual(replayed.map(() => 0));
    expect(replayed.reduce((sum, app) => sum + app.decisions, 0)).toBe(500);
    expect(new Set(decisions.map(({ outcome }) => outcome))).toEqual(
      new Set<Outcome>(['met', 'step_up', 'reauthenticate', 'refused']),
    );
  });

  it('are counted by app and by what they would have become', () => {
    const decisions = fc.sample(anyDecision, { numRuns: 500, seed: 6 });
    for (const next of fc.sample(anyPolicy, { numRuns: 50, seed: 9 })) {
      const moves = new Map<string, number>();
      for (const decision of decisions) {
        const [from, to] = [outcomeUnder(defaultPolicy, decision), outcomeUnder(next, decision)];
        if (from !== to) add(moves, `${decision.clientId} ${from} ${to}`);
      }
      const replayed = replayDecisions(next, decisions.map(record(defaultPolicy)));
      const told = replayed.flatMap((app) =>
        app.moves.map(({ from, to, count }): [string, number] => [`${app.clientId} ${from} ${to}`, count]),
      );
      expect(new Map(told)).toEqual(moves);
      for (const app of replayed) expect(app.changed).toBe(app.moves.reduce((sum, { count }) => sum + count, 0));
    }
  });

  it('what was met is stepped up, signed in anew or refused', () => {
    const base = { at: now, clientId: 'library', evidence: [kinds.contact], events: [methods.synced] };
    const ask = (prompt: string[], floor: string) =>
      outcomeUnder(withFloor('library', floor), { ...base, request: { acrValues: [], prompt } });
    expect(ask([], L(1))).toBe('met');
    expect(ask([], L(2))).toBe('step_up');
    expect(ask(['none'], L(2))).toBe('refused');
    const proved = { ...base, evidence: [kinds.contact, kinds.population, kinds.tie], events: [methods.password] };
    expect(outcomeUnder(withFloor('library', L(2)), { ...proved, request: { acrValues: [], prompt: [] } })).toBe(
      'reauthenticate',
    );
    // A level that never rides on SSO: the interaction is said, or that of the newest event.
    const bound = { ...base, evidence: [kinds.counter2], request: { acrValues: [], prompt: [] } };
    const older = { ...methods.bound, at: new Date(now.getTime() - 300_000), interaction: 'before' };
    const four = withFloor('library', L(4));
    expect(outcomeUnder(four, { ...bound, events: [methods.boundHere, older] })).toBe('met');
    expect(outcomeUnder(four, { ...bound, events: [methods.boundHere], interaction: null })).toBe('reauthenticate');
    expect(outcomeUnder(four, { ...bound, events: [], interaction: 'here' })).toBe('reauthenticate');
    expect(outcomeUnder(four, { ...bound, events: [] })).toBe('reauthenticate');
  });
});

describe('the longest new way', () => {
  const holder = { passkeys: [{ backupEligible: true }], hasPassword: false, hasTotp: false, recoveryCodesLeft: 0 };
  const starts = [
    {
      name: 'registered',
      evidence: [kinds.contact],
      events: [methods.synced] as AuthenticationEvent[],
      offers: offersFor(holder as never, { population: true, face: true, silentTie: true }),
    },
    { name: 'nobody', evidence: [] as Evidence[], events: [] as AuthenticationEvent[], offers: [] },
  ];

  it('is the one to the app whose level rose, with its steps', () => {
    const { longest, closed } = longestWay(withFloor('library', L(3)), { old: defaultPolicy, starts, now });
    expect(longest).toMatchObject({ clientId: 'library', start: 'registered', steps: ['population', 'face'] });
    expect(longest?.minutes).toBeGreaterThan(0);
    expect(closed).toEqual([]);
  });

  it('is also one where there was none before; of several the longest', () => {
    const both = (library: string, housing: string) => {
      const one = withFloor('library', library);
      return {
        ...one,
        apps: { ...one.apps, 'housing-fund': withFloor('housing-fund', housing).apps['housing-fund'] as never },
      };
    };
    const { longest } = longestWay(both(L(2), L(3)), { old: both(L(1), L(4)), starts, now });
    expect(longest).toMatchObject({ clientId: 'housing-fund', steps: ['population', 'face'] });
    const other = longestWay(both(L(3), L(2)), { old: both(L(1), L(4)), starts, now });
    expect(other.longest).toMatchObject({ clientId: 'library' });
  });

  it('is none where nothing got longer, and says what is closed', () => {
    expect(longestWay(defaultPolicy, { old: defaultPolicy, starts, now })).toEqual({ longest: null, closed: [] });
    expect(longestWay(withFloor('library', L(4)), { old: defaultPolicy, starts, now })).toEqual({
      longest: null,
      closed: [{ clientId: 'library', start: 'registered' }],
    });
    expect(longestWay(withFloor('library', L(1)), { old: withFloor('library', L(3)), starts, now }).longest).toBeNull();
  });
});

it('the interaction of a person who never signed in is none', () => {
  expect(
    compareCitizens(defaultPolicy, withFloor('library', L(3)), [{ count: 3, evidence: [], events: [] }], now),
  ).toEqual({ people: 3, rising: 0, dropping: 0, movements: [] });
});
