import type { Context } from 'koa';
import { checkOneTimeCode, makeOneTimeCode, ONE_TIME_CODE_MINUTES } from '../authenticators/one-time-code.ts';
import { count, uncount } from '../commands/throttles.ts';
import { contactsOf } from '../storage/accounts.ts';
import type { JourneyDeps } from './deps.ts';
import type { Citizen, Situation } from './gather.ts';
import { saveState } from './state.ts';

const purpose = 'check';

/**
 * Whether a number that somebody stated for a check is in the hands of who is here: it is one that the account confirmed, or
 * the code that was sent to it is typed. Lists of names, numbers, cards and telephones are for sale together; the telephone
 * itself is not. Otherwise what to show: `sent` a code, or what is wrong with the one that was typed.
 */
export async function phoneInHand(
  deps: JourneyDeps,
  ctx: Context,
  situation: Situation,
  { citizen, phone, code }: { readonly citizen: Citizen; readonly phone: string; readonly code: string },
): Promise<{ readonly said: 'yes' | 'sent' | 'code_wrong' | 'code_expired'; readonly situation: Situation }> {
  const contacts = await contactsOf(deps.db, deps.keyring, citizen.account.id);
  if (contacts.some(({ kind, value }) => kind === 'phone' && value === phone)) return { said: 'yes', situation };
  const { state, interaction } = situation;
  const kept = state.checkPhone?.phone === phone ? state.checkPhone : null;
  if (kept !== null && kept.codeHash === null) return { said: 'yes', situation };
  const now = deps.clock();
  const binding = { pepper: deps.keyring.pepper, purpose, target: phone, ceremony: interaction.cid, now };
  const { codeHash } = kept ?? {};
  if (kept === null || codeHash == null || code === '') {
    await count(deps, 'smsAddress', deps.clientAddress(ctx));
    await count(deps, 'smsTarget', phone);
    const made = makeOneTimeCode(binding);
    const words = { code: made.code, minutes: ONE_TIME_CODE_MINUTES };
    const text = deps.renderer.i18n.t(ctx.state.locale, 'journey.sms.code', words);
    await deps.sendSms({ to: phone, template: purpose, text });
    const sent = { phone, codeHash: made.hash, codeExpiresAt: made.expiresAt };
    return { said: 'sent', situation: await keep(deps, situation, sent) };
  }
  // Counted per number, not per code: a new code does not reset the count (SP 800-63B-4 3.1.3.2).
  await count(deps, 'codeTarget', phone);
  if (now.getTime() >= kept.codeExpiresAt) return { said: 'code_expired', situation };
  if (!checkOneTimeCode({ ...binding, code, hash: codeHash })) return { said: 'code_wrong', situation };
  await uncount(deps, 'codeTarget', phone);
  await uncount(deps, 'smsAddress', deps.clientAddress(ctx));
  return { said: 'yes', situation: await keep(deps, situation, { ...kept, codeHash: null }) };
}

async function keep(
  deps: JourneyDeps,
  situation: Situation,
  checkPhone: NonNullable<Situation['state']['checkPhone']>,
): Promise<Situation> {
  const state = { ...situation.state, checkPhone };
  await saveState(deps, situation.interaction, state);
  return { ...situation, state };
}
