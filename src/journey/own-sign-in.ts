import { strongestAal } from '../commands/strongest-aal.ts';
import { aalOf } from '../standing/sign-ins.ts';
import type { Citizen, Situation } from './gather.ts';

/**
 * What was shown to this browser itself. A sign-in that came from another device may have been relayed: it opens apps, but
 * binds nothing to the account that would outlast it.
 */
export const ownEvents = ({ events }: Citizen) => events.filter(({ method }) => method !== 'cross_device');

/** Whether another authenticator may be added: as strongly signed in as the account can be, up to AAL2 (SP 800-63B-4 4.1.2.1). */
export function mayBind(citizen: Citizen, { policy, interaction }: Situation, now: Date): boolean {
  const aal = aalOf(policy, ownEvents(citizen), { at: now, interaction: interaction.cid });
  return aal >= Math.min(2, strongestAal(citizen.holdings));
}
