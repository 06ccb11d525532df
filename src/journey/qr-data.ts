import type { Context } from 'koa';
import { meetRules } from '../assurance/authentication.ts';
import { crossDeviceFacts } from '../assurance/cross-device.ts';
import { askOtherDevice } from '../commands/cross-device.ts';
import { count } from '../commands/throttles.ts';
import { placeOf } from '../web/client-address.ts';
import { qrSvg } from '../web/qr.ts';
import type { JourneyDeps } from './deps.ts';
import type { Situation } from './gather.ts';
import { type JourneyState, saveState } from './state.ts';

/** Seconds between two looks. */
const every = 3;

/**
 * Whether a sign-in by phone would be enough here: where only a phishing-resistant one counts, nobody is sent for their
 * phone in vain. Whoever is signed in needs a passkey to show there.
 */
export function qrHelps({ citizen, policy, requirement, interaction }: Situation, now: Date): boolean {
  if (citizen !== null && citizen.holdings.passkeys.length === 0) return false;
  const factors = ['possession', 'inherence'] as const;
  const facts = crossDeviceFacts({ at: now, credentialId: null, factors, userVerified: true });
  const events = [...(citizen?.events ?? []), { ...facts, id: 'phone', interaction: interaction.cid }];
  const enough = (level: string) => {
    const rules = policy.levels.find(({ id }) => id === level)?.authentication ?? [];
    return meetRules(rules, events, now) !== null;
  };
  const wanted = requirement.wanted.some((meaning) =>
    meaning.kind === 'level' ? enough(meaning.level) : meetRules(meaning.rules, events, now) !== null,
  );
  return requirement.floors.every(enough) && (!requirement.essential || wanted);
}

/** The question to the phone, a new one where none is live (`again`: the one that was shown), and what the page looks again by. */
export async function qrData(deps: JourneyDeps, ctx: Context, situation: Situation, again: boolean): Promise<object> {
  const shown = again ? situation.state.qr : null;
  const { ticket, code, until } = shown ?? (await liveQuestion(deps, ctx, situation));
  const address = `${deps.issuer}/account/qr`;
  ctx.set('Refresh', `${every}; url=${situation.base}/qr`);
  return {
    qrSvg: qrSvg(`${address}/${ticket}`),
    code: `${code.slice(0, 4)} ${code.slice(4)}`,
    address: address.replace(/^https?:\/\//, ''),
    seconds: Math.max(1, Math.ceil((until - deps.clock().getTime()) / 10_000)) * 10,
  };
}

async function liveQuestion(
  deps: JourneyDeps,
  ctx: Context,
  situation: Situation,
): Promise<NonNullable<JourneyState['qr']>> {
  const { app, interaction, requirement, state } = situation;
  if (state.qr !== null && deps.clock().getTime() < state.qr.until) return state.qr;
  await count(deps, 'qrAddress', deps.clientAddress(ctx));
  const { ticket, code, until } = await askOtherDevice(deps, {
    interaction: interaction.cid,
    clientId: app.id,
    level: levelAsked(requirement),
    place: placeOf(deps.clientAddress(ctx)),
    userAgent: ctx.get('User-Agent').slice(0, 400),
    anew: requirement.fresh || requirement.maxAge !== null,
  });
  const qr = { ticket, code, until: until.getTime() };
  await saveState(deps, interaction, { ...state, qr });
  return qr;
}

/** What the app needs. */
function levelAsked({ wanted, floor }: Situation['requirement']): string {
  const first = wanted.find((meaning) => meaning.kind === 'level');
  return first?.kind === 'level' ? first.level : floor;
}
