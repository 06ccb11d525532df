import type Router from '@koa/router';
import { isEnoughToMerge } from '../assurance/binding.ts';
import { confirmMerge, declineMerge, shownFor } from '../commands/answer-merge.ts';
import type { Ceremony } from '../commands/bind.ts';
import { waysInOf } from '../commands/ways-in.ts';
import { maskPhone } from '../identity/phone.ts';
import { contactsOf, findAccount } from '../storage/accounts.ts';
import { type MergeQuestion, openQuestions } from '../storage/merge-answers.ts';
import { personOf } from '../storage/persons.ts';
import { seeOther } from '../web/forms.ts';
import { causeOf, ceremonyOf, doneKey, freshlySince, type Handler, param, withCitizen } from './context.ts';
import type { AccountDeps } from './deps.ts';

const page = '/account/merges';
const notices = ['account.merge.done_yes', 'account.merge.done_no'];

const show: Handler = async (deps, ctx, { account, session }) => {
  const ceremony = await ceremonyOf(deps, session);
  const open = await openQuestions(deps.db, account.id, deps.clock());
  deps.renderer.render(ctx, 'account/merges', {
    questions: await Promise.all(open.map((question) => shownAs(deps, question, ceremony))),
    done: doneKey(ctx, notices),
  });
};

/** The other side as far as its holder knows it again and nobody else learns it: no name, no whole number. */
async function shownAs(deps: AccountDeps, question: MergeQuestion, ceremony: Ceremony) {
  const { db, keyring } = deps;
  const { accountId, otherId } = question;
  const [other, contacts, person, ways, events] = await Promise.all([
    findAccount(db, otherId),
    contactsOf(db, keyring, otherId),
    personOf(db, keyring, otherId),
    waysInOf(db, accountId),
    shownFor(db, question, ceremony, deps.clock()),
  ]);
  const phone = contacts.find(({ kind }) => kind === 'phone');
  return {
    id: question.changeId,
    phone: phone ? maskPhone(phone.value) : null,
    category: person?.category ?? null,
    since: other?.createdAt ?? null,
    stays: question.stays,
    until: question.expiresAt,
    confirmed: question.answer === 'yes',
    shown: isEnoughToMerge(ways, events),
  };
}

const confirm: Handler = async (deps, ctx, { account, session }) => {
  const ceremony = await ceremonyOf(deps, session);
  await confirmMerge(deps, { accountId: account.id, changeId: param(ctx, 'id'), ceremony, cause: causeOf(ctx) });
  seeOther(ctx, `${page}?done=merge.done_yes`);
};

const refuse: Handler = async (deps, ctx, { account }) => {
  await declineMerge(deps, { accountId: account.id, changeId: param(ctx, 'id'), cause: causeOf(ctx) });
  seeOther(ctx, `${page}?done=merge.done_no`);
};

export function mergeRoutes(router: Router, deps: AccountDeps): void {
  const newest = async (accountId: string) =>
    (await openQuestions(deps.db, accountId, deps.clock()))[0]?.askedAt ?? null;
  const guard = freshlySince(deps, page, newest);
  router.get(page, guard, withCitizen(deps, show));
  router.post(`${page}/:id/confirm`, guard, withCitizen(deps, confirm));
  // Saying no takes nothing from anybody: it needs no more than being signed in.
  router.post(`${page}/:id/refuse`, withCitizen(deps, refuse));
}
