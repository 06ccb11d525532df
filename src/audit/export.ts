import { z } from 'zod';
import { type ChainPoint, linkHash, newTally } from './chain.ts';
import { type ActorKind, type AuditFields, type AuditType, type AuditValue, actorKinds, outcomes } from './events.ts';
import { type ChainFault, checkChain, isWhole, type StoredLine } from './faults.ts';

/** The `typ` of the signature under an export. */
export const exportType = 'shimin-audit-export+jwt';

const point = z.strictObject({ seq: z.number().int().min(0), hash: z.string() });
const head = z.strictObject({
  format: z.literal('shimin-audit'),
  version: z.literal(1),
  issuer: z.string(),
  at: z.string(),
  /** What the lines have in common; null: every line from `from` to `last` is there. */
  only: z.strictObject({ by: z.enum(['account', 'actor', 'request', 'type']), value: z.string() }).nullable(),
  from: z.number().int().min(1),
  /** The last line there was, of whatever kind, whether or not it is among these. */
  last: point,
});
/** The first line of an export: what it holds. */
export type ExportHead = z.infer<typeof head>;

const end = z.strictObject({
  end: z.strictObject({ lines: z.number().int().min(0), sha256: z.string(), jws: z.string() }),
});
const signed = z.object({ lines: z.number(), sha256: z.string() });

/** A line of an export, with its place in the chain. One that can't be read any more is told as such. */
export function exportLine(line: StoredLine): string {
  if (!isWhole(line))
    return JSON.stringify({ seq: line.seq, unreadable: true, prevHash: line.prevHash, hash: line.hash });
  const { seq, at, type, actor, accountId, clientId, requestId, outcome, reason, data, prevHash, hash } = line;
  return JSON.stringify({
    ...{
      seq,
      at: at.toISOString(),
      type,
      actor,
      accountId,
      clientId,
      requestId,
      outcome,
      reason,
      data,
      prevHash,
      hash,
    },
  });
}

const value = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]);
const entry = z.strictObject({
  seq: z.number().int(),
  at: z.iso.datetime().transform((text) => new Date(text)),
  type: z.custom<AuditType>((type) => typeof type === 'string'),
  actor: z.strictObject({ kind: z.enum(actorKinds) satisfies z.ZodType<ActorKind>, id: z.string() }),
  accountId: z.string().nullable(),
  clientId: z.string().nullable(),
  requestId: z.string().nullable(),
  outcome: z.enum(outcomes),
  reason: z.string().nullable(),
  data: z.record(
    z.string(),
    z.union([value, z.record(z.string(), value)]) satisfies z.ZodType<AuditValue | AuditFields>,
  ),
  prevHash: z.string(),
  hash: z.string(),
});
const bare = z.object({ seq: z.number().int(), prevHash: z.string().catch(''), hash: z.string().catch('') });

/** What is wrong with a file besides its lines. */
export const fileProblems = ['no_head', 'not_a_line', 'cut_short', 'altered', 'signature'] as const;
export type FileProblem = (typeof fileProblems)[number];

export interface FileVerdict {
  readonly head: ExportHead | null;
  readonly lines: number;
  readonly faults: readonly ChainFault[];
  readonly problems: readonly FileProblem[];
  /** Null: no keys were given to check it with. */
  readonly signed: boolean | null;
}

/**
 * Checks an exported file line by line, away from the database. All lines of a stretch are checked as a chain; of a
 * filtered export each line by itself, and with its neighbour where it is there: that none was left out is what the
 * signature says. `signature` answers the payload of a signature that holds; null: there are no keys.
 */
export async function checkExport(
  texts: AsyncIterable<string>,
  heads: readonly ChainPoint[],
  signature: ((jws: string) => Promise<unknown>) | null,
): Promise<FileVerdict> {
  const tally = newTally();
  const problems = new Set<FileProblem>();
  const faults: ChainFault[] = [];
  let first: ExportHead | null = null;
  let check: ReturnType<typeof checkLines> | null = null;
  let last: z.infer<typeof end>['end'] | null = null;
  for await (const text of texts) {
    // Nothing stands after the end.
    if (last !== null) problems.add('altered');
    const json = read(text);
    if (first === null) {
      const parsed = head.safeParse(json);
      if (!parsed.success) return { head: null, lines: 0, faults: [], problems: ['no_head'], signed: null };
      first = parsed.data;
      check = checkLines(first, heads);
      tally.add(text, false);
      continue;
    }
    const parsed = end.safeParse(json);
    if (parsed.success) {
      last = parsed.data.end;
      continue;
    }
    tally.add(text, true);
    const line = lineOf(json);
    if (line === null) problems.add('not_a_line');
    else faults.push(...(check?.next(line) ?? []));
  }
  if (first === null) return { head: null, lines: 0, faults: [], problems: ['no_head'], signed: null };
  faults.push(...(check?.finish() ?? []));
  const { lines, sha256 } = tally.sum;
  if (last === null) problems.add('cut_short');
  else if (last.lines !== lines || last.sha256 !== sha256) problems.add('altered');
  let holds: boolean | null = null;
  if (last !== null && signature !== null) {
    const said = signed.safeParse(await signature(last.jws));
    holds = said.success && said.data.lines === lines && said.data.sha256 === sha256;
    if (!holds) problems.add('signature');
  }
  return { head: first, lines, faults, problems: [...problems], signed: holds };
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // Whatever it is, it is none of ours; the caller says so.
  }
}

function lineOf(json: unknown): StoredLine | null {
  const whole = entry.safeParse(json);
  if (whole.success) return whole.data;
  const parsed = bare.safeParse(json);
  return parsed.success ? parsed.data : null;
}

/** Lines of a stretch, or of a filter. */
function checkLines({ only, from, last }: ExportHead, noted: readonly ChainPoint[]) {
  const heads = [...noted.filter(({ seq }) => seq >= from && seq <= last.seq), last];
  return only === null ? checkStretch(from, heads) : checkSome(heads);
}

interface LinesCheck {
  next(line: StoredLine): ChainFault[];
  finish(): ChainFault[];
}

function checkStretch(from: number, heads: readonly ChainPoint[]): LinesCheck {
  let check: ReturnType<typeof checkChain> | null = null;
  const at = (line: StoredLine | null) =>
    // What stood before the first line is not in the file, unless it is the first of all.
    checkChain({ seq: from - 1, hash: from === 1 || line?.seq !== from ? '' : line.prevHash }, heads);
  return {
    next(line) {
      check ??= at(line);
      return check.next([line]);
    },
    finish: () => (check ?? at(null)).finish(),
  };
}

function checkSome(heads: readonly ChainPoint[]): LinesCheck {
  const noted = new Map(heads.map(({ seq, hash }) => [seq, hash]));
  let before: ChainPoint = { seq: 0, hash: '' };
  return {
    next(line) {
      const fault = (problem: ChainFault['problem']): ChainFault => ({ problem, seq: line.seq, to: line.seq });
      if (line.seq <= before.seq) return [fault('order')];
      const known = noted.get(line.seq);
      const faults = [
        ...(isWhole(line) && linkHash(line.prevHash, line.seq, line) === line.hash ? [] : [fault('content')]),
        ...(line.seq === before.seq + 1 && line.prevHash !== before.hash ? [fault('link')] : []),
        ...(known === undefined || known === line.hash ? [] : [fault('head')]),
      ];
      before = { seq: line.seq, hash: line.hash };
      return faults;
    },
    finish: () => [],
  };
}
