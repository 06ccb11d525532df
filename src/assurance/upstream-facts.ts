import { type BridgeCap, type GradedLevel, worthOf } from './bridge-worth.ts';
import type { AuthenticationEvent, Evidence, PersonCategory } from './evidence.ts';

/** What an upstream said about the person, in words of ours. */
export interface UpstreamClaims {
  readonly name?: string | undefined;
  readonly latinName?: string | undefined;
  readonly documentType?: string | undefined;
  readonly documentNumber?: string | undefined;
  readonly birthDate?: string | undefined;
  readonly phone?: string | undefined;
  readonly category?: PersonCategory | undefined;
  readonly documentValidUntil?: string | undefined;
  /** Other papers of the same person that the source knows of. */
  readonly otherDocuments?: readonly { readonly type: string; readonly number: string }[] | undefined;
}

/** An upstream's answer as a bridge hands it over. */
export interface UpstreamAnswer {
  readonly subjects: readonly UpstreamSubject[];
  readonly level: string | null;
  readonly authTime: Date | null;
  readonly claims: UpstreamClaims;
}

export interface UpstreamSubject {
  readonly part: string;
  readonly of: readonly [string, ...string[]];
}

/** What of an answer counts here. */
export interface UpstreamFacts {
  readonly bridge: string;
  readonly subjects: readonly UpstreamSubject[];
  readonly claims: UpstreamClaims;
  /** Whether what it vouches for now takes the place of what it vouched for before, also where that was more. */
  readonly supersedes: boolean;
  /** Its sign-in; null: it proves nothing here. The identity that it was of is added when it is written. */
  readonly event:
    | (Omit<AuthenticationEvent, 'id' | 'interaction' | 'credentialId'> & { readonly method: 'bridge' })
    | null;
  /** What it vouches for; null: for nothing that this answer holds. */
  readonly evidence:
    | (Pick<Evidence, 'source' | 'strength' | 'category' | 'confirmed' | 'expiresAt'> & { readonly kind: 'upstream' })
    | null;
}

/** Of a bridge, what its facts depend on. */
interface FactsTraits {
  readonly id: string;
  readonly levels: readonly GradedLevel[];
  readonly identityOfAccount?: boolean;
}

/** What each word of `confirmed` needs in the answer; a word that is not here is a property of the proofing itself. */
const claimOf: Readonly<Record<string, keyof UpstreamClaims>> = {
  name: 'name',
  document_number: 'documentNumber',
  birth_date: 'birthDate',
  phone: 'phone',
};

/**
 * What an answer is worth: never more than the bridge's level under the cap, never a word that the answer does not hold, and
 * no fresher than the sign-in there.
 */
export function upstreamFacts(
  { id: bridge, levels, identityOfAccount = false }: FactsTraits,
  cap: BridgeCap | null,
  answer: UpstreamAnswer,
  now: Date,
  /** When we sent them there; null: the sign-in is itself what we asked for, on the person's own device. */
  since: Date | null = null,
): UpstreamFacts {
  const { identity, authentication } = worthOf(levels, cap, answer.level);
  const { claims } = answer;
  const holds = (word: string) => {
    const claim = claimOf[word];
    return claim === undefined || claims[claim] !== undefined;
  };
  const confirmed = identity?.confirms.filter(holds) ?? [];
  const stale = !isNewSince(answer.authTime, since);
  const at = answer.authTime !== null && answer.authTime < now ? answer.authTime : now;
  return {
    bridge,
    subjects: answer.subjects,
    claims,
    supersedes: identityOfAccount,
    event: authentication && { ...authentication, method: 'bridge', at, ...(stale ? { stale } : undefined) },
    evidence:
      identity === null || confirmed.length === 0
        ? null
        : {
            kind: 'upstream',
            source: bridge,
            strength: identity.strength,
            category: claims.category ?? null,
            confirmed,
            expiresAt:
              claims.documentValidUntil === undefined
                ? null
                : new Date(`${claims.documentValidUntil}T23:59:59.999+08:00`),
          },
  };
}

/** By which clocks may differ. */
const toleranceMs = 30_000;

/**
 * Whether the upstream vouches for a sign-in made since we asked. What the browser was told to ask for (`prompt`, `max_age`)
 * is no proof of it: who holds the browser can leave that out. A time that is not told counts as old.
 */
const isNewSince = (authTime: Date | null, since: Date | null): boolean =>
  authTime !== null && (since === null || authTime.getTime() >= since.getTime() - toleranceMs);
