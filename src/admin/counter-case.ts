import type { Context } from 'koa';
import type { By } from '../commands/change-rules.ts';
import { confirmCounterCase } from '../commands/counter-confirm.ts';
import { refuseCounterCase } from '../commands/counter-refuse.ts';
import { noteRegisterDenial } from '../commands/counter-register.ts';
import {
  type CounterDenial,
  caseNumber,
  claimedElsewhere,
  counterTimes,
  refusalReasons,
} from '../commands/counter-rules.ts';
import { hearRegister } from '../commands/hear-register.ts';
import { noteLook } from '../commands/note-look.ts';
import { count } from '../commands/throttles.ts';
import { checkListFor, counterCategories, type DocumentRead, documentsFor, readDocument } from '../identity/counter.ts';
import { maskDocument } from '../identity/person.ts';
import { ShiminError } from '../lib/errors.ts';
import type { ProofingResult } from '../proofing/method.ts';
import { personOf } from '../storage/accounts.ts';
import { type CounterCase, caseById } from '../storage/counter-cases.ts';
import { findCounter } from '../storage/counters.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { type AdminHandler, type AdminRoute, byOf, page, param, query, type Staff } from './context.ts';
import {
  type DocumentChoice,
  dayOf,
  entryForm,
  faultKeys,
  parseChoice,
  refuseForm,
  tickedIn,
  typedIn,
} from './counter-form.ts';
import type { AdminDeps } from './deps.ts';

const path = '/admin/counter/cases/:id';
const pathOf = (id: string) => `/admin/counter/cases/${id}`;

/** What is shown again with what to mend. */
interface Again {
  readonly errors?: Readonly<Record<string, string>>;
  /** Text of what stands against it, in place of a field's. */
  readonly stop?: string;
  readonly values?: Readonly<Record<string, string>>;
  readonly ticked?: readonly string[];
}

/** The official who holds it works on it; whoever had a part in it sees what came of it. Nobody else finds it. */
async function ownCase(deps: AdminDeps, ctx: Context, staff: Staff): Promise<CounterCase> {
  const found = await caseById(deps.db, param(ctx, 'id'));
  const parts = [found?.holder, found?.firstBy, found?.secondBy];
  if (found === null || !parts.includes(staff.accountId)) throw new ShiminError('not_found', { status: 404 });
  return found;
}

const show: AdminHandler = async (deps, ctx, staff) => {
  const found = await ownCase(deps, ctx, staff);
  const works = (found.status === 'open' || found.status === 'half') && found.holder === staff.accountId;
  if (works) return render(deps, ctx, staff, found, parseChoice(query(ctx, 'as')), {}, 200);
  await looked(deps, ctx, staff, found);
  return page(deps, ctx, staff, 'counter-done', {
    number: caseNumber(found.id),
    result: found.status,
    reason: found.status === 'refused' ? found.reason : null,
    until: found.status === 'half' ? found.expiresAt : null,
  });
};

const looked = (deps: AdminDeps, ctx: Context, staff: Staff, { id, accountId }: CounterCase) =>
  noteLook(deps, { by: byOf(ctx, staff), accountId, what: 'counter_case', ref: id });

async function render(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  found: CounterCase,
  chosen: DocumentChoice | null,
  again: Again,
  status: number,
): Promise<void> {
  await looked(deps, ctx, staff, found);
  const person = await personOf(deps.db, deps.keyring, found.accountId);
  const seat = found.heldCounter === null ? null : await findCounter(deps.db, found.heldCounter);
  const choice = chosen ?? knownChoice(found);
  const data = {
    item: {
      id: found.id,
      number: caseNumber(found.id),
      officials: found.officials,
      official: found.status === 'half' ? 2 : 1,
      openedAt: found.openedAt,
      heldUntil: found.heldAt === null ? null : new Date(found.heldAt.getTime() + counterTimes.hold),
      until: found.status === 'half' ? found.expiresAt : null,
      counter: seat?.names ?? '',
      contested: found.status === 'half' && found.reason === claimedElsewhere,
    },
    person: person && {
      name: person.name,
      category: person.category,
      documents: person.documents.map(({ type, number }) => ({ type, masked: maskDocument(number) })),
    },
    choices: counterCategories.map((category) => ({ category, documents: documentsFor[category] })),
    choice,
    checks: choice === null ? [] : (checkListFor(choice.category, choice.document) ?? []),
    ticked: [],
    stop: null,
    refusals: refusalReasons,
    ...again,
  };
  page(deps, ctx, staff, 'counter-case', data, { status });
}

