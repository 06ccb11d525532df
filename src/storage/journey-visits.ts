import { z } from 'zod';
import type { Db } from './db.ts';
import { row, timeOrNull, toMs } from './rows.ts';

/** Notes which page of a journey was shown last; a journey that has ended stays as it ended. */
export async function noteVisit(
  db: Db,
  visit: { cid: string; clientId: string; page: string; at: Date },
): Promise<void> {
  await db('journey_visits')
    .insert({
      cid: visit.cid,
      client_id: visit.clientId,
      started_at: toMs(visit.at),
      last_page: visit.page,
      last_at: toMs(visit.at),
    })
    .onConflict('cid')
    .merge(['last_page', 'last_at'])
    .whereNull('journey_visits.finished_at');
}

export async function finishVisit(db: Db, cid: string, at: Date): Promise<void> {
  await db('journey_visits')
    .where({ cid })
    .whereNull('finished_at')
    .update({ finished_at: toMs(at), last_at: toMs(at) });
}

const visitRow = row({ cid: z.string(), clientId: z.string(), lastPage: z.string(), finishedAt: timeOrNull });
export type Visit = z.infer<typeof visitRow>;

/** Takes journeys that nobody has gone on with since `before` out of the table; in a transaction, one caller gets each. */
export async function takeVisits(tx: Db, before: Date, limit: number): Promise<Visit[]> {
  const old = tx('journey_visits').where('last_at', '<', toMs(before)).orderBy('last_at').limit(limit);
  const visits = (await old.select('cid', 'client_id', 'last_page', 'finished_at')).map((raw) => visitRow.parse(raw));
  const taken: Visit[] = [];
  for (const visit of visits)
    if ((await tx('journey_visits').where({ cid: visit.cid }).delete()) === 1) taken.push(visit);
  return taken;
}
