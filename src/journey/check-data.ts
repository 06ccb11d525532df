import type { Context } from 'koa';
import type { Offer } from '../assurance/plan.ts';
import { outsideOffers } from '../commands/outside-offers.ts';
import { maskDocument } from '../identity/person.ts';
import { maskPhone } from '../identity/phone.ts';
import type { OpenCheck } from '../proofing/check.ts';
import { personOf } from '../storage/persons.ts';
import type { JourneyDeps } from './deps.ts';
import type { Citizen, Situation } from './gather.ts';

/** What services of others could prove for somebody who is signed in. */
export async function outsideWays(deps: JourneyDeps, situation: Situation, citizen: Citizen): Promise<Offer[]> {
  const [checks, bridges] = await Promise.all([deps.checks.list(), deps.bridges.list()]);
  const outside = { checks, bridges, faceHealthy: deps.health().face };
  return outsideOffers(outside, citizen.evidence, situation.requirement.categories, deps.clock());
}

/** What the form of one check asks; what is known of the person already is not asked again. */
export async function checkData(
  deps: JourneyDeps,
  ctx: Context,
  { citizen, state }: Situation,
  step: string | undefined,
): Promise<object> {
  const id = typeof ctx.state.check === 'string' ? ctx.state.check : step;
  const open = (await deps.checks.list()).find(({ traits }) => traits.id === id);
  const documents = open?.traits.documents ?? [];
  const known = citizen && open ? await knownPaper(deps, citizen, open.traits) : null;
  return {
    check: id ?? '',
    documents,
    asks: open?.traits.asks ?? [],
    codeTo: state.checkPhone?.codeHash == null ? null : maskPhone(state.checkPhone.phone),
    known: known && { type: known.documentType, masked: maskDocument(known.number) },
  };
}

/**
 * The person of this account, by the first of their papers that a check of elements knows; a check of papers is for new
 * ones, too.
 */
export async function knownPaper(
  deps: JourneyDeps,
  { account }: Citizen,
  { documents, yields }: OpenCheck['traits'],
): Promise<{ name: string; documentType: string; number: string } | null> {
  if (yields.kind !== 'elements') return null;
  const person = await personOf(deps.db, deps.keyring, account.id);
  const paper = documents.flatMap((type) => person?.documents.filter((own) => own.type === type) ?? [])[0];
  return person === null || paper === undefined
    ? null
    : { name: person.name, documentType: paper.type, number: paper.number };
}
