import type { AssurancePolicy } from '../assurance/policy.ts';
import { ShiminError } from '../lib/errors.ts';
import { factsOf } from '../standing/account.ts';
import { levelAsTold } from '../standing/identity-level.ts';
import type { Facts } from '../standing/what-counts.ts';
import { lockAccount } from '../storage/accounts.ts';
import { type Db, transaction } from '../storage/db.ts';
import {
  type Ageing,
  advanceLevelSweep,
  announcementsWait,
  beginLevelSweeps,
  endingOwnersAfter,
  type Grounds,
  type LevelSweep,
  levelSweep,
  ownersAfter,
} from '../storage/level-sweep.ts';
import { currentPolicy, policyByVersion } from '../storage/policies.ts';
import { streamClients } from '../storage/signal-streams.ts';
import { disabledSources } from '../storage/sources.ts';
import { type Announcement, signalMessage } from './announce.ts';
import type { CommandDeps } from './command.ts';
import { announceLevelChange } from './level-change.ts';

/** Accounts looked at in one go, and told of in one transaction: SQLite has one writer, and people wait for it. */
const PAGE = 200;
const TOLD_AT_ONCE = 25;
/** More is not queued before the receivers have taken some of it. */
const MOST_WAITING = 500;
/** How soon the end of evidence is told, and how much time is looked through in one sweep. */
const DECAY_EVERY_MS = 10_000;
const LONGEST_DECAY_MS = 3_600_000;
const UNHEARD_DECAY_MS = 600_000;

/**
 * Tells the apps that asked for it whose level changed because a policy was published, a source was switched or time
 * went by: nobody's own command knows of these. It compares what levels rest on now with what was told last, account by
 * account, in small transactions that move a mark on: killed in between it goes on from there, and where several
 * processes do it each account is told of once. True when there may be more to do at once.
 */
export async function announceLevels(deps: CommandDeps): Promise<boolean> {
  const { db } = deps;
  const now: Grounds = {
    version: (await currentPolicy(db)).version,
    off: [...(await disabledSources(db))].sort(),
    at: deps.clock(),
  };
  const sweep = await levelSweep(db);
  if (sweep === null) {
    await beginLevelSweeps(db, now);
    return false;
  }
  const target = sweep.target ?? nextTarget(sweep.told, now);
  if (target === null) return false;
  if ((await streamClients(db)).size === 0) {
    // Nobody listens: whoever comes later starts from here, or little before.
    if (target.at.getTime() - sweep.told.at.getTime() < UNHEARD_DECAY_MS && sameGrounds(sweep.told, now)) return false;
    await advanceLevelSweep(db, sweep, { told: now, target: null, afterAccount: '' });
    return false;
  }
  if (await announcementsWait(db, signalMessage, MOST_WAITING)) return false;
  await page(deps, sweep, target);
  return true;
}

const sameGrounds = (a: Grounds, b: Grounds) => a.version === b.version && a.off.join() === b.off.join();

/** Policy and sources first, as of the time told of; then time, in pieces. */
function nextTarget(told: Grounds, now: Grounds): Grounds | null {
  if (!sameGrounds(told, now)) return { ...now, at: told.at };
  const passed = now.at.getTime() - told.at.getTime();
  if (passed < DECAY_EVERY_MS) return null;
  return { ...now, at: new Date(told.at.getTime() + Math.min(passed, LONGEST_DECAY_MS)) };
}

async function page(deps: CommandDeps, sweep: LevelSweep, target: Grounds): Promise<void> {
  const { db } = deps;
  const { told, afterAccount } = sweep;
  const before = { grounds: told, policy: await policyOf(db, told.version) };
  const after = { grounds: target, policy: await policyOf(db, target.version) };
  const decays = target.at.getTime() !== told.at.getTime();
  const owners = decays
    ? await endingOwnersAfter(db, { from: told.at, to: target.at, ageing: ageingOf(after.policy) }, afterAccount, PAGE)
    : await ownersAfter(db, afterAccount, PAGE);
  const changed = owners.filter((owner) => level(before, owner) !== level(after, owner));
  const now = changed.slice(0, TOLD_AT_ONCE);
  const rest = changed.length > now.length;
  const over = !rest && owners.length < PAGE;
  const last = (rest ? now : owners).at(-1)?.accountId ?? afterAccount;
  const next = over ? { told: target, target: null, afterAccount: '' } : { told, target, afterAccount: last };
  await transaction(db, async (tx) => {
    if (!(await advanceLevelSweep(tx, sweep, next))) return;
    for (const owner of now) await tell(tx, deps, owner, before, after);
  });
}

interface Side {
  readonly grounds: Grounds;
  readonly policy: AssurancePolicy;
}

const level = ({ grounds, policy }: Side, owner: Pick<Facts, 'evidence' | 'interventions'>) =>
  levelAsTold({ policy, off: new Set(grounds.off), at: grounds.at }, owner);

/** Looked at again under the account's lock: what its own commands said meanwhile must not be said over. */
async function tell(
  tx: Db,
  deps: CommandDeps,
  { accountId }: { accountId: string },
  before: Side,
  after: Side,
): Promise<void> {
  await lockAccount(tx, accountId);
  const owner = await factsOf(tx, accountId);
  const about = { accountId, at: deps.clock(), ...causeOf(before.grounds, after.grounds) };
  await announceLevelChange(tx, deps.keyring, after.policy, about, {
    before: level(before, owner),
    after: level(after, owner),
  });
}

function causeOf(before: Grounds, after: Grounds): Required<Pick<Announcement, 'initiator' | 'reason'>> {
  if (before.version !== after.version) return { initiator: 'policy', reason: 'policy_published' };
  if (before.at.getTime() !== after.at.getTime()) return { initiator: 'policy', reason: 'evidence_expired' };
  return { initiator: 'admin', reason: 'source_switched' };
}

async function policyOf(db: Db, version: number): Promise<AssurancePolicy> {
  const current = await currentPolicy(db);
  if (current.version === version) return current.document;
  const found = await policyByVersion(db, version);
  if (!found) throw new ShiminError('internal', { status: 500, message: `policy ${version} is gone` });
  return found.document;
}

/** Each age at which some rule stops counting some kind of evidence. */
function ageingOf(policy: AssurancePolicy): Ageing[] {
  const found = new Map<string, Ageing>();
  for (const { identity } of policy.levels) {
    for (const { kind, maxAge } of identity.flatMap(({ rules }) => rules)) {
      if (maxAge !== null) found.set(`${kind} ${maxAge}`, { kind, maxAgeMs: maxAge * 1_000 });
    }
  }
  return [...found.values()];
}
