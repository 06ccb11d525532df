import type Router from '@koa/router';
import type { Context } from 'koa';
import { provedBy } from '../assurance/worth.ts';
import { recordEvidence } from '../commands/record-evidence.ts';
import { count, uncount } from '../commands/throttles.ts';
import { holdsDocument } from '../commands/upstream-person.ts';
import { readName } from '../identity/names.ts';
import { categoryOfDocument } from '../identity/person.ts';
import { normalisePhone } from '../identity/phone.ts';
import { readCard, readNumber } from '../identity/read-number.ts';
import { ShiminError } from '../lib/errors.ts';
import type { OpenCheck } from '../proofing/check.ts';
import type { Applicant } from '../proofing/method.ts';
import { ownRefusal, recordRefusal } from '../proofing/refusals.ts';
import { personOf } from '../storage/accounts.ts';
import { seeOther } from '../web/forms.ts';
import { knownPaper } from './check-data.ts';
import { causeOf, type Handler, withSituation } from './context.ts';
import type { JourneyDeps } from './deps.ts';
import type { Citizen, Situation } from './gather.ts';
import { renderPage } from './pages.ts';
import { phoneInHand } from './phone-in-hand.ts';
import { authenticated, refused, today, unavailable } from './prove.ts';
import { saveState } from './state.ts';
import { proveTie, tieOf } from './tie.ts';

/** One form for every check: what the person states goes to its books, and an answer that agrees becomes evidence. */
const prove: Handler = async (deps, ctx, arrived) => {
  const citizen = authenticated(arrived);
  const open = await deps.checks.get(param(ctx, 'check'));
  const { id, yields } = open.traits;
  if (open.traits.ofAccount) return askedOfAccount(deps, ctx, arrived, citizen);
  const applicant = await applicantOf(deps, ctx, arrived, citizen, open);
  if (applicant === null) return;
  const situation = await withPhone(deps, ctx, arrived, { citizen, id, phone: applicant.phone });
  if (situation === null) return;
  // Guessing at books is limited per account, per person guessed at and per address (security.md E17).
  await count(deps, 'registerAccount', citizen.account.id);
  await count(deps, 'registerTarget', applicant.number);
  await count(deps, 'registerAddress', deps.clientAddress(ctx));
  const result = await open.method.verify(applicant);
  if (result.outcome === 'unavailable') return unavailable(deps, ctx, situation);
  const about = { kind: yields.kind, source: id };
  if (result.outcome !== 'verified') {
    const person = await personOf(deps.db, deps.keyring, citizen.account.id);
    const { documentType = 'cn_resident_id', number } = applicant;
    const own = person !== null && holdsDocument(person, documentType, number);
    return refused(deps, ctx, situation, citizen, recordRefusal(result.outcome, { ...about, own }));
  }
  await uncount(deps, 'registerAddress', deps.clientAddress(ctx));
  const { facts } = result;
  const category = facts.category ?? categoryOfDocument(facts.documentType, facts.documentNumber);
  try {
    await recordEvidence(deps, {
      accountId: citizen.account.id,
      facts: {
        ...provedBy(yields),
        category,
        expiresAt: facts.validUntil,
        reference: facts.recordRef,
      },
      claims: {
        name: facts.name,
        latinName: facts.latinName,
        documentType: facts.documentType,
        documentNumber: facts.documentNumber,
        birthDate: facts.birthDate ?? undefined,
        category,
        otherDocuments: facts.alsoKnown,
      },
      cause: causeOf(ctx, situation),
    });
  } catch (error) {
    // Said only to somebody who gave the right name and number.
    if (!(error instanceof ShiminError) || !error.code.startsWith('identity_')) throw error;
    return refused(deps, ctx, situation, citizen, ownRefusal(error.code, about));
  }
  await saveState(deps, situation.interaction, { ...situation.state, notice: null });
  return seeOther(ctx, situation.base);
};

