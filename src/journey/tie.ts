import { isUntied } from '../assurance/untied.ts';
import { proofs, provedBy } from '../assurance/worth.ts';
import type { Cause } from '../commands/command.ts';
import { recordEvidence, refuseEvidence } from '../commands/record-evidence.ts';
import { tryOnce } from '../commands/throttles.ts';
import { type Tie, tieFor } from '../commands/tie-offer.ts';
import { maskPhone } from '../identity/phone.ts';
import type { OpenCheck } from '../proofing/check.ts';
import type { ProofingResult } from '../proofing/method.ts';
import { type Contact, contactsOf, personOf } from '../storage/accounts.ts';
import type { JourneyDeps } from './deps.ts';
import type { Citizen, Situation } from './gather.ts';
import type { JourneyState } from './state.ts';

/** The carrier answers while the person waits for the register's page: longer than this, and the others are offered. */
const patienceMs = 6_000;

/** The number that the account confirmed last. */
async function confirmedPhone(deps: JourneyDeps, citizen: Citizen): Promise<Contact | null> {
  const phones = (await contactsOf(deps.db, deps.keyring, citizen.account.id)).filter(({ kind }) => kind === 'phone');
  return phones.toSorted((a, b) => b.confirmedAt.getTime() - a.confirmedAt.getTime())[0] ?? null;
}

/** Whether, and how, the carrier may be asked about this person's number. */
export async function tieOf(deps: JourneyDeps, situation: Situation, citizen: Citizen): Promise<Tie> {
  const phone = await confirmedPhone(deps, citizen);
  return tieFor({
    policy: situation.policy,
    acceptance: situation.requirement,
    evidence: citizen.evidence,
    phone: phone?.value ?? null,
    checks: await deps.checks.list(),
    saidNo: situation.state.tie === 'no',
    now: deps.clock(),
  });
}

/** The pages on which the person reads that the carrier will be asked, and about which number. */
export async function tieData(deps: JourneyDeps, situation: Situation): Promise<{ asksAbout: string | null }> {
  const { citizen } = situation;
  if (citizen === null || (await tieOf(deps, situation, citizen)) === null) return { asksAbout: null };
  const phone = await confirmedPhone(deps, citizen);
  return { asksAbout: phone === null ? null : maskPhone(phone.value) };
}

/**
 * For the step-up page of somebody whose record was matched and who is tied to it by nothing yet: that this is kept, and
 * what the carrier said of the number.
 */
export async function halfData(deps: JourneyDeps, { citizen, state }: Situation): Promise<object> {
  if (citizen === null || !isUntied(citizen.assessment, citizen.evidence, deps.clock())) return { half: null };
  const phone = await confirmedPhone(deps, citizen);
  return { half: { carrier: state.tie, phone: phone === null ? '' : maskPhone(phone.value) } };
}

/**
 * Asks the carrier whether the number that this account confirmed is registered to the person whom the register has just
 * matched, and keeps a yes. Never an obstacle: a no, silence and too many questions leave what was proved as it was.
 */
export async function proveTie(
  deps: JourneyDeps,
  { app }: Situation,
  citizen: Citizen,
  cause: Cause,
): Promise<JourneyState['tie']> {
  const accountId = citizen.account.id;
  const [phone, person] = await Promise.all([
    confirmedPhone(deps, citizen),
    personOf(deps.db, deps.keyring, accountId),
  ]);
  const document = person?.documents.find(({ type }) => type === 'cn_resident_id');
  const open = (await deps.checks.list()).find(({ traits }) => traits.id === 'carrier');
  if (phone === null || person === null || document === undefined || open === undefined) return null;
  // Per account and per number: nobody asks a carrier through here about number after number.
  if (!(await mayAsk(deps, accountId, phone.value))) return 'unreachable';
  const { type: documentType, number } = document;
  const { name } = person;
  const result = await inTime(open, {
    ...{ name, number, documentType, purpose: app.id },
    ...{ phone: phone.value, phoneConfirmedAt: phone.confirmedAt },
  });
  if (result.outcome === 'unavailable') {
    deps.log.warn({ source: 'carrier' }, 'the carrier did not say whose a number is');
    return 'unreachable';
  }
  if (result.outcome !== 'verified') {
    const { kind, source } = proofs.carrier;
    await refuseEvidence(deps, { accountId, kind, source, reason: result.outcome, revokeKinds: [], cause });
    return 'no';
  }
  const { category = 'mainland', validUntil, recordRef } = result.facts;
  const facts = { ...provedBy(proofs.carrier), category, expiresAt: validUntil, reference: recordRef };
  const claims = { name, documentType, documentNumber: number, category };
  await recordEvidence(deps, { accountId, facts, claims, cause });
  return 'yes';
}

/** Whoever asks too often is not told so here: the ways that are left are the answer. */
async function mayAsk(deps: JourneyDeps, accountId: string, phone: string): Promise<boolean> {
  const [account, target] = [
    await tryOnce(deps, 'carrierAccount', accountId),
    await tryOnce(deps, 'carrierTarget', phone),
  ];
  return account.allowed && target.allowed;
}

/** Silence is no answer: whoever waits is told of the other ways. */
async function inTime(
  open: OpenCheck,
  applicant: Parameters<OpenCheck['method']['verify']>[0],
): Promise<ProofingResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<ProofingResult>((resolve) => {
    timer = setTimeout(() => resolve({ outcome: 'unavailable', retryAfter: 30 }), patienceMs);
  });
  try {
    return await Promise.race([open.method.verify(applicant), late]);
  } finally {
    clearTimeout(timer);
  }
}
