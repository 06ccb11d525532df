import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { assess } from '../../src/assurance/assess.ts';
import { applyOffer, type Offer, type PlanInput, plan } from '../../src/assurance/plan.ts';
import { type AcrRequest, requirementFor, satisfies } from '../../src/assurance/requirement.ts';
import { offersFor } from '../../src/commands/offers.ts';
import { kinds, L, methods, now } from './support.ts';

const none: AcrRequest = { acrValues: [], prompt: [] };
const healthy = { population: true, face: true, silentTie: true };
const passkeyHolder = {
  passkeys: [{ backupEligible: true }],
  hasPassword: false,
  hasTotp: false,
  recoveryCodesLeft: 0,
};
const passwordHolder = { passkeys: [], hasPassword: true, hasTotp: true, recoveryCodesLeft: 0 };

function ask(app: string, request: Partial<AcrRequest>, facts: Partial<PlanInput>) {
  const input: PlanInput = {
    policy: defaultPolicy,
    requirement: requirementFor(defaultPolicy, app, { ...none, ...request }),
    evidence: [kinds.contact],
    events: [],
    offers: [],
    now,
    interaction: 'here',
    ...facts,
  };
  return { input, result: plan(input) };
}

const essential = (...values: string[]): Partial<AcrRequest> => ({ claimsAcr: { essential: true, values } });
const steps = (result: ReturnType<typeof plan>) =>
  result.kind === 'ways' ? result.ways.map((way) => way.steps) : result.kind;

describe('ways', () => {
  it('nothing to do', () => expect(ask('library', {}, { events: [methods.synced] }).result).toEqual({ kind: 'met' }));

  it('straight to level 3, no ladder', () => {
    const { result } = ask('library', essential(L(3)), {
      events: [methods.synced],
      offers: offersFor(passkeyHolder as never, healthy),
    });
    expect(steps(result)).toEqual([['population', 'face']]);
  });

  it('a password holder needs a passkey too, in an order that can be done', () => {
    const { result } = ask('library', essential(L(3)), {
      events: [methods.password, methods.totp],
      offers: offersFor(passwordHolder as never, healthy),
    });
    expect(result.kind === 'ways' && [...(result.ways[0]?.steps ?? [])].sort()).toEqual([
      'enrol-passkey',
      'face',
      'population',
    ]);
  });

  it('signing in again is one step; a password does as well as a passkey where the level lets it', () => {
    const both = { ...passwordHolder, passkeys: [{ backupEligible: true }] };
    const { result } = ask(
      'library',
      { maxAge: 1 },
      { events: [methods.synced], offers: offersFor(both as never, healthy) },
    );
    expect(steps(result)).toEqual([['passkey'], ['password'], ['enrol-passkey']]);
  });

  it('out of service: not a way, but named', () => {
    const offers = offersFor(passkeyHolder as never, { ...healthy, population: false });
    const { result } = ask('social-insurance', {}, { events: [methods.synced], offers });
    expect(result).toMatchObject({
      kind: 'unreachable',
      because: ['register_unavailable'],
      blocked: [{ steps: ['population'] }],
    });
    const silent = offers.map(({ unavailableReason: _, ...offer }) => offer);
    expect(ask('social-insurance', {}, { events: [methods.synced], offers: silent }).result).toMatchObject({
      because: ['register_unavailable'],
    });
  });

  it('not reachable, because', () => {
    const offers = offersFor(passkeyHolder as never, healthy);
    expect(ask('library', essential(L(4)), { events: [methods.synced], offers }).result).toMatchObject({
      kind: 'unreachable',
      because: ['needs_identity'],
    });
    expect(ask('library', essential('phrh'), { events: [methods.synced], offers }).result).toMatchObject({
      because: ['needs_authenticator'],
    });
    expect(ask('library', essential('urn:nobody:knows'), { events: [methods.synced], offers }).result).toMatchObject({
      because: ['unknown_level'],
    });
    expect(ask('social-insurance', {}, {}).result).toMatchObject({ because: ['needs_identity'] });
  });

  it('a voluntary wish that nothing leads to falls back to the floor', () => {
    const offers = offersFor(passkeyHolder as never, healthy);
    expect(ask('library', { acrValues: [L(4)] }, { events: [methods.synced], offers }).result).toEqual({ kind: 'met' });
    expect(ask('social-insurance', { acrValues: [L(4)] }, { events: [methods.synced] }).result.kind).toBe(
      'unreachable',
    );
  });
});

