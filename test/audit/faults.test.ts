import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AuditEntry, linkHash } from '../../src/audit/chain.ts';
import type { AuditEvent } from '../../src/audit/events.ts';
import { checkChain, type StoredLine } from '../../src/audit/faults.ts';

const event = (i: number): AuditEvent => ({
  at: new Date(1_763_888_000_000 + i),
  type: 'evidence.recorded',
  actor: { kind: 'citizen', id: `a${i}` },
  accountId: `a${i}`,
  clientId: null,
  requestId: 'r',
  outcome: 'ok',
  reason: null,
  data: { kind: 'face', source: 'face' },
});
function chainOf(length: number): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (let seq = 1; seq <= length; seq += 1) {
    const prevHash = entries.at(-1)?.hash ?? '';
    entries.push({ ...event(seq), seq, prevHash, hash: linkHash(prevHash, seq, event(seq)) });
  }
  return entries;
}
const chain = chainOf(12);
const at = (seq: number) => chain[seq - 1] as AuditEntry;
const faultsOf = (lines: readonly StoredLine[], heads: { seq: number; hash: string }[] = []) => {
  const check = checkChain(undefined, heads);
  return [...check.next(lines), ...check.finish()];
};
const replaced = (seq: number, line: StoredLine) => chain.map((each) => (each.seq === seq ? line : each));

describe('a log that was changed', () => {
  it('an untouched one has no fault, in one piece or many', () => {
    expect(faultsOf(chain)).toEqual([]);
    const check = checkChain();
    for (const line of chain) expect(check.next([line])).toEqual([]);
    expect(check.lines).toBe(12);
    expect(check.end).toEqual({ seq: 12, hash: at(12).hash });
    expect(checkChain({ seq: 5, hash: at(5).hash }).next(chain.slice(5))).toEqual([]);
  });
  it('a line that says something else, or that can’t be read', () => {
    expect(faultsOf(replaced(4, { ...at(4), outcome: 'refused' }))).toEqual([{ problem: 'content', seq: 4, to: 4 }]);
    expect(faultsOf(replaced(4, { seq: 4, prevHash: at(4).prevHash, hash: at(4).hash }))).toEqual([
      { problem: 'content', seq: 4, to: 4 },
    ]);
  });
  it('a line written anew with a hash that fits: the next does not follow', () => {
    const forged = { ...at(4), reason: 'forged' };
    const line = { ...forged, hash: linkHash(forged.prevHash, 4, forged) };
    expect(faultsOf(replaced(4, line))).toEqual([{ problem: 'link', seq: 5, to: 5 }]);
  });
  it('lines that are gone, doubled or out of order', () => {
    expect(faultsOf(chain.filter(({ seq }) => seq !== 4 && seq !== 5))).toEqual([
      { problem: 'missing', seq: 4, to: 5 },
    ]);
    expect(faultsOf([...chain.slice(0, 4), at(4), ...chain.slice(4)])).toEqual([{ problem: 'order', seq: 4, to: 4 }]);
    const swapped = replaced(4, { ...at(7), seq: 4 }).map((each) => (each.seq === 7 ? { ...at(4), seq: 7 } : each));
    expect(faultsOf(swapped).map(({ seq }) => seq)).toEqual(expect.arrayContaining([4, 7]));
  });
  it('an end that was cut off or written anew shows by a head noted elsewhere', () => {
    const head = { seq: 12, hash: at(12).hash };
    expect(faultsOf(chain, [head])).toEqual([]);
    expect(faultsOf(chain.slice(0, 9), [head])).toEqual([{ problem: 'end', seq: 10, to: 12 }]);
    expect(faultsOf(chain, [{ seq: 6, hash: 'other' }])).toEqual([{ problem: 'head', seq: 6, to: 6 }]);
    expect(faultsOf(chain.slice(0, 9))).toEqual([]);
  });
  it('whatever is changed anywhere is found', () => {
    const fields = [
      'at',
      'type',
      'accountId',
      'clientId',
      'requestId',
      'outcome',
      'reason',
      'actor',
      'data',
      'prevHash',
      'hash',
    ] as const;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 11 }),
        fc.constantFrom(...fields),
        fc.string({ minLength: 1 }),
        (seq, field, word) => {
          const value =
            field === 'at'
              ? new Date(0)
              : field === 'actor'
                ? { kind: 'staff', id: word }
                : field === 'data'
                  ? { kind: word }
                  : `~${word}`;
          const faults = faultsOf(replaced(seq, { ...at(seq), [field]: value } as AuditEntry));
          expect(faults.length).toBeGreaterThan(0);
          expect(faults[0]?.seq).toBe(seq);
        },
      ),
    );
  });
});
