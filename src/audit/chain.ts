import { createHash } from 'node:crypto';
import type { AuditEvent } from './events.ts';

/** An event with its place in the chain. */
export interface AuditEntry extends AuditEvent {
  /** 1, 2, 3, ... without a gap. */
  readonly seq: number;
  /** Hash of the entry before; empty for the first. */
  readonly prevHash: string;
  readonly hash: string;
}

type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

/**
 * JSON as RFC 8785 has it: keys in order of their UTF-16 units, no blanks, numbers and strings as ECMAScript writes them.
 * Two writers of one value always make the same bytes.
 */
export function canonicalJson(value: Plain): string {
  if (value === null || typeof value !== 'object') {
    if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError('not a JSON number');
    return JSON.stringify(value);
  }
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

function isList(value: readonly Plain[] | { readonly [key: string]: Plain }): value is readonly Plain[] {
  return Array.isArray(value);
}

/** The link: SHA-256 over the canonical form of the event, its number and the hash before it. */
export function linkHash(prevHash: string, seq: number, event: AuditEvent): string {
  const { at, type, actor, accountId, clientId, requestId, outcome, reason, data } = event;
  const form = canonicalJson({
    seq,
    prevHash,
    at: at.getTime(),
    type,
    actor: { kind: actor.kind, id: actor.id },
    accountId,
    clientId,
    requestId,
    outcome,
    reason,
    data,
  });
  return createHash('sha256').update(form).digest('base64url');
}

/** Where a stretch of the chain begins or must end. */
export interface ChainPoint {
  readonly seq: number;
  readonly hash: string;
}

export const chainStart: ChainPoint = { seq: 0, hash: '' };

export type ChainVerdict =
  | { readonly ok: true; readonly end: ChainPoint }
  | { readonly ok: false; readonly seq: number; readonly problem: 'gap' | 'link' | 'hash' | 'end' };

/**
 * Checks a stretch after `from`. `expectedEnd`, an earlier noted head, also shows a chain that was cut short or written
 * anew. Verify long chains piece by piece: the `end` of one is the `from` of the next.
 */
export function verifyChain(
  entries: readonly AuditEntry[],
  from: ChainPoint = chainStart,
  expectedEnd?: ChainPoint,
): ChainVerdict {
  let end = from;
  for (const entry of entries) {
    if (entry.seq !== end.seq + 1) return { ok: false, seq: end.seq + 1, problem: 'gap' };
    if (entry.prevHash !== end.hash) return { ok: false, seq: entry.seq, problem: 'link' };
    if (linkHash(entry.prevHash, entry.seq, entry) !== entry.hash)
      return { ok: false, seq: entry.seq, problem: 'hash' };
    end = { seq: entry.seq, hash: entry.hash };
  }
  if (expectedEnd !== undefined && (expectedEnd.seq !== end.seq || expectedEnd.hash !== end.hash)) {
    return { ok: false, seq: end.seq, problem: 'end' };
  }
  return { ok: true, end };
}

/** Counts and digests the lines of a file as it is written or read. */
export interface Tally {
  add(text: string, isEntry: boolean): void;
  readonly sum: { readonly lines: number; readonly sha256: string };
}

export function newTally(): Tally {
  const digest = createHash('sha256');
  let lines = 0;
  return {
    add(text, isEntry) {
      digest.update(`${text}\n`);
      if (isEntry) lines += 1;
    },
    get sum() {
      return { lines, sha256: digest.copy().digest('base64url') };
    },
  };
}