const anyOffer = fc.record({
  minutes: fc.integer({ min: 1, max: 9 }),
  available: fc.boolean(),
  event: fc.constantFrom(undefined, methods.synced, methods.bound, methods.password, methods.totp),
  evidence: fc.subarray(Object.values(kinds), { maxLength: 2 }),
  needs: fc.subarray(['contact', 'population'] as const, { maxLength: 1 }),
  aal: fc.constantFrom(0 as const, 1 as const, 2 as const),
});
const anyOffers = fc.array(anyOffer, { maxLength: 5 }).map((list) =>
  list.map(
    ({ minutes, available, event, evidence, needs, aal }, i): Offer => ({
      id: `o${i}`,
      kind: 'prove',
      minutes,
      available,
      requires: { evidence: needs, aal },
      yields: { ...(event ? { event } : undefined), evidence },
      have: [],
    }),
  ),
);

describe('any offers', () => {
  it('a way, walked, gets there; the first is the shortest; none holds another; none needs what is out of service', () => {
    fc.assert(
      fc.property(
        anyOffers,
        fc.constantFrom(1, 2, 3, 4),
        fc.subarray([kinds.contact, kinds.population]),
        (offers, level, evidence) => {
          const { input, result } = ask('library', essential(L(level)), { offers, evidence });
          const shortest = bruteForce(input);
          // Nobody has signed in yet, so nothing is met.
          if (result.kind === 'met') throw new Error('met without a sign-in');
          if (result.kind === 'unreachable') {
            expect(result.because.length).toBeGreaterThan(0);
            expect(shortest).toBeNull();
            return;
          }
          expect(result.ways[0]?.minutes).toBe(shortest);
          for (const way of result.ways) {
            expect(walk(input, way.steps)).toBe(true);
            expect(new Set(way.steps.map((step) => offers.find(({ id }) => id === step)?.available))).toEqual(
              new Set([true]),
            );
            for (const other of result.ways)
              if (other !== way) expect(way.steps.every((step) => other.steps.includes(step))).toBe(false);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

type State = Pick<PlanInput, 'evidence' | 'events'>;
const reached = (input: PlanInput, state: State) =>
  satisfies(
    assess(input.policy, state.evidence, state.events, now, { interaction: 'here' }),
    input.requirement,
    input.policy,
    { interaction: 'here', offered: false, events: state.events },
  ).kind === 'met';

function take(input: PlanInput, state: State, offer: Offer): State | null {
  const { aal } = assess(input.policy, state.evidence, state.events, now, { interaction: 'here' });
  const open =
    aal >= offer.requires.aal &&
    offer.requires.evidence.every((kind) => state.evidence.some((item) => item.kind === kind));
  return open ? applyOffer(state, offer, now, 'here') : null;
}

function walk(input: PlanInput, ids: readonly string[]): boolean {
  let state: State | null = input;
  for (const id of ids) {
    const offer = input.offers.find((other) => other.id === id);
    state = state && offer ? take(input, state, offer) : null;
  }
  return state !== null && reached(input, state);
}

/** Minutes of the cheapest order of any available offers that gets there; tries them all. */
function bruteForce(input: PlanInput): number | null {
  let best: number | null = null;
  const visit = (state: State, used: ReadonlySet<string>, minutes: number) => {
    if (best !== null && minutes >= best) return;
    if (reached(input, state)) {
      best = minutes;
      return;
    }
    for (const offer of input.offers) {
      if (used.has(offer.id) || !offer.available) continue;
      const next = take(input, state, offer);
      if (next) visit(next, new Set([...used, offer.id]), minutes + offer.minutes);
    }
  };
  visit(input, new Set(), 0);
  return best;
}
