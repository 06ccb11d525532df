import { isDeepStrictEqual } from 'node:util';
import type { AssurancePolicy } from '../assurance/policy.ts';
import { ShiminError } from '../lib/errors.ts';
import { changesIn } from '../storage/changes.ts';
import { currentPolicy } from '../storage/policies.ts';
import { proposalOf, validPolicy } from './change-payload.ts';
import type { By } from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import { proposeDraft, saveDraft } from './propose-change.ts';

/** `unchanged`: it is in force; `waiting`: proposed before and not decided yet; `proposed`: just now. */
export interface Applied {
  readonly status: 'unchanged' | 'waiting' | 'proposed';
  readonly version: number;
  readonly changeId: string | null;
}

/** A policy without its number, as it comes back from storage: what two of them are compared by. */
export function contentOf(policy: AssurancePolicy): unknown {
  const { version: _, ...content } = policy;
  return JSON.parse(JSON.stringify(content));
}

/**
 * Policy as code, with the same four eyes as the console: whoever applies a document proposes it, and a second person
 * publishes it in the console. Applying it again changes nothing, whoever does it: a name at the command line is typed and
 * not proved, so nothing is decided there.
 * @throws ShiminError `policy_invalid` naming every fault, `forbidden`, `change_stale`
 */
export async function applyPolicyFile(
  deps: CommandDeps,
  input: { by: By; document: unknown; reason: string },
): Promise<Applied> {
  const current = await currentPolicy(deps.db);
  const document = validPolicy(withVersion(input.document, current.version + 1));
  const content = contentOf(document);
  if (isDeepStrictEqual(content, contentOf(current.document)))
    return { status: 'unchanged', version: current.version, changeId: null };
  const open = (await changesIn(deps.db, ['proposed'], { limit: 200 })).find((change) => {
    if (change.kind !== 'policy' || change.basedOn !== current.version) return false;
    const what = proposalOf(change);
    return what.kind === 'policy' && isDeepStrictEqual(contentOf(what.payload.document), content);
  });
  const { by, reason } = input;
  if (open) return { status: 'waiting', version: current.version, changeId: open.id };
  const draft = await saveDraft(deps, { by, draft: null, document });
  await proposeDraft(deps, { by, id: draft.id, revision: draft.revision, reason, publishAt: null });
  return { status: 'proposed', version: current.version, changeId: draft.id };
}

function withVersion(document: unknown, version: number): unknown {
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new ShiminError('policy_invalid', {
      status: 422,
      detail: { faults: [{ path: '', message: 'not a mapping' }] },
    });
  return { ...document, version };
}
