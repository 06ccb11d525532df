import type { AuthenticationEvent, Evidence } from './evidence.ts';

/** What staff can put on an account. `suspended` is meant to be looked into, `blocked` to stay until it is decided otherwise. */
export const interventionKinds = [
  'suspended',
  'blocked',
  'reauthenticate',
  'reprove',
  'reauthenticate_and_reprove',
] as const;
export type InterventionKind = (typeof interventionKinds)[number];

/** What the citizen does to end one without anybody's help. */
export const parts = ['sign_in', 'prove'] as const;
export type Part = (typeof parts)[number];

export interface Intervention {
  readonly id: string;
  readonly accountId: string;
  readonly kind: InterventionKind;
  /** A code, see `interventionReasons`. */
  readonly reason: string;
  readonly note: string | null;
  readonly actor: string;
  readonly at: Date;
  /** When it ends of itself; null: never. */
  readonly until: Date | null;
  readonly liftedAt: Date | null;
  readonly liftedBy: string | null;
}

/** What decides about an account's answers. */
export type Standing = Pick<Intervention, 'kind' | 'at' | 'until'>;

/** Each kind is a row: what it stops, what ends it, and which weaker ones it takes the place of. */
const table: Readonly<
  Record<InterventionKind, { stops: boolean; needs: readonly Part[]; over: readonly InterventionKind[] }>
> = {
  suspended: { stops: true, needs: [], over: [] },
  blocked: { stops: true, needs: [], over: ['suspended'] },
  reauthenticate: { stops: false, needs: ['sign_in'], over: [] },
  reprove: { stops: false, needs: ['prove'], over: [] },
  reauthenticate_and_reprove: {
    stops: false,
    needs: ['sign_in', 'prove'],
    over: ['reauthenticate', 'reprove'],
  },
};

/** Nothing of the account works while one of these is open. */
export const stops = (kind: InterventionKind): boolean => table[kind].stops;
/** What the citizen has to do; nothing where only staff or time end it. */
export const needs = (kind: InterventionKind): readonly Part[] => table[kind].needs;
/** Sign-ins of before end with it for good, and the sessions that rest on them. */
export const endsSessions = (kind: InterventionKind): boolean => stops(kind) || needs(kind).includes('sign_in');

/** One that is open, with what the citizen has done of it since. */
export interface Open {
  readonly kind: InterventionKind;
  readonly done: readonly Part[];
}

export type Edge =
  | { readonly do: 'set' | 'lift' | 'expire'; readonly kind: InterventionKind }
  /** The citizen did it; said after it was done, but not yet part of `done`. */
  | { readonly do: Part };

export type Closing = 'lifted' | 'expired' | 'done' | 'superseded';

export type Transition =
  | {
      readonly opens: InterventionKind | null;
      readonly closes: readonly { readonly kind: InterventionKind; readonly how: Closing }[];
    }
  /** `already`: that kind or a stronger one is open; `not_open`: there is nothing to end. */
  | { readonly refused: 'already' | 'not_open' };

/**
 * The state machine: from what is open and what happens to what opens and what closes. An account may have one of
 * {suspended, blocked} and, independently, some of {reauthenticate, reprove} or both in one.
 */
export function transition(open: readonly Open[], edge: Edge): Transition {
  const isOpen = (kind: InterventionKind) => open.some((each) => each.kind === kind);
  switch (edge.do) {
    case 'set': {
      const stronger = interventionKinds.some((kind) => isOpen(kind) && table[kind].over.includes(edge.kind));
      if (isOpen(edge.kind) || stronger) return { refused: 'already' };
      const closes = table[edge.kind].over.filter(isOpen).map((kind) => ({ kind, how: 'superseded' as const }));
      return { opens: edge.kind, closes };
    }
    case 'lift':
    case 'expire':
      if (!isOpen(edge.kind)) return { refused: 'not_open' };
      return { opens: null, closes: [{ kind: edge.kind, how: edge.do === 'lift' ? 'lifted' : 'expired' }] };
    case 'sign_in':
    case 'prove': {
      const finished = open.filter(({ kind, done }) => {
        const still = needs(kind).filter((part) => !done.includes(part));
        return needs(kind).includes(edge.do) && still.every((part) => part === edge.do);
      });
      return { opens: null, closes: finished.map(({ kind }) => ({ kind, how: 'done' as const })) };
    }
  }
}

