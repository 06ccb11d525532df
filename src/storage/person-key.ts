import { z } from 'zod';
import { ShiminError } from '../lib/errors.ts';
import type { Db } from './db.ts';

/** The sealed key of the person behind an account; every sealed column of theirs is under it. */
export async function sealedKeyOf(db: Db, accountId: string): Promise<string> {
  const found = await db('accounts').where({ id: accountId }).first('sealed_key');
  if (found === undefined)
    throw new ShiminError('not_found', { status: 404, message: 'no such account', detail: { accountId } });
  return z.string().parse(found.sealed_key);
}

/** The same for what outlives the account; null: it was destroyed, or there is no such account any more. */
export async function personKeyOf(db: Db, accountId: string): Promise<string | null> {
  const found = await db('accounts').where({ id: accountId }).first('sealed_key');
  const key = found === undefined ? '' : z.string().parse(found.sealed_key);
  return key === '' ? null : key;
}
