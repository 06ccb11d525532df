import { z } from 'zod';
import type { AssurancePolicy } from '../assurance/policy.ts';
import { ShiminError } from '../lib/errors.ts';
import { type Db, isTransaction } from './db.ts';
import { rowsOf, toMs } from './rows.ts';

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
  noteWriter(db);
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
  /** Transactions of this process that may have published; while one is open or just over, the cache is not trusted. */
  writers: Set<Db>;
}

/** Per database (its settings object is shared with its transactions), gone with it. */
const cache = new WeakMap<object, Cached>();

function cached(db: Db): Cached {
  const key: object = db.client.config;
  const known = cache.get(key) ?? { policy: null, checkedAt: 0, writers: new Set() };
  cache.set(key, known);
  return known;
}

function noteWriter(db: Db): void {
  cached(db).writers.add(db);
}

function hasFreshWriter(entry: Cached): boolean {
  let any = false;
  for (const writer of entry.writers) {
    any = true;
    if (!isTransaction(writer) || writer.isCompleted()) entry.writers.delete(writer);
  }
  return any;
}

const CHECK_EVERY_MS = 1_000;

/**
 * The policy in force. A version of this process is seen by the very next call, one of another node within a second; the
 * document is read and parsed once per version, so it is the same object as long as the version is.
 */
export async function currentPolicy(db: Db): Promise<PolicyVersion> {
  const entry = cached(db);
  const now = performance.now();
  if (!hasFreshWriter(entry) && entry.policy !== null && now - entry.checkedAt < CHECK_EVERY_MS) return entry.policy;
  const [latest] = await db('policies').max({ version: 'version' });
  const version = z.object({ version: z.number().nullable() }).parse(latest).version ?? 0;
  if (entry.policy?.version === version) {
    entry.checkedAt = now;
    return entry.policy;
  }
  const policy = await policyByVersion(db, version);
  if (policy === null)
    throw new ShiminError('config_invalid', { status: 500, message: 'no assurance policy: run `shimin seed`' });
  // Inside a transaction an uncommitted version may have been read: it is answered, not kept.
  if (!isTransaction(db)) {
    entry.policy = policy;
    entry.checkedAt = now;
  }
  return policy;
}

export async function policyByVersion(db: Db, version: number): Promise<PolicyVersion | null> {
  const found = await db('policies').where({ version }).first('document');
  if (found === undefined) return null;
  const document: AssurancePolicy = JSON.parse(z.object({ document: z.string() }).parse(found).document);
  return { version, document };
}