/** Evidence about who somebody is; a confirmed phone number says how to reach them, not who they are. */
export const isIdentity = (item: Pick<Evidence, 'kind'>): boolean => item.kind !== 'contact';

/** What of it the citizen has done. */
export function doneSince(
  { at }: Pick<Standing, 'at'>,
  facts: { readonly evidence: readonly Evidence[]; readonly events: readonly Pick<AuthenticationEvent, 'at'>[] },
): Part[] {
  const signedIn = facts.events.some((event) => event.at > at);
  const proved = facts.evidence.some((item) => isIdentity(item) && item.revokedAt === null && item.recordedAt > at);
  return [...(signedIn ? (['sign_in'] as const) : []), ...(proved ? (['prove'] as const) : [])];
}

/** Those in force: one whose end has passed is over at that moment, whenever the housekeeping gets there. */
export function inForce<T extends Pick<Standing, 'until'>>(interventions: readonly T[], now: Date): T[] {
  return interventions.filter(({ until }) => until === null || until > now);
}

/**
 * What is left to count under the open interventions: nothing where one of them stops the account, no sign-in of before
 * one that asks for a new one, no identity evidence of before one that asks for it anew.
 */
export function underInterventions<E extends AuthenticationEvent>(
  interventions: readonly Standing[],
  facts: { readonly evidence: readonly Evidence[]; readonly events: readonly E[] },
  now: Date,
): { readonly usable: boolean; readonly evidence: readonly Evidence[]; readonly events: readonly E[] } {
  // Nearly every account: nothing is copied.
  if (interventions.length === 0) return { usable: true, ...facts };
  const open = inForce(interventions, now);
  const usable = !open.some(({ kind }) => stops(kind));
  const signInSince = newest(open, 'sign_in');
  const proofSince = newest(open, 'prove');
  return {
    usable,
    events: facts.events.filter((event) => event.at.getTime() > signInSince),
    evidence: facts.evidence.filter((item) => !isIdentity(item) || item.recordedAt.getTime() > proofSince),
  };
}

/** Whether a sign-in is of before an intervention that asks for a new one. `authTime` has whole seconds: the same second counts as before. */
export const isCutOff = (open: readonly Standing[], authTime: number): boolean =>
  authTime * 1000 <= newest(open, 'sign_in');

function newest(open: readonly Standing[], part: Part): number {
  const times = open.filter(({ kind }) => needs(kind).includes(part)).map(({ at }) => at.getTime());
  return Math.max(Number.NEGATIVE_INFINITY, ...times);
}

/** Why staff act; the citizen reads it in words. */
export const interventionReasons = [
  'citizen_asked',
  'takeover_suspected',
  'identity_doubted',
  'misuse',
  'authority_order',
  'data_leak',
] as const;
export type InterventionReason = (typeof interventionReasons)[number];

/** Why one is set without anybody of the staff: the register says that the person has died. */
export const systemReasons = ['deceased'] as const;
export type SystemReason = (typeof systemReasons)[number];

/** Why staff end one. */
export const liftReasons = ['cleared', 'citizen_confirmed', 'order_ended', 'mistake'] as const;
export type LiftReason = (typeof liftReasons)[number];

/** What staff look somebody's record up for. */
export const lookReasons = [
  'citizen_called',
  'citizen_present',
  'misuse_reported',
  'data_error',
  'authority_request',
] as const;
export type LookReason = (typeof lookReasons)[number];
