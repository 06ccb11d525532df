import { z } from 'zod';
import { type Passkey, passkeyRow } from './authenticators.ts';
import type { Db } from './db.ts';
import { firstIdOf } from './decisions.ts';
import { flag, json, row, time, timeOrNull, toMs } from './rows.ts';

/** What somebody could sign in with at a moment that is over. */
export interface HeldThen {
  readonly passkeys: readonly Passkey[];
  readonly hasPassword: boolean;
  readonly hasTotp: boolean;
}

export async function heldThen(db: Db, accountId: string, at: Date): Promise<HeldThen> {
  const ms = toMs(at);
  const passkeys = await db('passkeys')
    .where({ account_id: accountId })
    .where('created_at', '<=', ms)
    .where((still) => still.whereNull('revoked_at').orWhere('revoked_at', '>', ms))
    .orderBy('id');
  const totp = await db('totps')
    .where({ account_id: accountId })
    .where('confirmed_at', '<=', ms)
    .where((still) => still.whereNull('revoked_at').orWhere('revoked_at', '>', ms))
    .first('id');
  const password = await db('passwords')
    .where({ account_id: accountId })
    .where('created_at', '<=', ms)
    .first('account_id');
  return {
    passkeys: passkeys.map((raw) => passkeyRow.parse(raw)),
    hasPassword: password !== undefined,
    hasTotp: totp !== undefined,
  };
}

const switchRow = row({ id: z.string(), enabled: flag, changedAt: time }).transform(
  ({ id, enabled, changedAt }): Move => ({ source: id, enabled, at: changedAt }),
);
const changeRow = row({
  payload: json(z.object({ source: z.string(), enabled: z.boolean(), killed: z.boolean() })),
  status: z.string(),
  createdAt: time,
  decidedAt: timeOrNull,
  publishedAt: timeOrNull,
});

/**
 * Which sources were switched off at any moment. A switch that was not used since says so itself; before that, the
 * changes that moved it do: a kill is off from its proposal on, and on again when the second person turned it down.
 */
export async function sourceHistory(db: Db): Promise<(at: Date) => ReadonlySet<string>> {
  const switches = (await db('sources').select('id', 'enabled', 'changed_at')).map((raw) => switchRow.parse(raw));
  if (switches.length === 0) return () => new Set();
  const moves = (await db('changes').where({ kind: 'source' }).orderBy('id'))
    .map((raw) => changeRow.parse(raw))
    .flatMap(movesOf)
    .toSorted((a, b) => a.at.getTime() - b.at.getTime());
  return (at) => {
    const off = new Set<string>();
    const past = [...moves.filter((move) => move.at <= at), ...switches.filter((last) => last.at <= at)];
    for (const { source, enabled } of past) {
      if (enabled) off.delete(source);
      else off.add(source);
    }
    return off;
  };
}

interface Move {
  readonly source: string;
  readonly enabled: boolean;
  readonly at: Date;
}

function movesOf({ payload, status, createdAt, decidedAt, publishedAt }: z.infer<typeof changeRow>): Move[] {
  const { source, enabled, killed } = payload;
  if (!killed) return publishedAt === null ? [] : [{ source, enabled, at: publishedAt }];
  const back = status === 'rejected' && decidedAt !== null ? [{ source, enabled: true, at: decidedAt }] : [];
  return [{ source, enabled: false, at: createdAt }, ...back];
}

const begunRow = row({ accountId: z.string(), sessionUid: z.string() });

/**
 * Sessions in which somebody authenticated in this second: where a token's `auth_time` leads. Event ids are UUIDv7, so the
 * primary key bounds the walk; an event is written moments after it happened.
 */
export async function sessionsOfSecond(
  db: Db,
  second: Date,
): Promise<{ readonly accountId: string; readonly sessionUid: string }[]> {
  const from = second.getTime();
  const rows = await db('authentication_events')
    .where('id', '>=', firstIdOf(new Date(from - 5_000)))
    .where('id', '<', firstIdOf(new Date(from + 61_000)))
    .where('at', '>=', from)
    .where('at', '<', from + 1_000)
    .whereNotNull('session_uid')
    .distinct('account_id', 'session_uid');
  return rows.map((raw) => begunRow.parse(raw));
}
