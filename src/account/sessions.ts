import type Router from '@koa/router';
import { endOwnSessions } from '../commands/end-sessions.ts';
import { ShiminError } from '../lib/errors.ts';
import { sessionRecordsOf } from '../storage/sessions.ts';
import { deviceName } from '../web/device-name.ts';
import { seeOther } from '../web/forms.ts';
import { causeOf, doneKey, freshly, type Handler, param, type SignedIn, withCitizen } from './context.ts';
import type { AccountDeps } from './deps.ts';

const page = '/account/sessions';

const sessions: Handler = async (deps, ctx, citizen) => {
  const records = await sessionRecordsOf(deps.db, citizen.account.id);
  const current = await currentUid(deps, citizen);
  deps.renderer.render(ctx, 'account/sessions', {
    sessions: records.map(({ uid, userAgent, ip, createdAt, lastSeenAt }) => ({
      uid,
      device: deviceName(userAgent),
      place: ip,
      createdAt,
      lastSeenAt,
      current: uid === current,
    })),
    done: doneKey(ctx, ['account.sessions.done_ended']),
  });
};

const endOne: Handler = async (deps, ctx, { account }) => {
  const uid = param(ctx, 'uid');
  const own = (await sessionRecordsOf(deps.db, account.id)).some((record) => record.uid === uid);
  if (!own) throw new ShiminError('not_found', { status: 404 });
  await endAndTell(deps, ctx, account.id, [uid], { uid });
};

/** Sign out everywhere, this browser included: whoever doubts a device should not trust this one either. */
const endAll: Handler = async (deps, ctx, { account }) => {
  const uids = (await sessionRecordsOf(deps.db, account.id)).map((record) => record.uid);
  await endAndTell(deps, ctx, account.id, uids, {});
};

async function endAndTell(
  deps: AccountDeps,
  ctx: Parameters<Handler>[1],
  accountId: string,
  uids: readonly string[],
  which: { uid?: string },
): Promise<void> {
  // Apps first: what they are told is read from the session that is about to go.
  await Promise.all(uids.map((uid) => deps.endSession(uid)));
  await endOwnSessions(deps, { accountId, which, cause: causeOf(ctx) });
  seeOther(ctx, `${page}?done=sessions.done_ended`);
}

async function currentUid(deps: AccountDeps, { account, session }: SignedIn): Promise<string | null> {
  return session.sid === null ? null : deps.sessionOfSid(account.id, session.sid);
}

export function sessionRoutes(router: Router, deps: AccountDeps): void {
  const guard = freshly(deps, page);
  router.get(page, withCitizen(deps, sessions));
  router.post(`${page}/end-all`, guard, withCitizen(deps, endAll));
  router.post(`${page}/:uid/end`, guard, withCitizen(deps, endOne));
}
