import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AuthenticationEvent, Evidence } from '../../src/assurance/evidence.ts';
import {
  doneSince,
  type Edge,
  endsSessions,
  type InterventionKind,
  inForce,
  interventionKinds,
  isCutOff,
  needs,
  type Open,
  parts,
  stops,
  transition,
  underInterventions,
} from '../../src/assurance/interventions.ts';
import { t0 } from '../support/rows.ts';

/** What may stop an account and what may be asked of its holder are independent of each other. */
const stopStates: Readonly<Record<string, readonly Open[]>> = {
  none: [],
  suspended: [{ kind: 'suspended', done: [] }],
  blocked: [{ kind: 'blocked', done: [] }],
};
const askStates: Readonly<Record<string, readonly Open[]>> = {
  none: [],
  sign: [{ kind: 'reauthenticate', done: [] }],
  prove: [{ kind: 'reprove', done: [] }],
  'sign+prove': [
    { kind: 'reauthenticate', done: [] },
    { kind: 'reprove', done: [] },
  ],
  both: [{ kind: 'reauthenticate_and_reprove', done: [] }],
  'both, signed in': [{ kind: 'reauthenticate_and_reprove', done: ['sign_in'] }],
  'both, proved': [{ kind: 'reauthenticate_and_reprove', done: ['prove'] }],
};

const both = 'reauthenticate_and_reprove';
const edges: readonly (readonly [string, Edge])[] = [
  ...(['set', 'lift', 'expire'] as const).flatMap((verb) =>
    interventionKinds.map((kind) => [`${verb} ${kind}`, { do: verb, kind }] as const),
  ),
  ...parts.map((part) => [part, { do: part }] as const),
];

/** Written by hand, not derived: state, edge, outcome. What is not in it is refused or changes nothing, as `otherwise` says. */
const stopTable: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  none: { 'set suspended': '+suspended', 'set blocked': '+blocked' },
  suspended: {
    'set blocked': '+blocked suspended:superseded',
    'lift suspended': 'suspended:lifted',
    'expire suspended': 'suspended:expired',
  },
  blocked: { 'lift blocked': 'blocked:lifted', 'expire blocked': 'blocked:expired' },
};
const askTable: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  none: { 'set reauthenticate': '+reauthenticate', 'set reprove': '+reprove', [`set ${both}`]: `+${both}` },
  sign: {
    'set reprove': '+reprove',
    [`set ${both}`]: `+${both} reauthenticate:superseded`,
    'lift reauthenticate': 'reauthenticate:lifted',
    'expire reauthenticate': 'reauthenticate:expired',
    sign_in: 'reauthenticate:done',
  },
  prove: {
    'set reauthenticate': '+reauthenticate',
    [`set ${both}`]: `+${both} reprove:superseded`,
    'lift reprove': 'reprove:lifted',
    'expire reprove': 'reprove:expired',
    prove: 'reprove:done',
  },
  'sign+prove': {
    [`set ${both}`]: `+${both} reauthenticate:superseded reprove:superseded`,
    'lift reauthenticate': 'reauthenticate:lifted',
    'expire reauthenticate': 'reauthenticate:expired',
    'lift reprove': 'reprove:lifted',
    'expire reprove': 'reprove:expired',
    sign_in: 'reauthenticate:done',
    prove: 'reprove:done',
  },
  both: { [`lift ${both}`]: `${both}:lifted`, [`expire ${both}`]: `${both}:expired` },
  'both, signed in': {
    [`lift ${both}`]: `${both}:lifted`,
    [`expire ${both}`]: `${both}:expired`,
    prove: `${both}:done`,
  },
  'both, proved': {
    [`lift ${both}`]: `${both}:lifted`,
    [`expire ${both}`]: `${both}:expired`,
    sign_in: `${both}:done`,
  },
};

const otherwise = (edge: Edge) => (edge.do === 'set' ? 'already' : 'kind' in edge ? 'not_open' : '');

function said(open: readonly Open[], edge: Edge): string {
  const next = transition(open, edge);
  if ('refused' in next) return next.refused;
  const closes = next.closes.map(({ kind, how }) => `${kind}:${how}`);
  return [...(next.opens === null ? [] : [`+${next.opens}`]), ...closes].join(' ');
}

describe('the state machine', () => {
  const states = Object.keys(stopStates).flatMap((stop) => Object.keys(askStates).map((ask) => [stop, ask] as const));

  it.each(states)('stopped: %s, asked: %s', (stop, ask) => {
    const open = [...(stopStates[stop] ?? []), ...(askStates[ask] ?? [])];
    for (const [name, edge] of edges) {
      const about = 'kind' in edge && stops(edge.kind) ? stopTable[stop] : askTable[ask];
      expect(said(open, edge), name).toBe(about?.[name] ?? otherwise(edge));
    }
  });

  it('leads nowhere but to these states', () => {
    const keyOf = (open: readonly Open[]) =>
      open
        .map(({ kind, done }) => `${kind}(${[...done].sort().join()})`)
        .sort()
        .join(' ');
    const known = new Set(states.map(([stop, ask]) => keyOf([...(stopStates[stop] ?? []), ...(askStates[ask] ?? [])])));
    const seen = new Map<string, readonly Open[]>([['', []]]);
    for (const open of seen.values()) {
      for (const [, edge] of edges) {
        const next = transition(open, edge);
        if ('refused' in next) continue;
        const left = open.filter(({ kind }) => !next.closes.some((close) => close.kind === kind));
        const reached = [...left, ...(next.opens === null ? [] : [{ kind: next.opens, done: [] }])].map((each) =>
          'kind' in edge || !needs(each.kind).includes(edge.do)
            ? each
            : { ...each, done: [...new Set([...each.done, edge.do])] },
        );
        seen.set(keyOf(reached), reached);
      }
    }
    expect([...seen.keys()].filter((key) => !known.has(key))).toEqual([]);
    expect(seen.size).toBe(known.size);
  });

  it('says of each kind what it does', () => {
    const facts = Object.fromEntries(
      interventionKinds.map((kind) => [kind, [stops(kind), endsSessions(kind), needs(kind)]]),
    );
    expect(facts).toEqual({
      suspended: [true, true, []],
      blocked: [true, true, []],
      reauthenticate: [false, true, ['sign_in']],
      reprove: [false, false, ['prove']],
      [both]: [false, true, ['sign_in', 'prove']],
    });
  });
});

