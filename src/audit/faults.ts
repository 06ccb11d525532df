import { type AuditEntry, type ChainPoint, chainStart, linkHash } from './chain.ts';

/** What is wrong with the log, and where. `seq`: the first line concerned; `to`: the last, where several are. */
export interface ChainFault {
  /**
   * `missing`: no such lines; `order`: a line whose number was already passed; `content`: a line says something else than
   * was written; `link`: it does not follow the line before; `end`: the log ends before a head that was noted; `head`: a
   * noted head is not what the log has there.
   */
  readonly problem: 'missing' | 'order' | 'content' | 'link' | 'end' | 'head';
  readonly seq: number;
  readonly to: number;
}

/** A line as it is stored; a line that can't even be read is one whose content was changed. */
export type StoredLine = AuditEntry | { readonly seq: number; readonly prevHash: string; readonly hash: string };

export const isWhole = (line: StoredLine): line is AuditEntry => 'type' in line;

export interface ChainCheck {
  /** Lines in the order in which they are kept; faults of all of them, not only the first. */
  next(lines: readonly StoredLine[]): ChainFault[];
  /** What is missing at the end. */
  finish(): ChainFault[];
  readonly end: ChainPoint;
  readonly lines: number;
}

/**
 * Checks a log line by line, however long it is. After a fault it goes on from what is stored, so that each change is
 * named once, where it is, and the rest is still checked. `heads`: points of the chain noted elsewhere.
 */
export function checkChain(from: ChainPoint = chainStart, heads: readonly ChainPoint[] = []): ChainCheck {
  let end = from;
  let lines = 0;
  const noted = new Map(heads.filter(({ seq }) => seq > from.seq).map((head) => [head.seq, head.hash]));
  const fault = (problem: ChainFault['problem'], seq: number, to = seq): ChainFault => ({ problem, seq, to });

  function check(line: StoredLine): ChainFault[] {
    const faults: ChainFault[] = [];
    lines += 1;
    if (line.seq <= end.seq) return [fault('order', line.seq)];
    const gap = line.seq > end.seq + 1;
    if (gap) faults.push(fault('missing', end.seq + 1, line.seq - 1));
    if (!isWhole(line) || linkHash(line.prevHash, line.seq, line) !== line.hash)
      faults.push(fault('content', line.seq));
    // What a missing line would have said is not known, so nothing can be said of the link either.
    else if (!gap && line.prevHash !== end.hash) faults.push(fault('link', line.seq));
    const head = noted.get(line.seq);
    if (head !== undefined && head !== line.hash) faults.push(fault('head', line.seq));
    end = { seq: line.seq, hash: line.hash };
    return faults;
  }

  return {
    next: (some) => some.flatMap(check),
    finish() {
      const last = Math.max(0, ...noted.keys());
      return last > end.seq ? [fault('end', end.seq + 1, last)] : [];
    },
    get end() {
      return end;
    },
    get lines() {
      return lines;
    },
  };
}

/** What a line with its neighbours says of itself; the whole chain is more (`checkChain`). */
export type ChainPlace = 'good' | 'content' | 'missing' | 'link' | 'next';

/** `before`, `after`: null where there is no such line. */
export function placeOf(before: StoredLine | null, line: StoredLine, after: StoredLine | null): ChainPlace {
  if (!isWhole(line) || linkHash(line.prevHash, line.seq, line) !== line.hash) return 'content';
  if (line.seq > 1 && before === null) return 'missing';
  if (line.prevHash !== (before?.hash ?? '')) return 'link';
  return after === null || after.prevHash === line.hash ? 'good' : 'next';
}
