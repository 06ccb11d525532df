import { z } from 'zod';
import { type AssurancePolicy, parsePolicy } from '../assurance/policy.ts';
import type { RecordedDecision } from '../assurance/preview.ts';
import { shadowOf } from '../assurance/shadow.ts';
import type { Log } from '../lib/log.ts';
import { changeById } from '../storage/changes.ts';
import { dayOf } from '../storage/daily-counts.ts';
import type { Db } from '../storage/db.ts';
import { activeShadows, contentKey, type ShadowCount } from '../storage/shadow.ts';

/** Where live decisions are shown to the drafts that are tried beside the policy in force. */
export interface ShadowWatch {
  /** Asked first: without a draft in shadow nothing else is done. */
  isOn(): boolean;
  /** Judged after the answer, in this process; never throws. */
  note(decision: RecordedDecision): void;
}

/** The drafts that are tried, and what was counted since it was last taken. */
export interface Shadow extends ShadowWatch {
  /** Takes up drafts put in shadow, changed or taken out. */
  refresh(db: Db): Promise<void>;
  take(): ShadowCount[];
  /** Puts back what could not be written. */
  restore(counts: readonly ShadowCount[]): void;
}

interface Tried {
  readonly changeId: string;
  readonly revision: number;
  readonly content: string;
  /** Null as long as the draft is not right: nothing can be tried under it. */
  readonly policy: AssurancePolicy | null;
}

/** Beyond this a burst is not looked at: the count is a sample then, and sign-ins go on. */
const waitAtMost = 500;
/** Decisions judged before other work has its turn. */
const turn = 10;

export function createShadow({ log }: { log: Log }): Shadow {
  let tried: readonly Tried[] = [];
  let waiting: RecordedDecision[] = [];
  const counts = new Map<string, ShadowCount>();

  const add = (count: ShadowCount) => {
    const { changeId, content, day, clientId, outcome } = count;
    const key = JSON.stringify([changeId, content, day, clientId, outcome]);
    counts.set(key, { ...count, count: (counts.get(key)?.count ?? 0) + count.count });
  };

  const judge = (decision: RecordedDecision) => {
    const { at, clientId } = decision;
    for (const { changeId, content, policy } of tried) {
      if (policy === null) continue;
      add({ changeId, content, day: dayOf(at), clientId, outcome: shadowOf(policy, decision), count: 1 });
    }
  };
  const work = () => {
    const now = waiting.slice(0, turn);
    waiting = waiting.slice(turn);
    for (const decision of now) {
      try {
        judge(decision);
      } catch (error) {
        log.error({ err: error }, 'a decision was not tried under a draft');
      }
    }
    if (waiting.length > 0) setImmediate(work);
  };

  return {
    isOn: () => tried.length > 0,
    note(decision) {
      if (tried.length === 0 || waiting.length >= waitAtMost) return;
      if (waiting.push(decision) === 1) setImmediate(work);
    },
    async refresh(db) {
      const next: Tried[] = [];
      for (const { changeId, revision } of await activeShadows(db)) {
        const known = tried.find((each) => each.changeId === changeId && each.revision === revision);
        const read = known ?? (await readDraft(db, changeId));
        if (read !== null) next.push(read);
      }
      tried = next;
    },
    take() {
      const taken = [...counts.values()];
      counts.clear();
      return taken;
    },
    restore: (taken) => taken.forEach(add),
  };
}

const payload = z.object({ document: z.unknown() });

async function readDraft(db: Db, id: string): Promise<Tried | null> {
  const change = await changeById(db, id);
  if (change === null) return null;
  const parsed = parsePolicy(payload.parse(change.payload).document);
  const { revision } = change;
  return { changeId: id, revision, content: contentKey(change.payload), policy: parsed.ok ? parsed.policy : null };
}
