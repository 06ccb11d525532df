import { isUntied } from '../assurance/untied.ts';
import type { UpstreamClaims } from '../assurance/upstream-facts.ts';
import { proofs, provedBy } from '../assurance/worth.ts';
import type { Cause } from '../commands/command.ts';
import { type EvidenceFacts, recordEvidence, refuseEvidence } from '../commands/record-evidence.ts';
import { tryOnce } from '../commands/throttles.ts';
import { type Tie, tieFor } from '../commands/tie-offer.ts';
import { isBare, takeFromBare } from '../commands/win-back.ts';
import { maskPhone } from '../identity/phone.ts';
import type { OpenCheck } from '../proofing/check.ts';
import type { ProofingResult, ProvedFacts } from '../proofing/method.ts';
import { type Contact, contactsOf, personOf } from '../storage/accounts.ts';
import { type Db, transaction } from '../storage/db.ts';
import { findDocumentHolder } from '../storage/persons.ts';
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

interface Asked {
  readonly name: string;
  readonly number: string;
}

/** Null: there is nothing to ask, or nobody. */
async function askCarrier(
  deps: JourneyDeps,
  { app }: Situation,
  citizen: Citizen,
  { name, number }: Asked,
): Promise<ProofingResult | null> {
  const phone = await confirmedPhone(deps, citizen);
  const open = (await deps.checks.list()).find(({ traits }) => traits.id === 'carrier');
  if (phone === null || open === undefined) return null;
  // Per account and per number: nobody asks a carrier through here about number after number.
  if (!(await mayAsk(deps, citizen.account.id, phone.value))) return { outcome: 'unavailable', retryAfter: 30 };
  const documentType = 'cn_resident_id';
  return inTime(open, {
    ...{ name, number, documentType, purpose: app.id },
    ...{ phone: phone.value, phoneConfirmedAt: phone.confirmedAt },
  });
}

/** What a carrier's yes is written down as. */
function carriersWord(facts: ProvedFacts, { name, number }: Asked) {
  const { category = 'mainland', validUntil, recordRef } = facts;
  return {
    facts: { ...provedBy(proofs.carrier), category, expiresAt: validUntil, reference: recordRef },
    claims: { name, documentType: 'cn_resident_id', documentNumber: number, category },
  };
}

/**
 * Asks the carrier whether the number that this account confirmed is registered to the person whom the register has just
 * matched, and keeps a yes. Never an obstacle: a no, silence and too many questions leave what was proved as it was.
 */
export async function proveTie(
  deps: JourneyDeps,
  situation: Situation,
  citizen: Citizen,
  cause: Cause,
): Promise<JourneyState['tie']> {
  const accountId = citizen.account.id;
  const person = await personOf(deps.db, deps.keyring, accountId);
  const number = person?.documents.find(({ type }) => type === 'cn_resident_id')?.number;
  if (person === null || number === undefined) return null;
  const asked = { name: person.name, number };
  const result = await askCarrier(deps, situation, citizen, asked);
  if (result === null) return null;
  if (result.outcome === 'unavailable') {
    deps.log.warn({ source: 'carrier' }, 'the carrier did not say whose a number is');
    return 'unreachable';
  }
  if (result.outcome !== 'verified') {
    const { kind, source } = proofs.carrier;
    await refuseEvidence(deps, { accountId, kind, source, reason: result.outcome, revokeKinds: [], cause });
    return 'no';
  }
  await recordEvidence(deps, { accountId, ...carriersWord(result.facts, asked), cause });
  return 'yes';
}

/**
 * The document that the register has just matched is another account's, which never showed more than name and number. Where
 * the carrier says that the number confirmed here is that person's own, it becomes this account's, with both proofs, in one
 * transaction. False: it stays where it is.
 */
export async function takeFromSquatter(
  deps: JourneyDeps,
  situation: Situation,
  citizen: Citizen,
  register: {
    readonly facts: EvidenceFacts;
    readonly claims: UpstreamClaims & { name: string; documentNumber: string };
  },
  cause: Cause,
): Promise<boolean> {
  const accountId = citizen.account.id;
  const { name, documentNumber: number } = register.claims;
  const bareClaim = async (db: Db) => {
    const claim = await findDocumentHolder(db, deps.keyring, 'cn_resident_id', number);
    return claim !== null && claim.accountId !== accountId && (await isBare(db, claim)) ? claim : null;
  };
  if ((await bareClaim(deps.db)) === null) return false;
  const result = await askCarrier(deps, situation, citizen, { name, number });
  if (result?.outcome !== 'verified') return false;
  const word = carriersWord(result.facts, { name, number });
  return transaction(deps.db, async (tx) => {
    const claim = await bareClaim(tx);
    if (claim === null) return false;
    const inside = { ...deps, db: tx };
    await takeFromBare(tx, inside, { claim, holderId: accountId, cause, at: deps.clock() });
    for (const proof of [register, word]) await recordEvidence(inside, { accountId, ...proof, cause });
    return true;
  });
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
