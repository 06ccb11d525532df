import { z } from 'zod';
import { type AssurancePolicy, publishedPolicy } from '../assurance/policy.ts';
import { ShiminError } from '../lib/errors.ts';
import { type Db, isTransaction } from './db.ts';
import { row, rowsOf, time, toMs } from './rows.ts';
import { isCurrent, newWatch, noteWriter, type WriteWatch } from './write-watch.ts';

export interface PolicyVersion {
  readonly version: number;
  readonly document: AssurancePolicy;
}

export interface NewPolicy extends PolicyVersion {
  readonly createdBy: string;
  readonly at: Date;
  /** The version that the author saw; 0: there was none. */
  readonly expectedPrevious: number;
}

/**
 * Publishes a version. False, and nothing written, if another version was published since the author looked. The
 * document was checked by `parsePolicy` before; here it is kept as it is, for ever.
 */
export async function appendPolicy(db: Db, policy: NewPolicy): Promise<boolean> {
  if (policy.version <= policy.expectedPrevious) return false;
  noteWriter(cached(db).watch, db);
  // The primary key settles what two writers that saw the same version would both pass.
  const result: unknown = await db.raw(
    `insert into policies (version, document, created_by, created_at)
     select cast(? as integer), cast(? as text), cast(? as text), cast(? as bigint)
     where coalesce((select max(version) from policies), 0) = ?
     on conflict (version) do nothing returning version`,
    [policy.version, JSON.stringify(policy.document), policy.createdBy, toMs(policy.at), policy.expectedPrevious],
  );
  return rowsOf(result).length === 1;
}

interface Cached {
  policy: PolicyVersion | null;
  checkedAt: number;
  generation: number;
  readonly watch: WriteWatch;
}

/** Per database (its settings object is shared with its transactions), gone with it. */
const cache = new WeakMap<object, Cached>();

function cached(db: Db): Cached {
  const key: object = db.client.config;
  const known = cache.get(key) ?? { policy: null, checkedAt: 0, generation: -1, watch: newWatch() };
  cache.set(key, known);
  return known;
}

const CHECK_EVERY_MS = 1_000;

/**
 * The policy in force. A version of this process is seen by the very next call, one of another node within a second; the
 * document is read and parsed once per version, so it is the same object as long as the version is.
 */
export async function currentPolicy(db: Db): Promise<PolicyVersion> {
  const entry = cached(db);
  const now = performance.now();
  const fresh = isCurrent(entry.watch, entry.generation) && now - entry.checkedAt < CHECK_EVERY_MS;
  if (fresh && entry.policy !== null) return entry.policy;
  const { generation } = entry.watch;
  const [latest] = await db('policies').max({ version: 'version' });
  const version = z.object({ version: z.number().nullable() }).parse(latest).version ?? 0;
  // The same object as long as the version is: what is computed from it is kept by it.
  const policy = entry.policy?.version === version ? entry.policy : await policyByVersion(db, version);
  if (policy === null)
    throw new ShiminError('config_invalid', { status: 500, message: 'no assurance policy: run `shimin seed`' });
  // Inside a transaction an uncommitted version may have been read: it is answered, not kept.
  if (!isTransaction(db) && isCurrent(entry.watch, generation)) {
    Object.assign(entry, { policy, checkedAt: now, generation });
  }
  return policy;
}

export async function policyByVersion(db: Db, version: number): Promise<PolicyVersion | null> {
  const found = await db('policies').where({ version }).first('document');
  if (found === undefined) return null;
  const document = publishedPolicy(JSON.parse(z.object({ document: z.string() }).parse(found).document));
  return { version, document };
}

export interface PolicyRecord {
  readonly version: number;
  readonly createdBy: string;
  readonly createdAt: Date;
}

const recordRow = row({ version: z.number(), createdBy: z.string(), createdAt: time });

/** The versions there were, the newest first, without their documents. */
export async function policyHistory(
  db: Db,
  page: { before?: number | undefined; limit: number },
): Promise<PolicyRecord[]> {
  const versions = db('policies').orderBy('version', 'desc').limit(page.limit);
  if (page.before !== undefined) versions.where('version', '<', page.before);
  return (await versions.select('version', 'created_by', 'created_at')).map((raw) => recordRow.parse(raw));
}
