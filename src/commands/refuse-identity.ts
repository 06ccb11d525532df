import { append } from '../storage/audit.ts';
import { transaction } from '../storage/db.ts';
import type { Cause, CommandDeps } from './command.ts';

/** An upstream's answer of which nothing came leaves one audit line; the reason is a code. */
export async function refuseIdentity(
  deps: CommandDeps,
  input: { accountId: string | null; bridge: string; reason: string; cause: Cause },
): Promise<void> {
  const { accountId, bridge, reason, cause } = input;
  await transaction(deps.db, (tx) =>
    append(tx, {
      at: deps.clock(),
      type: 'identity.refused',
      actor: { kind: accountId === null ? 'anonymous' : 'citizen', id: accountId ?? 'unknown' },
      accountId,
      clientId: cause.clientId,
      requestId: cause.requestId,
      outcome: 'refused',
      reason,
      data: { bridge },
    }),
  );
}
