import { strongestAal } from '../commands/strongest-aal.ts';
import { aalOf } from '../standing/sign-ins.ts';
import type { Citizen, Situation } from './gather.ts';
import { ownEvents } from './own-sign-in.ts';

/** How long both sign-ins of a link may be apart (SP 800-63C-4 3.7.1: the subscriber is authenticated at both). */
const freshForMs = 15 * 60_000;

/** Whether the account's holder signed in lately, as strongly as they can. */
export function isFresh(citizen: Citizen, { policy, interaction }: Situation, now: Date): boolean {
  const recent = ownEvents(citizen).filter((event) => now.getTime() - event.at.getTime() < freshForMs);
  const aal = aalOf(policy, recent, { at: now, interaction: interaction.cid });
  return recent.length > 0 && aal >= Math.min(2, strongestAal(citizen.holdings));
}

/** The upstream's answer that waits for its account, while the sign-in there is still a fresh one. */
export function pendingUpstream({ state }: Situation, now: Date) {
  const { upstream } = state;
  return upstream !== null && now.getTime() - upstream.at < freshForMs ? upstream.facts : null;
}
