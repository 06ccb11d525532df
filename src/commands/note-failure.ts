import { append } from '../storage/audit.ts';
import { transaction } from '../storage/db.ts';
import type { Cause, CommandDeps } from './command.ts';

/** A failed authentication leaves one audit line; the reason is a code, never what was typed. */
export async function noteFailure(
  deps: CommandDeps,
  input: { accountId: string | null; method: string; reason: string; cause: Cause },
): Promise<void> {
  await transaction(deps.db, (tx) =>
    append(tx, {
      at: deps.clock(),
      type: 'authentication.failed',
      actor: { kind: input.accountId === null ? 'anonymous' : 'citizen', id: input.accountId ?? 'unknown' },
      accountId: input.accountId,
      clientId: input.cause.clientId,
      requestId: input.cause.requestId,
      outcome: 'refused',
      reason: input.reason,
      data: { methods: [input.method] },
    }),
  );
}
