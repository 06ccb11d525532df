import type { Category } from '../identity/person.ts';
import { type BridgeCap, capped, type GradedLevel } from './bridge-worth.ts';
import type { Offer, Plan, Way } from './plan.ts';

/** A bridge as the planner sees it. */
export interface BridgeSupply {
  readonly id: string;
  readonly levels: readonly GradedLevel[];
  readonly cap: BridgeCap | null;
  readonly minutes: number;
  readonly have: readonly string[];
  readonly healthy: boolean;
  /** Whom its evidence is about; null: anybody. */
  readonly category: Category | null;
}

/** A step of a way that goes over a bridge: which one, and at which of its levels (0 its lowest). */
export const bridgeStep = (id: string, level: number): string => `bridge:${id}:${level}`;

export function parseBridgeStep(step: string): { readonly id: string; readonly level: number } | null {
  const match = /^bridge:([a-z0-9-]+):(\d{1,2})$/.exec(step);
  return match?.[1] === undefined ? null : { id: match[1], level: Number(match[2]) };
}

/** What each level of each bridge would prove; levels that tell nothing about who the person is are no proof to go for. */
export function bridgeOffers(bridges: readonly BridgeSupply[], category: Category | null): Offer[] {
  const fitting = bridges.filter(
    (bridge) => bridge.category === null || category === null || bridge.category === category,
  );
  return fitting.flatMap((bridge) =>
    bridge.levels.flatMap(({ worth }, index): Offer[] => {
      const { identity } = capped(worth, bridge.cap);
      if (identity === null || worthAsMuch(bridge, index)) return [];
      const item = {
        kind: 'upstream',
        source: bridge.id,
        strength: identity.strength,
        confirmed: identity.confirms,
      } as const;
      return [
        {
          id: bridgeStep(bridge.id, index),
          kind: 'prove',
          minutes: bridge.minutes,
          available: bridge.healthy,
          ...(bridge.healthy ? undefined : { unavailableReason: 'upstream_unavailable' as const }),
          // Linked to an account whose holder has just signed in: SP 800-63C-4 3.7.1.
          requires: { evidence: [], aal: 2 },
          yields: { evidence: [bridge.category === null ? item : { ...item, category: bridge.category }] },
          have: bridge.have,
          exceeds: bridge.levels.slice(0, index).map((_, below) => bridgeStep(bridge.id, below)),
        },
      ];
    }),
  );
}

/** Whether a lower level of the bridge proves the same already: a way that asks for more than it needs is none. */
function worthAsMuch({ levels, cap }: BridgeSupply, index: number): boolean {
  const proof = (at: number) => {
    const level = levels[at];
    const identity = level ? capped(level.worth, cap).identity : null;
    return identity === null ? null : JSON.stringify([identity.strength, [...identity.confirms].sort()]);
  };
  const own = proof(index);
  return levels.slice(0, index).some((_, below) => proof(below) === own);
}

/**
 * Leaves one of those offers that prove the same, so that a dozen bridges don't make a search of thousands of sets; the
 * others come back as ways of their own by `withTwins`. `differs` says what else tells sources apart here.
 */
export function oneOfEach(
  offers: readonly Offer[],
  differs: (source: string) => string,
): { offers: Offer[]; twins: ReadonlyMap<string, readonly Offer[]> } {
  const groups = new Map<string, Offer[]>();
  for (const offer of offers) {
    const items = offer.yields.evidence?.map((item) => [
      item.kind,
      item.strength,
      item.category ?? null,
      [...item.confirmed].sort(),
      differs(item.source),
    ]);
    const isBridge = parseBridgeStep(offer.id) !== null;
    const key = isBridge ? JSON.stringify([items, offer.available, offer.requires]) : offer.id;
    groups.set(key, [...(groups.get(key) ?? []), offer]);
  }
  const sorted = [...groups.values()].map((group) => group.toSorted((a, b) => a.minutes - b.minutes));
  const twins = new Map(sorted.flatMap(([first, ...rest]) => (first ? [[first.id, rest] as const] : [])));
  return { offers: sorted.flatMap(([first]) => (first ? [first] : [])), twins };
}

/** The ways again, each also with every twin in its place; shortest first. */
export function withTwins(found: Plan, offers: readonly Offer[], twins: ReadonlyMap<string, readonly Offer[]>): Plan {
  if (found.kind === 'met') return found;
  const minutes = new Map([...offers, ...[...twins.values()].flat()].map((offer) => [offer.id, offer.minutes]));
  const all = (ways: readonly Way[]) =>
    ways
      .flatMap((way) => {
        const index = way.steps.findIndex((step) => (twins.get(step)?.length ?? 0) > 0);
        if (index < 0) return [way];
        const others = twins.get(way.steps[index] ?? '') ?? [];
        return [way, ...others.map((offer) => ({ ...way, steps: way.steps.with(index, offer.id) }))];
      })
      .map(({ steps }) => ({ steps, minutes: steps.reduce((sum, step) => sum + (minutes.get(step) ?? 0), 0) }))
      // The city's own ways win ties: they give nobody else a say.
      .toSorted(
        (a, b) =>
          a.minutes - b.minutes || Number(isOutside(a)) - Number(isOutside(b)) || a.steps.length - b.steps.length,
      );
  return found.kind === 'ways'
    ? { ...found, ways: all(found.ways), blocked: all(found.blocked) }
    : { ...found, blocked: all(found.blocked) };
}

const isOutside = ({ steps }: Way): boolean => steps.some((step) => parseBridgeStep(step) !== null);
