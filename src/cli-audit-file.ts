import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { JWK } from 'jose';
import type { ChainPoint } from './audit/chain.ts';
import { checkExport, exportType, type FileProblem, type FileVerdict } from './audit/export.ts';
import { ShiminError } from './lib/errors.ts';
import { verifyJws } from './lib/jws.ts';

/** Checks an exported file without a database. `keys` null: nobody gave any, so signatures are left unchecked. */
export async function verifyFile(
  path: string,
  heads: readonly ChainPoint[],
  keys: readonly JWK[] | null,
): Promise<FileVerdict> {
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) throw new ShiminError('bad_request', { message: `${path} is no file` });
  const texts = createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY });
  return checkExport(texts, heads, keys === null ? null : (jws) => verifyJws(jws, keys, exportType));
}

const told: Readonly<Record<FileProblem, string>> = {
  no_head: 'the file does not begin as an export does',
  not_a_line: 'there is something in the file that is no line of the log',
  cut_short: 'the file has no end: it is not whole',
  altered: 'the file is not what was exported',
  signature: 'nobody known has signed it',
};

/** What the verdict means, for people. */
export function tellFile({ head, lines, problems, signed }: FileVerdict): { bad: string[]; summary: string } {
  const bad = problems.map((problem) => told[problem]);
  const what =
    head === null
      ? 'no export'
      : `${lines} lines, ${head.only === null ? `all from ${head.from} to ${head.last.seq}` : `by ${head.only.by}, up to ${head.last.seq}`}`;
  const signature = { true: 'signed', false: 'not signed', null: 'signature not checked (--jwks)' }[`${signed}`];
  return { bad, summary: `${what}, ${signature}` };
}
