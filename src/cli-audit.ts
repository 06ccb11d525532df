import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { JWK } from 'jose';
import { z } from 'zod';
import { type ChainPoint, chainStart } from './audit/chain.ts';
import { type ChainFault, checkChain } from './audit/faults.ts';
import { tellFile, verifyFile } from './cli-audit-file.ts';
import type { CommandDeps } from './commands/command.ts';
import { headType, signAuditHead } from './commands/sign-audit-head.ts';
import { exportHead } from './jobs/audit-heads.ts';
import { ShiminError } from './lib/errors.ts';
import { verifyJws } from './lib/jws.ts';
import { auditLines } from './storage/audit.ts';
import { signedHeads } from './storage/audit-heads.ts';
import type { Db } from './storage/db.ts';
import { signingKeys } from './storage/signing-keys.ts';

interface AuditVerbs {
  readonly program: Command;
  readonly verb: (name: string, about: string, parent: Command) => Command;
  readonly withDeps: (work: (deps: CommandDeps) => Promise<void>) => Promise<void>;
  readonly withDb: (work: (db: Db) => Promise<void>) => Promise<void>;
  readonly say: (json: boolean | undefined, data: object, text: string) => void;
  exitWith(code: number): void;
}

const pageSize = 5_000;
const payload = z.object({ seq: z.number(), hash: z.string() });

/** `audit verify` and `audit head`: whether the log is what was written, and a signed point of it to keep elsewhere. */
export function auditVerbs({ program, verb, withDeps, withDb, say, exitWith }: AuditVerbs): void {
  const audit = program.command('audit').description('the log that cannot be rewritten quietly').exitOverride();
  verb('verify', 'looks for changed, missing and reordered lines; exits with 1 if there are any', audit)
    .option('--heads <folder>', 'signed heads that were kept elsewhere')
    .option('--jwks <file>', 'public keys that were kept elsewhere, for their signatures')
    .option('--file <file>', 'an exported file, checked by itself: no database is opened')
    .action((options: { json?: boolean; heads?: string; jwks?: string; file?: string }) =>
      options.file !== undefined
        ? verifyExport(options.file, options)
        : withDb(async (db) => {
            const { heads, refused } = await notedHeads(db, options);
            const { faults, lines } = await verifyAudit(db, heads);
            const bad = [...refused.map(unsigned), ...faults.map(told)];
            const summary = `${lines} lines, ${heads.length} signed heads, ${bad.length === 0 ? 'nothing wrong' : `${bad.length} faults`}`;
            say(options.json, { lines, heads: heads.length, faults, refused }, [...bad, summary].join('\n'));
            exitWith(bad.length > 0 ? 1 : 0);
          }),
    );
  async function verifyExport(file: string, options: { json?: boolean; heads?: string; jwks?: string }): Promise<void> {
    const keys = options.jwks === undefined ? null : await keysOf(options.jwks);
    const files = options.heads === undefined ? [] : await headFiles(options.heads);
    const { heads, refused } = await checkedHeads(files, keys ?? []);
    const verdict = await verifyFile(file, heads, keys);
    const { bad, summary } = tellFile(verdict);
    const all = [...refused.map(unsigned), ...bad, ...verdict.faults.map(told)];
    const { lines, faults, problems, signed } = verdict;
    const said = { lines, heads: heads.length, faults, refused, problems, signed };
    say(
      options.json,
      said,
      [...all, `${summary}, ${all.length === 0 ? 'nothing wrong' : `${all.length} faults`}`].join('\n'),
    );
    exitWith(all.length > 0 ? 1 : 0);
  }

  verb('head', 'signs the newest line if the day has no head yet, and prints all heads', audit)
    .option('--to <folder>', 'also leave each as a file there')
    .action(({ json, to }: { json?: boolean; to?: string }) =>
      withDeps(async (deps) => {
        await signAuditHead(deps);
        const heads = await signedHeads(deps.db);
        if (to !== undefined) for (const head of heads) await exportHead(to, head);
        say(json, { heads }, heads.map(({ day, seq, jws }) => `${day} ${seq} ${jws}`).join('\n'));
      }),
    );
}

/** Reads the whole log, page by page; memory does not grow with it. */
export async function verifyAudit(
  db: Db,
  heads: readonly ChainPoint[],
): Promise<{ faults: ChainFault[]; lines: number }> {
  const check = checkChain(chainStart, heads);
  const faults: ChainFault[] = [];
  for (let afterSeq = 0; ; ) {
    const lines = await auditLines(db, { afterSeq, limit: pageSize });
    faults.push(...check.next(lines));
    const last = lines.at(-1);
    if (!last) break;
    afterSeq = last.seq;
  }
  return { faults: [...faults, ...check.finish()], lines: check.lines };
}

/** Heads whose signature holds, of the database and of a folder; of the others the names. */
async function notedHeads(
  db: Db,
  options: { heads?: string; jwks?: string },
): Promise<{ heads: ChainPoint[]; refused: string[] }> {
  const keys = options.jwks === undefined ? await ownKeys(db) : await keysOf(options.jwks);
  const named = [
    ...(await signedHeads(db)).map(({ day, jws }) => ({ name: String(day), jws })),
    ...(options.heads === undefined ? [] : await headFiles(options.heads)),
  ];
  return checkedHeads(named, keys);
}

async function checkedHeads(
  named: readonly { name: string; jws: string }[],
  keys: readonly JWK[],
): Promise<{ heads: ChainPoint[]; refused: string[] }> {
  const heads: ChainPoint[] = [];
  const refused: string[] = [];
  for (const { name, jws } of named) {
    const point = payload.safeParse(await verifyJws(jws, keys, headType));
    if (point.success) heads.push(point.data);
    else refused.push(name);
  }
  return { heads, refused };
}

const jwks = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });

const ownKeys = async (db: Db): Promise<JWK[]> =>
  (await signingKeys(db)).map(({ publicJwk, kid, alg }) => ({ ...publicJwk, kid, alg, kty: String(publicJwk.kty) }));

async function keysOf(file: string): Promise<JWK[]> {
  try {
    return jwks.parse(JSON.parse(await readFile(file, 'utf8'))).keys;
  } catch (cause) {
    throw new ShiminError('bad_request', { message: `${file} is no JWK set`, cause });
  }
}

async function headFiles(folder: string): Promise<{ name: string; jws: string }[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jws')).toSorted();
  return Promise.all(names.map(async (name) => ({ name, jws: (await readFile(join(folder, name), 'utf8')).trim() })));
}

const unsigned = (name: string) => `head ${name}: nobody known has signed it`;

function told({ problem, seq, to }: ChainFault): string {
  const where = seq === to ? `line ${seq}` : `lines ${seq} to ${to}`;
  const what = {
    missing: 'missing',
    order: 'out of order',
    content: 'changed',
    link: 'does not follow the line before',
    end: 'missing at the end, by a signed head',
    head: 'not what the signed head says',
  };
  return `${where}: ${what[problem]}`;
}
