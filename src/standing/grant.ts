import { assess } from '../assurance/assess.ts';
import { isAlive } from '../assurance/evidence.ts';
import { bestLevel } from '../assurance/held.ts';
import { requirementFor, satisfies, type Verdict } from '../assurance/requirement.ts';
import type { Standing } from './session.ts';

/** What the answers of one grant have in common: what was said when it was made, in the policy's own words. */
export interface GrantSource {
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** Undefined: of before this was kept. */
  readonly acr: string | undefined;
  readonly amr: readonly string[] | undefined;
  /** Seconds. */
  readonly authTime: number | undefined;
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
 * was made with, with the sign-in behind it, while that holds (OpenID Connect Core 12.2: a refreshed ID token keeps the
 * `auth_time` of the original authentication), else the best that does.
 */
export function answerOf(standing: Standing, source: GrantSource): GrantAnswer {
  const { assessment, policy } = standing;
  const best = bestLevel(policy, assessment);
  const level = best?.level ?? null;
  const asked = judge(standing, source, source.acr);
  if (source.acr !== undefined && asked.kind === 'met') {
    const { amr = assessment.amr, authTime = seconds(asked.authTime) } = source;
    return { acr: asked.label, amr, authTime, level };
  }
  const authTime = best?.authTime ?? assessment.authTime ?? undefined;
  return { acr: level ?? undefined, amr: assessment.amr, authTime: authTime && seconds(authTime), level };
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
