import { randomInt } from 'node:crypto';
import { newId } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { lockAccount } from '../storage/accounts.ts';
import { append } from '../storage/audit.ts';
import { type CounterCase, caseById, insertCase, liveCaseOf, moveCase } from '../storage/counter-cases.ts';
import { type Db, transaction } from '../storage/db.ts';
import type { Cause, CommandDeps } from './command.ts';
import { endOverdue } from './counter-expire.ts';
import { codeAlphabet, codeLength, counterTimes, movedMeanwhile } from './counter-rules.ts';

/**
 * Gives the citizen a code for a check in person. Whoever has one keeps it; one that nobody has begun with is raised to
 * two officials when that is asked for.
 */
export async function openCounterCase(
  deps: CommandDeps,
  input: { accountId: string; officials: 1 | 2; cause: Cause },
): Promise<CounterCase> {
  const { accountId, officials, cause } = input;
  const at = deps.clock();
  return transaction(deps.db, async (tx) => {
    await lockAccount(tx, accountId);
    const known = await liveCaseOf(tx, accountId);
    if (known !== null && known.expiresAt > at) {
      if (known.status !== 'open' || known.officials >= officials) return known;
      if (!(await moveCase(tx, known, { officials }))) throw movedMeanwhile();
      return noted(tx, known.id, at, 'raised', officials, accountId, cause);
    }
    if (known !== null) await endOverdue(tx, known, at);
    const id = newId();
    const expiresAt = new Date(at.getTime() + counterTimes.code);
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const fresh = { id, accountId, officials, openedAt: at, expiresAt, code: newCode() };
      if (await insertCase(tx, deps.keyring, fresh)) return noted(tx, id, at, null, officials, accountId, cause);
    }
    throw new ShiminError('service_busy', { status: 503, retryAfter: 1, message: 'no free counter code' });
  });
}

async function noted(
  tx: Db,
  id: string,
  at: Date,
  reason: string | null,
  officials: number,
  accountId: string,
  { clientId, requestId }: Cause,
): Promise<CounterCase> {
  const now = await caseById(tx, id);
  if (now === null) throw movedMeanwhile();
  await append(tx, {
    at,
    type: 'counter_case.opened',
    actor: { kind: 'citizen', id: accountId },
    accountId,
    clientId,
    requestId,
    outcome: 'ok',
    reason,
    data: { caseId: id, officials },
  });
  return now;
}

const newCode = () =>
  Array.from({ length: codeLength }, () => codeAlphabet.charAt(randomInt(codeAlphabet.length))).join('');
