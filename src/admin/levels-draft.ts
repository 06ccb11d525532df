import type { Context } from 'koa';
import type { PolicyFault } from '../assurance/faults.ts';
import { type AssurancePolicy, type LevelRule, parsePolicy } from '../assurance/policy.ts';
import { proposalOf } from '../commands/change-payload.ts';
import { saveDraft } from '../commands/propose-change.ts';
import { ShiminError } from '../lib/errors.ts';
import { type Change, changeById } from '../storage/changes.ts';
import { currentPolicy } from '../storage/policies.ts';
import { byOf, param, type Staff } from './context.ts';
import type { AdminDeps } from './deps.ts';

export const levelsPath = '/admin/levels';

/** A draft of the levels, as it is in storage: it may be wrong still. */
export interface Draft {
  readonly change: Change;
  readonly document: AssurancePolicy;
  /** The version it was begun on is not in force any more. */
  readonly stale: boolean;
  readonly faults: readonly PolicyFault[];
}

/** The draft of the address. What was proposed, or is about something else, is not edited here. */
export async function foundDraft(deps: AdminDeps, ctx: Context): Promise<Draft> {
  const change = await changeById(deps.db, param(ctx, 'id'));
  if (change?.kind !== 'policy') throw new ShiminError('not_found', { status: 404 });
  const what = proposalOf(change);
  if (what.kind !== 'policy') throw new ShiminError('not_found', { status: 404 });
  const { version } = await currentPolicy(deps.db);
  const { document } = what.payload;
  return { change, document, stale: change.basedOn !== version, faults: faultsOf(document) };
}

/** The level of the address, in its draft. */
export function foundLevel(ctx: Context, draft: Draft): LevelRule {
  const level = draft.document.levels.find(({ id }) => id === param(ctx, 'level'));
  if (!level) throw new ShiminError('not_found', { status: 404 });
  return level;
}

export function faultsOf(document: unknown): readonly PolicyFault[] {
  const parsed = parsePolicy(document);
  return parsed.ok ? [] : parsed.faults;
}

export const draftUrl = (id: string, level?: string): string =>
  level === undefined ? `${levelsPath}/${id}` : `${levelsPath}/${id}/${encodeURIComponent(level)}`;

export type Saved =
  | { readonly ok: true; readonly draft: Change }
  | { readonly ok: false; readonly why: 'conflict' | 'stale' | 'decided' };

const refusals: Readonly<Record<string, 'conflict' | 'stale' | 'decided'>> = {
  draft_conflict: 'conflict',
  change_stale: 'stale',
  change_decided: 'decided',
};

/** Saves on from the revision that was seen. Whoever comes second is told why not, and nothing is overwritten. */
export async function saveOn(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  draft: { id: string; revision: number; basedOn: number | null },
  document: AssurancePolicy,
): Promise<Saved> {
  try {
    return {
      ok: true,
      draft: await saveDraft(deps, { by: byOf(ctx, staff), draft, document, unfinished: true, basedOn: draft.basedOn }),
    };
  } catch (error) {
    const why = error instanceof ShiminError ? refusals[error.code] : undefined;
    if (why === undefined) throw error;
    return { ok: false, why };
  }
}