/** The telephone that a check asks about, in the hands of who is here; null: the page was shown again, for the code. */
async function withPhone(
  deps: JourneyDeps,
  ctx: Context,
  situation: Situation,
  { citizen, id, phone }: { citizen: Citizen; id: string; phone: string | undefined },
): Promise<Situation | null> {
  if (phone === undefined) return situation;
  const held = await phoneInHand(deps, ctx, situation, { citizen, phone, code: textOf(ctx, 'code') });
  if (held.said === 'yes') return held.situation;
  ctx.state.check = id;
  const wrong = held.said === 'sent' ? null : `errors.${held.said}`;
  const errors: Record<string, string> = wrong === null ? {} : { code: wrong };
  await renderPage(deps, ctx, held.situation, 'prove-check', { errors, status: wrong === null ? 200 : 422 });
  return null;
}

/** A check of the account's own number and person: one press, and whatever is said, the ways that are left. */
async function askedOfAccount(deps: JourneyDeps, ctx: Context, situation: Situation, citizen: Citizen): Promise<void> {
  await count(deps, 'registerAddress', deps.clientAddress(ctx));
  const may = (await tieOf(deps, situation, citizen)) !== null;
  const asked = may ? await proveTie(deps, situation, citizen, causeOf(ctx, situation)) : null;
  if (asked === 'yes') await uncount(deps, 'registerAddress', deps.clientAddress(ctx));
  const tie = asked ?? situation.state.tie;
  // The way that was chosen has been gone: what is left is chosen anew.
  const way = asked === 'yes' ? situation.state.way : [];
  await saveState(deps, situation.interaction, { ...situation.state, notice: null, tie, way });
  seeOther(ctx, situation.base);
}

/** What was typed, checked for its form; null: the page was shown again with what to mend. */
async function applicantOf(
  deps: JourneyDeps,
  ctx: Context,
  situation: Situation,
  citizen: Citizen,
  { traits }: OpenCheck,
): Promise<Applicant | null> {
  const isAsked = textOf(ctx, 'name') !== '' || textOf(ctx, 'number') !== '';
  const known = isAsked ? null : await knownPaper(deps, citizen, traits);
  const text = (name: 'name' | 'documentType' | 'number' | 'phone' | 'region' | 'bankCard') =>
    known !== null && (name === 'name' || name === 'documentType' || name === 'number')
      ? known[name]
      : textOf(ctx, name);
  const errors: Record<string, string> = {};
  const name = readName(text('name'));
  if (!name.ok || name.script === 'mixed') errors.name = 'errors.name_invalid';
  const [first] = traits.documents;
  const documentType = traits.documents.find((type) => type === text('documentType')) ?? first;
  const document = readNumber(documentType, text('number'), today(deps), traits.documents);
  if (!document.ok) errors.number = 'errors.number_invalid';
  const phone = traits.asks.includes('phone') ? normalisePhone(text('phone'), text('region') || 'CN') : null;
  if (traits.asks.includes('phone') && phone === null) errors.phone = 'errors.phone_invalid';
  const bankCard = traits.asks.includes('bankCard') ? readCard(text('bankCard')) : null;
  if (traits.asks.includes('bankCard') && bankCard === null) errors.bankCard = 'errors.card_invalid';
  if (!name.ok || !document.ok || Object.keys(errors).length > 0) {
    ctx.state.check = traits.id;
    await renderPage(deps, ctx, situation, 'prove-check', { errors, status: 422 });
    return null;
  }
  return {
    name: name.name,
    number: document.number,
    documentType: document.type,
    purpose: situation.app.id,
    ...(document.issue === null ? {} : { issue: document.issue }),
    ...(phone === null ? {} : { phone }),
    ...(bankCard === null ? {} : { bankCard }),
  };
}

function textOf(ctx: Context, name: string): string {
  const body: unknown = ctx.request.body;
  const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
  return typeof value === 'string' ? value.slice(0, 200) : '';
}

function param(ctx: Context, name: string): string {
  const params: unknown = Reflect.get(ctx, 'params');
  const value: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, name) : undefined;
  return typeof value === 'string' ? value : '';
}

export function checkRoutes(router: Router, deps: JourneyDeps): void {
  router.post('/interaction/:uid/prove/check/:check', withSituation(deps, prove));
}
