import { createHash } from 'node:crypto';
import { z } from 'zod';
import { notedDetail } from '../commands/change-rules.ts';
import { ShiminError } from '../lib/errors.ts';
import { transaction } from '../storage/db.ts';
import { claimKey, type KeyedRequest, keepAnswer, keptAnswer } from '../storage/idempotency.ts';
import type { ApiDeps } from './deps.ts';
import { type Answer, problem, problemOf } from './problem.ts';

/** How long an answer is given again. */
export const keptForMs = 24 * 3_600_000;

const keptShape = z.object({ status: z.number(), headers: z.record(z.string(), z.string()), body: z.unknown() });

export interface Done {
  readonly answer: Answer;
  /** Once it is committed. */
  readonly after?: (() => Promise<unknown>) | undefined;
}

/** What a key stands for: the same key with anything else is a mistake of the caller. */
export function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

/**
 * Does the work and keeps its answer in one transaction: of any number of equal requests one has an effect, and all are
 * answered alike (draft-ietf-httpapi-idempotency-key-header-07). A refusal that the audit tells of is kept too; one that
 * wrote nothing is not, so that it may be tried again.
 */
export async function once(
  deps: ApiDeps,
  request: KeyedRequest,
  work: (deps: ApiDeps) => Promise<Done>,
  requestId: string,
): Promise<Done> {
  return transaction(deps.db, async (tx): Promise<Done> => {
    const now = deps.clock();
    const expiresAt = new Date(now.getTime() + keptForMs);
    if (!(await claimKey(tx, request, { now, expiresAt }))) {
      const kept = await keptAnswer(tx, deps.keyring, request);
      // Pruned between the two statements: the caller asks again.
      if (kept === null) throw new ShiminError('service_busy', { status: 503, retryAfter: 1 });
      if (!kept.same) return { answer: problem(422, 'idempotency_key_reused', { requestId }) };
      const { headers, ...answer } = keptShape.parse(kept.answer);
      return { answer: { ...answer, headers: { ...headers, 'Idempotency-Replayed': 'true' } } };
    }
    const done = await work({ ...deps, db: tx }).catch((error: unknown): Done => {
      if (error instanceof ShiminError && error.detail[notedDetail] === true)
        return { answer: problemOf(error, { requestId }) };
      throw error;
    });
    await keepAnswer(tx, deps.keyring, request, done.answer);
    return done;
  });
}
