import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { call, type OutboundRequest } from '../../lib/http.ts';
import { type RevocationList, readList } from './crl.ts';

/** Whether it was revoked can't be said now, so nobody is let in by it. */
export class RevocationUnknown extends Error {}

export interface Revocation {
  /** @throws RevocationUnknown, ShiminError `upstream_*` */
  isRevoked(certificate: X509Certificate, issuer: X509Certificate): Promise<boolean>;
  /** Asks for the lists before a person is troubled. @throws the same */
  prepare(): Promise<void>;
}

interface Held {
  readonly list: RevocationList;
  readonly until: Date;
  readonly askedAt: number;
}

const HOUR_MS = 3_600_000;
const TOLERANCE_MS = 300_000;
/** MOICA's complete lists have a line for every card that was ever lost, and take their time. */
const MAX_BYTES = 16 * 1024 * 1024;
const TIMEOUT_MS = 10_000;

/** For test environments whose certificates nobody revokes. */
export const noRevocation: Revocation = { isRevoked: async () => false, prepare: async () => undefined };

/** The authorities' lists, kept in memory an hour; one that can't be renewed serves until its own end and no longer. */
export function revocationLists(
  urls: readonly string[],
  line: Pick<OutboundRequest, 'upstream' | 'allowLoopback' | 'timeoutMs'>,
  clock: Clock,
): Revocation {
  const held = new Map<string, Held>();
  const asked = new Map<string, Promise<Held>>();

  async function fetched(url: string): Promise<Held> {
    const answer = await call({ url, maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS, ...line });
    if (answer.status !== 200) throw new RevocationUnknown(`answered ${answer.status}`);
    const found = checked(answer.body, clock());
    held.set(url, found);
    return found;
  }

  /** One question for all who wait. */
  function renewed(url: string): Promise<Held> {
    const under = asked.get(url) ?? fetched(url).finally(() => asked.delete(url));
    asked.set(url, under);
    return under;
  }

  async function current(url: string): Promise<RevocationList> {
    const known = held.get(url);
    const now = clock();
    const good = known !== undefined && now < known.until;
    if (good && now.getTime() - known.askedAt < HOUR_MS) return known.list;
    try {
      return (await renewed(url)).list;
    } catch (error) {
      if (good) return known.list;
      throw error;
    }
  }

  return {
    async isRevoked(certificate, issuer) {
      const lists = await Promise.all(urls.map(current));
      const own = lists.filter((list) => list.isOf(issuer));
      if (own.length === 0) throw new RevocationUnknown('no list of this authority');
      return own.some((list) => list.has(certificate));
    },
    async prepare() {
      await Promise.all(urls.map(current));
    },
  };
}

function checked(body: Buffer, now: Date): Held {
  let list: RevocationList;
  try {
    list = readList(body);
  } catch (cause) {
    throw new RevocationUnknown('no revocation list', { cause });
  }
  const { thisUpdate, nextUpdate, partial } = list;
  if (nextUpdate === null || nextUpdate <= now) throw new RevocationUnknown('list is too old');
  if (thisUpdate.getTime() > now.getTime() + TOLERANCE_MS) throw new RevocationUnknown('list is of the future');
  if (partial !== null) throw new RevocationUnknown(partial);
  return { list, until: nextUpdate, askedAt: now.getTime() };
}
