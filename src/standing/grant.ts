import { assess } from '../assurance/assess.ts';
import { isAlive } from '../assurance/evidence.ts';
import { bestLevel } from '../assurance/held.ts';
import { requirementFor, satisfies, type Verdict } from '../assurance/requirement.ts';
import type { Standing } from './session.ts';

/** What a grant was made of, in the policy's own words; kept with its tokens. */
export interface GrantMade {
  /** The label that the app asked for and was answered with; undefined: it asked for none, and has the best that is held. */
  readonly asked?: string | undefined;
  /** What was answered. */
  readonly said?: string | undefined;
  readonly amr?: readonly string[] | undefined;
  /** Seconds. */
  readonly authTime?: number | undefined;
  /** The chain of interactions in which it was made; null: answered without one. */
  readonly interaction: string | null;
}

export interface GrantSource {
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly made: GrantMade;
}

/** What every answer of the grant says now. */
export interface GrantAnswer {
  readonly acr: string | undefined;
  readonly amr: readonly string[];
  readonly authTime: number | undefined;
  /** The best level held, counted by the interaction that the grant came of. */
  readonly level: string | null;
}

/**
 * What an app is told of one grant, by whichever door: ID token, refresh, userinfo and introspection ask here. The label it
 * asked for while that holds, else the best that does; as long as it is what was said at first, with the sign-in of then
 * (OpenID Connect Core 12.2: a refreshed ID token keeps the `auth_time` of the original authentication).
 */
export function answerOf(standing: Standing, source: GrantSource): GrantAnswer {
  const { assessment, policy } = standing;
  const { asked, said, ...then } = source.made;
  const best = bestLevel(policy, assessment);
  const level = best?.level ?? null;
  const verdict = asked === undefined ? null : judge(standing, source, asked);
  const { acr, at } =
    verdict?.kind === 'met'
      ? { acr: verdict.label, at: verdict.authTime }
      : { acr: best?.level, at: best?.authTime ?? assessment.authTime };
  const now = { amr: assessment.amr, authTime: at === null ? undefined : seconds(at) };
  const same = acr !== undefined && acr === said;
  return {
    acr,
    amr: (same ? then.amr : null) ?? now.amr,
    authTime: (same ? then.authTime : null) ?? now.authTime,
    level,
  };
}

/**
 * Whether new tokens may be made of the grant. The age of a sign-in alone does not end a refresh token (it has a lifetime of
 * its own); a lost identity does. So the app's floor is judged as of the sign-in, with only the evidence that is still alive.
 */
export function isStillGood(standing: Standing, source: GrantSource): boolean {
  if (judge(standing, source, undefined).kind === 'met') return true;
  const { policy, events, assessment, interaction } = standing;
  const alive = standing.evidence.filter((item) => isAlive(item, assessment.at));
  const signedInAt = new Date(Math.max(0, ...events.map((event) => event.at.getTime())));
  const then = assess(policy, alive, events, signedInAt, { interaction });
  return judge({ ...standing, assessment: then }, source, undefined).kind === 'met';
}

function judge({ policy, assessment, events }: Standing, source: GrantSource, label: string | undefined): Verdict {
  const requirement = requirementFor(policy, source.clientId, {
    acrValues: [],
    prompt: [],
    scopes: source.scopes,
    ...(label === undefined ? undefined : { claimsAcr: { essential: true, values: [label] } }),
  });
  return satisfies(assessment, requirement, policy, { interaction: null, offered: true, events });
}

const seconds = (date: Date) => Math.floor(date.getTime() / 1000);
