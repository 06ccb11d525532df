import { z } from 'zod';
import type { Db } from './db.ts';
import { row, time, toMs } from './rows.ts';

/** The newest line of a day, signed: whoever keeps a copy elsewhere sees if the log was written anew. */
export interface SignedHead {
  /** In the city's calendar: 20261123. */
  readonly day: number;
  readonly seq: number;
  readonly at: Date;
  readonly jws: string;
}

const headRow = row({ day: z.number(), seq: z.number(), at: time, jws: z.string() });

/** False: the day has its head already, perhaps by another process. */
export async function insertHead(db: Db, head: SignedHead): Promise<boolean> {
  const inserted: unknown[] = await db('audit_heads')
    .insert({ day: head.day, seq: head.seq, at: toMs(head.at), jws: head.jws })
    .onConflict('day')
    .ignore()
    .returning('day');
  return inserted.length === 1;
}

export async function signedHeads(db: Db): Promise<SignedHead[]> {
  return (await db('audit_heads').orderBy('day')).map((raw) => headRow.parse(raw));
}

export async function headOfDay(db: Db, day: number): Promise<SignedHead | null> {
  const found: unknown = await db('audit_heads').where({ day }).first();
  return found === undefined ? null : headRow.parse(found);
}

/** The first head that was signed after a line was written; heads are one a day, so there are few. */
export async function headCovering(db: Db, seq: number): Promise<SignedHead | null> {
  const found: unknown = await db('audit_heads').where('seq', '>=', seq).orderBy('day').first();
  return found === undefined ? null : headRow.parse(found);
}
