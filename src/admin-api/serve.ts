import type { Context, Middleware } from 'koa';
import { may } from '../commands/permissions.ts';
import { refuseStaff } from '../commands/refuse-staff.ts';
import { readBody } from './body.ts';
import { callerOf } from './caller.ts';
import type { ApiDeps } from './deps.ts';
import { type Fault, fault } from './faults.ts';
import { type Done, hashOf, once } from './once.ts';
import type { ApiOperation, Reply } from './operation.ts';
import { type Answer, asShiminError, problem, problemOf } from './problem.ts';
import { RequestFaults } from './request-faults.ts';

/** One request, in order: who asks, may they, is it well formed, was it asked before, do it. */
export function serve(deps: ApiDeps, operation: ApiOperation): Middleware {
  return answering(deps, async (ctx, requestId) => {
    const caller = await callerOf(deps, ctx, requestId);
    if ('refused' in caller) return caller.refused;
    const { by, roles } = caller;
    if (!may(roles, operation.permission)) {
      const { accountId, cause } = by;
      const refused = { accountId, operation: operation.permission, roles, method: ctx.method, cause };
      await refuseStaff(deps, refused);
      return problem(403, 'forbidden', { requestId });
    }
    const sent = await readBody(ctx, requestId);
    if ('refused' in sent) return sent.refused;
    const prepared = operation.prepare({ params: paramsOf(ctx), query: { ...ctx.query }, body: sent.value });
    const headers = conditionsOf(operation, ctx);
    if (!prepared.ok || headers.faults.length > 0)
      return refusalOf([...(prepared.ok ? [] : inWords(deps, prepared.faults)), ...headers.faults], requestId);
    const work = async (within: ApiDeps): Promise<Done> => {
      const reply = await prepared.run(within, caller, headers.revision);
      return { answer: answerOf(deps, operation, ctx, reply), after: reply.after };
    };
    const asked = [operation.id, ctx.url, headers.revision, sent.text];
    const request = { clientId: caller.clientId, key: headers.key, requestHash: hashOf(asked) };
    const done = operation.changes ? await once(deps, request, work, requestId) : await work(deps);
    await done.after?.();
    return done.answer;
  });
}

/** Writes an answer; whatever goes wrong becomes a problem, and its cause a line in the log. */
export function answering(
  deps: Pick<ApiDeps, 'log'>,
  handler: (ctx: Context, requestId: string) => Promise<Answer>,
): Middleware {
  return async (ctx) => {
    const requestId = String(ctx.state.requestId ?? '');
    const { status, headers, body } = await handler(ctx, requestId).catch((thrown: unknown) => {
      if (thrown instanceof RequestFaults) return problem(422, thrown.code, { errors: thrown.faults, requestId });
      const error = asShiminError(thrown);
      const level = error.status >= 500 ? 'error' : 'warn';
      deps.log[level]({ err: error, requestId }, 'api request failed');
      return problemOf(error, { requestId });
    });
    ctx.status = status;
    ctx.body = JSON.stringify(body);
    ctx.set({ 'Content-Type': 'application/json', ...headers, 'Cache-Control': 'no-store' });
  };
}

/** Rules of ours have only a code for a message; their texts are those of the console. */
function inWords({ i18n }: ApiDeps, faults: readonly Fault[]): Fault[] {
  return faults.map((each) => {
    const key = `apps.fault.${each.code}`;
    return each.detail === each.code && i18n.has('en', key) ? { ...each, detail: i18n.t('en', key) } : each;
  });
}

const keyFormat = /^[\x21-\x7e]{1,64}$/;

/** Idempotency-Key and If-Match, where the operation asks for them. */
function conditionsOf(operation: ApiOperation, ctx: Context): { key: string; revision: string; faults: Fault[] } {
  const faults: Fault[] = [];
  const key = ctx.get('Idempotency-Key');
  if (operation.changes && !keyFormat.test(key)) {
    const code = key === '' ? 'required' : 'wrong_format';
    faults.push(fault('header', ['Idempotency-Key'], code, '1 to 64 visible ASCII characters'));
  }
  if (!operation.onRevision) return { key, revision: '', faults };
  const given = ctx.get('If-Match');
  const revision = /^"([\x21\x23-\x7e]{1,64})"$/.exec(given)?.[1] ?? '';
  if (revision === '') {
    const code = given === '' ? 'required' : 'wrong_format';
    faults.push(fault('header', ['If-Match'], code, 'one entity tag, as ETag said it'));
  }
  return { key, revision, faults };
}

function refusalOf(faults: readonly Fault[], requestId: string): Answer {
  const only = (name: string) => faults.every(({ pointer, code }) => pointer === `/${name}` && code === 'required');
  const [status, code] = only('If-Match')
    ? ([428, 'precondition_required'] as const)
    : faults.every((each) => each.in === 'header')
      ? ([400, 'request_invalid'] as const)
      : ([422, 'request_invalid'] as const);
  return problem(status, code, { errors: faults, requestId });
}

function answerOf(deps: ApiDeps, operation: ApiOperation, ctx: Context, reply: Reply<unknown>): Answer {
  const headers: Record<string, string> = {};
  if (reply.revision !== undefined) headers.ETag = `"${reply.revision}"`;
  let { body } = reply;
  if (reply.next !== undefined) {
    const next = reply.next === null ? null : nextLink(ctx, reply.next);
    if (next !== null) headers.Link = `<${next}>; rel="next"`;
    body = { ...Object(body), next };
  }
  const { status, schema } = operation.answer;
  // An answer that is not as described is a defect; in production it still goes out, and the log says so.
  const checked = schema.safeParse(body);
  if (!checked.success) deps.log.error({ err: checked.error, operation: operation.id }, 'answer is not as described');
  return { status, headers, body };
}

/** The same list from the last item on (RFC 8288 `next`). */
function nextLink(ctx: Context, after: string | number): string {
  const query = new URLSearchParams(ctx.querystring);
  query.set('after', String(after));
  return `${ctx.path}?${query}`;
}

function paramsOf(ctx: Context): unknown {
  const params: unknown = Reflect.get(ctx, 'params');
  return { ...Object(params) };
}