/** The second official is shown the list of the document that the first one saw; what stood on it they read themselves. */
function knownChoice({ category, documentType }: CounterCase): DocumentChoice | null {
  return category === null || documentType === null ? null : parseChoice(`${category}.${documentType}`);
}

const confirm: AdminHandler = async (deps, ctx, staff) => {
  const found = await ownCase(deps, ctx, staff);
  const form = parseForm(entryForm, ctx.request.body);
  const [values, ticked] = [typedIn(ctx.request.body), tickedIn(ctx.request.body)];
  const choice = parseChoice(values.as);
  if (choice === null) throw new ShiminError('form_invalid', { status: 422 });
  const again = (more: Again, status: number) =>
    render(deps, ctx, staff, found, choice, { values, ticked, ...more }, status);
  if (!form.ok) return again({ errors: form.errors }, 422);
  const { number, name, birthDate, validUntil, noEnd } = form.value;
  if (validUntil === '' && noEnd !== 'on') return again({ errors: { validUntil: 'errors.field_required' } }, 422);
  const entry = { ...choice, number, name, birthDate, validUntil: noEnd === 'on' ? null : validUntil };
  const result = readDocument(entry, dayOf(deps.clock()));
  if (!result.ok) return again({ errors: faultKeys(result.faults) }, 422);
  const { read } = result;
  const missing = (checkListFor(read.category, read.document) ?? []).filter((check) => !ticked.includes(check));
  if (missing.length > 0)
    return again(
      { errors: Object.fromEntries(missing.map((check) => [`check_${check}`, 'counter.fault.unticked'])) },
      422,
    );

  const by = byOf(ctx, staff);
  const answer = read.category === 'mainland' ? await askRegister(deps, staff, by, found, read) : null;
  if (answer !== null && answer.outcome !== 'verified') {
    return again({ stop: `counter.register.${answer.outcome}` }, answer.outcome === 'unavailable' ? 503 : 409);
  }
  const registered = answer === null ? null : { name: answer.facts.name };
  const confirmed = await confirmCounterCase(deps, { by, caseId: found.id, read, checks: ticked, registered });
  if ('denied' in confirmed) return denied(deps, ctx, staff, confirmed.denied, again);
  return seeOther(ctx, pathOf(found.id));
};

/** The register has the last word on its own: a good card of a record that is gone confirms nobody, here or elsewhere. */
async function askRegister(
  deps: AdminDeps,
  staff: Staff,
  by: By,
  found: CounterCase,
  { name, number, document }: DocumentRead,
): Promise<ProofingResult> {
  await count(deps, 'counterRegister', staff.accountId);
  const answer = await deps.population.verify({ name, number, purpose: 'counter' });
  const { outcome } = answer;
  if (outcome === 'verified') return answer;
  await noteRegisterDenial(deps, { by, caseId: found.id, outcome });
  if (outcome === 'deceased' || outcome === 'cancelled') {
    const { requestId } = by.cause;
    await hearRegister(deps, { documentType: document, documentNumber: number, status: outcome, requestId });
  }
  return answer;
}

/** Something that can be mended is shown on the page; what ended meanwhile leads to how it ended. */
async function denied(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  denial: CounterDenial,
  again: (more: Again, status: number) => Promise<void>,
): Promise<void> {
  if (denial !== 'closed' && denial !== 'not_held') return again({ stop: `counter.denied.${denial}` }, 409);
  page(
    deps,
    ctx,
    staff,
    'counter-done',
    { number: caseNumber(param(ctx, 'id')), result: denial, reason: null, until: null },
    { status: 409 },
  );
}

const refuse: AdminHandler = async (deps, ctx, staff) => {
  const found = await ownCase(deps, ctx, staff);
  const form = parseForm(refuseForm, ctx.request.body);
  const again = (more: Again, status: number) => render(deps, ctx, staff, found, null, more, status);
  if (!form.ok) return again({ errors: { refusal: 'errors.field_required' } }, 422);
  const result = await refuseCounterCase(deps, { by: byOf(ctx, staff), caseId: found.id, reason: form.value.reason });
  if ('denied' in result) return denied(deps, ctx, staff, result.denied, again);
  return seeOther(ctx, pathOf(found.id));
};

export const counterCaseRoutes: readonly AdminRoute[] = [
  { method: 'get', path, operation: 'counter.verify', fresh: true, handler: show },
  { method: 'post', path: `${path}/confirm`, operation: 'counter.confirm', handler: confirm },
  { method: 'post', path: `${path}/refuse`, operation: 'counter.confirm', handler: refuse },
];
