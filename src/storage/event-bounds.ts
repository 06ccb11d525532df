import type { Db } from './db.ts';
import { eventRow, type StoredEvent } from './standing-rows.ts';

/** Living sign-ins of one session, or of one interaction that no session has taken up. */
export const MOST_EVENTS = 64;

/**
 * Keeps what a session rests on bounded, in the write that adds to it: whoever signs in over and over pays for it with their
 * oldest sign-ins. The newest of each class (how, by which credential, how strongly) stays before any other, since no level
 * is met by an older one that it would not meet; then the newest. Far more than a day at many counters; below it nothing is
 * taken, so that past decisions can be explained from the ledger.
 */
export async function boundEvents(
  tx: Db,
  where: { session_uid: string } | { interaction_uid: string; session_uid: null },
): Promise<void> {
  const rows = await tx('authentication_events').where(where).whereNull('ended_at');
  if (rows.length <= MOST_EVENTS) return;
  const events = rows
    .map((raw) => eventRow.parse(raw))
    .toSorted((a, b) => b.at.getTime() - a.at.getTime() || (a.id < b.id ? 1 : -1));
  const seen = new Set<string>();
  const isFirst = (event: StoredEvent) => seen.size < seen.add(classOf(event)).size;
  const firsts = new Set(events.filter(isFirst));
  const kept = [...firsts, ...events.filter((event) => !firsts.has(event))].slice(0, MOST_EVENTS);
  const gone = events.filter((event) => !kept.includes(event)).map(({ id }) => id);
  await tx('authentication_events').whereIn('id', gone).delete();
}

const classOf = ({ accountId, method, credentialId, factors, ...event }: StoredEvent): string =>
  JSON.stringify([
    ...[accountId, method, credentialId, [...factors].sort()],
    ...[event.userVerified, event.phishingResistant, event.deviceBound, event.stale ?? false],
  ]);
