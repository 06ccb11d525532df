import { type Bindable, bindingStrengths, neededToBind, strengthOf } from '../assurance/binding.ts';
import { parseBridgeStep } from '../assurance/bridge-offers.ts';
import type { Whose } from '../ceremonies/passkey.ts';
import { type Ceremony, ceremonyMs, shownIn } from '../commands/bind.ts';
import { waysInOf } from '../commands/ways-in.ts';
import { identitiesOf } from '../storage/external-identities.ts';
import type { JourneyDeps } from './deps.ts';
import type { Situation } from './gather.ts';

/** The request under way, as what its sign-ins are asked for. */
export const ceremonyOf = ({ interaction }: Situation): Ceremony => ({
  kind: 'interaction',
  interaction: interaction.cid,
});

export const whoseOf = ({ interaction, citizen }: Situation): Whose => ({
  in: interaction.cid,
  accountId: citizen?.account.id ?? null,
});

/**
 * Whether what was shown in this request is enough to bind something. A page's question, so that nobody is sent on a way
 * in vain; the command that binds asks for itself.
 */
export async function mayBindHere(deps: JourneyDeps, situation: Situation, adding: Bindable): Promise<boolean> {
  const { citizen } = situation;
  if (citizen === null) return false;
  const needs = neededToBind(adding, await waysInOf(deps.db, citizen.account.id));
  const shown = await shownIn(deps.db, citizen.account.id, ceremonyOf(situation), deps.clock());
  return bindingStrengths.indexOf(strengthOf(shown)) >= bindingStrengths.indexOf(needs);
}

/** What the step of a way would bind to the account; null: nothing new. */
export async function boundBy(deps: JourneyDeps, { citizen }: Situation, step: string): Promise<Bindable | null> {
  // Which kind the device will make is not known yet: the command looks at what it made.
  if (step === 'enrol-passkey') return { kind: 'passkey', backupEligible: true };
  const bridge = parseBridgeStep(step)?.id;
  if (bridge === undefined || citizen === null) return null;
  const linked = await identitiesOf(deps.db, citizen.account.id);
  return linked.some((identity) => identity.bridge === bridge) ? null : { kind: 'identity', event: null };
}

/** Whether a passkey was added to the account in this request: it counts from the next one on. */
export const addedHere = ({ citizen, interaction }: Situation): boolean =>
  citizen?.holdings.passkeys.some(({ boundIn }) => boundIn === interaction.cid) === true;

/** The upstream's answer that waits for its account, while the sign-in there is still a fresh one. */
export function pendingUpstream({ state }: Situation, now: Date) {
  const { upstream } = state;
  return upstream !== null && now.getTime() - upstream.at < ceremonyMs ? upstream.facts : null;
}
