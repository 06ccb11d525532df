import { capped } from '../assurance/bridge-worth.ts';
import { proofs, supposed } from '../assurance/worth.ts';
import type { OpenBridge } from '../bridges/index.ts';
import { wouldMeet } from '../standing/sign-ins.ts';
import type { Situation } from './gather.ts';

/**
 * Which of the upstream's levels to ask for, in its own terms: the lowest with which this request would be met, else its
 * highest that still tells something; null: whatever it gives.
 */
export function levelWanted(situation: Situation, open: OpenBridge, now: Date): string | null {
  const { traits, cap } = open;
  // The first has no name: whatever it gives.
  const enough = traits.levels.find(({ worth }) => reaches(situation, traits.id, capped(worth, cap), now));
  if (enough) return enough.name;
  // Nothing it gives is enough alone: for somebody who just signs in the least will do.
  return situation.citizen === null ? null : (traits.levels.at(-1)?.name ?? null);
}

function reaches(
  { citizen, policy, requirement, interaction }: Situation,
  bridge: string,
  { identity, authentication }: ReturnType<typeof capped>,
  now: Date,
): boolean {
  const evidence = identity ? [supposed('wanted', { kind: 'upstream', source: bridge, ...identity }, null, now)] : [];
  const event = authentication
    ? [
        {
          ...authentication,
          id: 'wanted',
          method: 'bridge' as const,
          at: now,
          credentialId: null,
          interaction: interaction.cid,
        },
      ]
    : [];
  const events = [...(citizen?.events ?? []), ...event];
  // Whoever signs in has an account, and so what a registration shows: a name is not asked for where that is enough.
  const known = citizen?.evidence ?? [supposed('registered', proofs.sms, null, now)];
  const facts = { evidence: [...known, ...evidence], events };
  const acceptance = { ...requirement, categories: null };
  return wouldMeet({ policy, requirement }, facts, { at: now, interaction: interaction.cid, acceptance });
}
