import type Router from '@koa/router';
import type { Context, Middleware } from 'koa';
import { z } from 'zod';
import { approvalMaxAgeMs } from '../assurance/cross-device.ts';
import { levelShown } from '../assurance/level-shown.ts';
import {
  answerComputer,
  type CrossDeviceRequest,
  type Decided,
  noteUnknownCode,
  questionOf,
  ticketOf,
} from '../commands/cross-device.ts';
import { count } from '../commands/throttles.ts';
import { foldTyped } from '../identity/typed.ts';
import { ShiminError } from '../lib/errors.ts';
import { findApp } from '../storage/apps.ts';
import { currentPolicy } from '../storage/policies.ts';
import { placeOf } from '../web/client-address.ts';
import { deviceName } from '../web/device-name.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { localeOf } from '../web/preferences.ts';
import { causeOf, type Handler, param, withCitizen } from './context.ts';
import type { AccountDeps } from './deps.ts';

const page = '/account/qr';

/**
 * Signed in with a passkey within five minutes; where the app wants a new sign-in, since the computer asked. The command
 * looks at the sign-in itself once more: an area session just says when it was made.
 */
function freshPasskey(deps: AccountDeps): Middleware {
  return async (ctx, next) => {
    const ticket = param(ctx, 'ticket');
    const question = ticket === '' ? null : await questionOf(deps, ticket);
    const sinceAsked = question?.anew ? Math.ceil((deps.clock().getTime() - question.at) / 1000) + 1 : Infinity;
    const maxAge = Math.min(approvalMaxAgeMs / 1000, sinceAsked);
    const returnTo = ticket === '' ? page : `${page}/${ticket}`;
    await deps.areaSession.requireAcr('phr', { maxAge, returnTo })(ctx, next);
  };
}

/** By hand, where there is no camera; and what became of an answer. */
const enter: Handler = async (deps, ctx) => {
  const { done } = ctx.query;
  if (done === 'approved' || done === 'refused') return deps.renderer.render(ctx, 'account/qr-done', { done });
  return deps.renderer.render(ctx, 'account/qr-code', { notice: null });
};

/** The same for a question that was not asked, one that was answered and one that is too old. */
const gone = (deps: AccountDeps, ctx: Context, notice: 'gone' | 'too_weak' = 'gone') =>
  deps.renderer.render(ctx, 'account/qr-code', { notice }, { status: notice === 'gone' ? 404 : 403 });

const code = z
  .string()
  .max(40)
  .transform((typed) => foldTyped(typed));

const typed: Handler = async (deps, ctx, { account }) => {
  await count(deps, 'qrAnswerAddress', deps.clientAddress(ctx));
  await count(deps, 'qrAccount', account.id);
  const form = parseForm(z.object({ code }), ctx.request.body);
  const number = form.ok ? form.value.code : '';
  const ticket = await ticketOf(deps, number);
  const question = ticket === null ? null : await questionOf(deps, ticket);
  if (ticket === null || question === null) {
    await noteUnknownCode(deps, { accountId: account.id, cause: causeOf(ctx) });
    return gone(deps, ctx);
  }
  return ask(deps, ctx, ticket, question, { typed: number });
};

const scanned: Handler = async (deps, ctx) => {
  const ticket = param(ctx, 'ticket');
  const question = await questionOf(deps, ticket);
  return question === null ? gone(deps, ctx) : ask(deps, ctx, ticket, question, {});
};

/** Who asks, for what, from where: everything that tells a stranger's question from one's own. */
async function ask(
  deps: AccountDeps,
  ctx: Context,
  ticket: string,
  question: CrossDeviceRequest,
  { typed, errors = {} }: { typed?: string; errors?: Record<string, string> },
): Promise<void> {
  const { i18n } = deps.renderer;
  const asking = await findApp(deps.db, question.clientId);
  const data = {
    ticket,
    asking: asking ? i18n.pick(asking.name, localeOf(ctx, i18n)) : question.clientId,
    level: question.level === null ? null : levelShown((await currentPolicy(deps.db)).document, question.level),
    browser: deviceName(question.userAgent),
    place: question.place,
    near: question.place === placeOf(deps.clientAddress(ctx)),
    at: new Date(question.at),
    typed: typed ?? null,
    errors,
  };
  deps.renderer.render(ctx, 'account/qr', data, { status: Object.keys(errors).length > 0 ? 422 : 200 });
}

const answerForm = z.object({ decision: z.enum(['approve', 'refuse']), code: code.default('') });

const answer: Handler = async (deps, ctx, { account, session }) => {
  const form = parseForm(answerForm, ctx.request.body);
  if (!form.ok) throw new ShiminError('form_invalid', { status: 422 });
  const approve = form.value.decision === 'approve';
  if (approve) {
    await count(deps, 'qrAnswerAddress', deps.clientAddress(ctx));
    await count(deps, 'qrAccount', account.id);
  }
  const ticket = param(ctx, 'ticket');
  const { id: accountId } = account;
  const sessionUid = session.sid === null ? null : await deps.sessionOfSid(accountId, session.sid);
  const number = form.value.code;
  const given = { ticket, approve, code: number, accountId, sessionUid, cause: causeOf(ctx) };
  return told(deps, ctx, ticket, await answerComputer(deps, given));
};

async function told(deps: AccountDeps, ctx: Context, ticket: string, decided: Decided): Promise<void> {
  switch (decided) {
    case 'approved':
    case 'refused':
      return seeOther(ctx, `${page}?done=${decided}`);
    case 'code_wrong': {
      const question = await questionOf(deps, ticket);
      const errors = { code: 'qr.ask.code_wrong' };
      return question === null ? gone(deps, ctx) : ask(deps, ctx, ticket, question, { errors });
    }
    case 'gone':
    case 'too_weak':
      return gone(deps, ctx, decided);
  }
}

/** The phone's side of signing in a computer. */
export function qrRoutes(router: Router, deps: AccountDeps): void {
  const guard = freshPasskey(deps);
  router.get(page, guard, withCitizen(deps, enter));
  router.post(page, guard, withCitizen(deps, typed));
  router.get(`${page}/:ticket`, guard, withCitizen(deps, scanned));
  router.post(`${page}/:ticket`, guard, withCitizen(deps, answer));
}
