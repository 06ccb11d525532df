import { isDeepStrictEqual } from 'node:util';
import type { AssurancePolicy } from '../assurance/policy.ts';
import { changeData } from '../audit/fields.ts';
import { append } from '../storage/audit.ts';
import { type Db, transaction } from '../storage/db.ts';
import { appendPolicy, currentPolicy, policyByVersion } from '../storage/policies.ts';
import type { CommandDeps } from './command.ts';

/** `renewed`: a new version with the default's levels; `own`: the city has levels of its own, which nobody touches. */
export type Renewal = 'renewed' | 'current' | 'own';

/**
 * Gives an installation that still has a former default's levels the default's levels of today, as a version like any
 * other: with an audit line, seen in the console, and to be taken back there. Apps and their floors stay as they are.
 */
export async function renewDefault(
  deps: Pick<CommandDeps, 'db' | 'clock'>,
  levels: { readonly former: AssurancePolicy['levels']; readonly today: AssurancePolicy['levels'] },
): Promise<{ policy: Renewal; version: number }> {
  const at = deps.clock();
  return transaction(deps.db, async (tx) => {
    const { version: previous, document: old } = await currentPolicy(tx);
    if (same(old.levels, levels.today)) return { policy: 'current', version: previous };
    if (!same(old.levels, levels.former) || (await wasToday(tx, previous, levels.today)))
      return { policy: 'own', version: previous };
    const version = previous + 1;
    const document = { ...old, levels: levels.today, version };
    const published = await appendPolicy(tx, {
      version,
      document,
      createdBy: 'default',
      at,
      expectedPrevious: previous,
    });
    // Another node did it in the meantime.
    if (!published) return { policy: 'current', version };
    const changed = changeData({ ...old, version: null }, { ...document, version: null });
    await append(tx, {
      at,
      type: 'policy.published',
      actor: { kind: 'system', id: 'default' },
      accountId: null,
      clientId: null,
      requestId: null,
      outcome: 'ok',
      reason: 'default_renewed',
      data: {
        ...{ version, previous, apps: Object.keys(document.apps).length, levels: document.levels.length },
        ...changed,
      },
    });
    return { policy: 'renewed', version };
  });
}

/** Whether today's levels were in force once: then somebody took them back and meant it. */
async function wasToday(tx: Db, version: number, today: AssurancePolicy['levels']): Promise<boolean> {
  for (let earlier = version - 1; earlier > 0; earlier -= 1) {
    const found = await policyByVersion(tx, earlier);
    if (found !== null && same(found.document.levels, today)) return true;
  }
  return false;
}

/** Both as they come back from storage. */
const same = (a: unknown, b: unknown): boolean => isDeepStrictEqual(plain(a), plain(b));
const plain = (levels: unknown): unknown => JSON.parse(JSON.stringify(levels));
