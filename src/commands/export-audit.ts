import { newTally } from '../audit/chain.ts';
import { type ExportHead, exportLine, exportType } from '../audit/export.ts';
import { type AuditFilter, append, auditHead, auditPage, auditRange, seqsOf } from '../storage/audit.ts';
import { type Db, transaction } from '../storage/db.ts';
import { actorOf } from './actor.ts';
import { type By, staffRoles } from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import { auditSigner, type Sign } from './sign-audit-head.ts';

const pageSize = 1_000;

export interface ExportWish {
  readonly by: By;
  readonly issuer: string;
  readonly filter: AuditFilter;
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
}

/**
 * Notes that somebody takes lines of the audit out of the house, then answers them as JSON Lines: a head that says what
 * they are, the lines with their places in the chain, and an end that counts and signs all above it. Read page by page as
 * it is asked for, however long it is; what is written meanwhile is not in it.
 */
export async function exportAudit(
  deps: CommandDeps,
  wish: ExportWish,
): Promise<{ head: ExportHead; texts: AsyncGenerator<string> }> {
  const at = deps.clock();
  const { by, filter } = wish;
  const sign = await auditSigner(deps);
  const head = await transaction(deps.db, async (tx): Promise<ExportHead> => {
    const [newest, span] = [await auditHead(tx), await seqsOf(tx, wish)];
    const [from, to] = [span.from ?? 1, Math.min(span.to ?? newest.seq, newest.seq)];
    const only = onlyOf(filter);
    const last = to === newest.seq ? newest : await pointAt(tx, to);
    // A word that nobody's line has could be anything, also a name: it is not written down.
    const known = only !== null && (await auditPage(tx, filter, { limit: 1 })).length > 0 ? only : null;
    await append(tx, {
      at,
      type: 'audit.exported',
      actor: actorOf(by.accountId),
      accountId: known?.by === 'account' ? known.value : null,
      clientId: by.cause.clientId,
      requestId: by.cause.requestId,
      outcome: 'ok',
      reason: null,
      data: {
        by: only?.by ?? null,
        roles: await staffRoles(tx, by.accountId),
        ...(known === null || known.by === 'account' ? {} : { [known.by]: known.value }),
        ...{ since: wish.since?.toISOString() ?? null, until: wish.until?.toISOString() ?? null, last: last.seq },
      },
    });
    // Of a stretch that begins after its end there is nothing.
    return {
      format: 'shimin-audit',
      version: 1,
      issuer: wish.issuer,
      at: at.toISOString(),
      only,
      ...stretch(from, last),
    };
  });
  return { head, texts: texts(deps.db, sign, filter, head) };
}

const stretch = (from: number, last: ExportHead['last']) => ({ from: Math.min(from, last.seq + 1), last });

function onlyOf({ accountId, actorId, requestId, type }: AuditFilter): ExportHead['only'] {
  if (accountId !== undefined) return { by: 'account', value: accountId };
  if (actorId !== undefined) return { by: 'actor', value: actorId };
  if (requestId !== undefined) return { by: 'request', value: requestId };
  return type === undefined ? null : { by: 'type', value: type };
}

async function pointAt(tx: Db, seq: number): Promise<ExportHead['last']> {
  const [line] = seq === 0 ? [] : await auditRange(tx, {}, { after: seq - 1, last: seq, limit: 1 });
  return { seq, hash: line?.hash ?? '' };
}

async function* texts(db: Db, sign: Sign, filter: AuditFilter, head: ExportHead): AsyncGenerator<string> {
  const tally = newTally();
  const told = (text: string, isEntry: boolean) => {
    tally.add(text, isEntry);
    return `${text}\n`;
  };
  yield told(JSON.stringify(head), false);
  for (let after = head.from - 1; after < head.last.seq; ) {
    const lines = await auditRange(db, filter, { after, last: head.last.seq, limit: pageSize });
    if (lines.length > 0) yield lines.map((line) => told(exportLine(line), true)).join('');
    after = lines.length < pageSize ? head.last.seq : (lines.at(-1)?.seq ?? head.last.seq);
  }
  const { sum } = tally;
  const jws = await sign({ ...sum, only: head.only, from: head.from, last: head.last }, exportType);
  yield `${JSON.stringify({ end: { ...sum, jws } })}\n`;
}