const plus = (ms: number) => new Date(t0.getTime() + ms);
const event = (at: Date): AuthenticationEvent => ({
  id: `e${at.getTime()}`,
  method: 'passkey',
  at,
  credentialId: null,
  factors: ['possession'],
  userVerified: true,
  phishingResistant: true,
  deviceBound: true,
  interaction: null,
});
const item = (kind: Evidence['kind'], recordedAt: Date, revokedAt: Date | null = null): Evidence => ({
  id: `${kind}${recordedAt.getTime()}`,
  kind,
  source: kind,
  strength: 'strong',
  category: null,
  confirmed: [],
  recordedAt,
  expiresAt: null,
  revokedAt,
});
const open = (kind: InterventionKind, at = t0, until: Date | null = null) => ({ kind, at, until });

describe('what counts under interventions', () => {
  const facts = {
    events: [event(plus(-1)), event(t0), event(plus(1))],
    evidence: [item('contact', plus(-1)), item('population', plus(-1)), item('face', t0), item('counter', plus(1))],
  };
  const left = (kind: InterventionKind, until: Date | null = null, now = plus(10)) => {
    const { usable, events, evidence } = underInterventions([open(kind, t0, until)], facts, now);
    return [usable, events.length, evidence.map((each) => each.kind).join()];
  };

  it.each([
    ['suspended', [false, 3, 'contact,population,face,counter']],
    ['blocked', [false, 3, 'contact,population,face,counter']],
    ['reauthenticate', [true, 1, 'contact,population,face,counter']],
    ['reprove', [true, 3, 'contact,counter']],
    [both, [true, 1, 'contact,counter']],
  ] as const)('%s', (kind, expected) => {
    expect(left(kind)).toEqual(expected);
    // To the last millisecond before its end, and not in that of the end.
    expect(left(kind, plus(20), plus(19))).toEqual(expected);
    expect(left(kind, plus(20), plus(20))).toEqual([true, 3, 'contact,population,face,counter']);
  });

  it('is everything without any', () => {
    expect(underInterventions([], facts, t0)).toEqual({ usable: true, ...facts });
  });

  it('tells what was done since, and by evidence that still stands', () => {
    const nothing = { events: [], evidence: [] };
    expect(doneSince(open(both), nothing)).toEqual([]);
    expect(doneSince(open(both), { ...nothing, events: [event(t0)] })).toEqual([]);
    expect(doneSince(open(both), { ...nothing, evidence: [item('contact', plus(1)), item('face', t0)] })).toEqual([]);
    expect(doneSince(open(both), { ...nothing, evidence: [item('face', plus(1), plus(2))] })).toEqual([]);
    expect(doneSince(open(both), facts)).toEqual(['sign_in', 'prove']);
  });

  it('cuts off a sign-in of the same second', () => {
    const seconds = t0.getTime() / 1000;
    expect(isCutOff([open('reauthenticate')], seconds - 1)).toBe(true);
    expect(isCutOff([open('reauthenticate')], seconds)).toBe(true);
    expect(isCutOff([open('reauthenticate')], seconds + 1)).toBe(false);
    expect(isCutOff([open('reprove'), open('blocked')], 0)).toBe(false);
    expect(isCutOff([], 0)).toBe(false);
  });

  it('never gives more for one intervention more, and nothing that was not there', () => {
    const time = fc.integer({ min: -50, max: 50 }).map(plus);
    const one = fc.record({
      kind: fc.constantFrom(...interventionKinds),
      at: time,
      until: fc.option(time, { nil: null }),
    });
    const kinds = fc.constantFrom('contact', 'population', 'face', 'counter');
    const known = fc.record({
      events: fc.array(time.map(event)),
      evidence: fc.array(fc.tuple(kinds, time).map(([kind, at]) => item(kind, at))),
    });
    fc.assert(
      fc.property(fc.array(one), one, known, time, (some, another, all, now) => {
        const fewer = underInterventions(some, all, now);
        const more = underInterventions([...some, another], all, now);
        expect(fewer.usable || !more.usable).toBe(true);
        for (const each of more.events) expect(fewer.events).toContain(each);
        for (const each of more.evidence) expect(fewer.evidence).toContain(each);
        for (const each of fewer.evidence) expect(all.evidence).toContain(each);
        if (inForce([another], now).length === 0) expect(more).toEqual(fewer);
      }),
    );
  });
});
