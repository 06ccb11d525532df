import { z } from 'zod';
import type { Db } from './db.ts';
import { json, row, time, timeOrNull, toMs } from './rows.ts';

export const keyStatuses = ['next', 'current', 'previous'] as const;
export type KeyStatus = (typeof keyStatuses)[number];

export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly use: string;
  readonly sealedPrivateJwk: string;
  readonly publicJwk: Readonly<Record<string, unknown>>;
  readonly status: KeyStatus;
  readonly createdAt: Date;
  readonly activatedAt: Date | null;
  /** Once set, it is published no more. */
  readonly retiredAt: Date | null;
}

const keyRow = row({
  kid: z.string(),
  alg: z.string(),
  use: z.string(),
  sealedPrivateJwk: z.string(),
  publicJwk: json(z.record(z.string(), z.unknown())),
  status: z.enum(keyStatuses),
  createdAt: time,
  activatedAt: timeOrNull,
  retiredAt: timeOrNull,
});

/** All keys ever, oldest first; those with `retiredAt` are history. */
export async function signingKeys(db: Db): Promise<SigningKey[]> {
  return (await db('signing_keys').orderBy('created_at').orderBy('kid')).map((raw) => keyRow.parse(raw));
}

export async function insertSigningKey(tx: Db, key: SigningKey): Promise<void> {
  await tx('signing_keys').insert({
    kid: key.kid,
    alg: key.alg,
    use: key.use,
    sealed_private_jwk: key.sealedPrivateJwk,
    public_jwk: JSON.stringify(key.publicJwk),
    status: key.status,
    created_at: toMs(key.createdAt),
    activated_at: toMs(key.activatedAt),
    retired_at: toMs(key.retiredAt),
  });
  await bumpKeyEpoch(tx);
}

/**
 * Moves a key on: next, current, previous, and at last out of publication (`retiredAt`), which destroys its private part.
 * False if there is no such live key. One key per algorithm and use is current, so in a rotation the old one becomes
 * `previous` before the new one becomes `current`, in one transaction.
 */
export async function setKeyStatus(
  tx: Db,
  kid: string,
  status: KeyStatus,
  times: { activatedAt?: Date; retiredAt?: Date } = {},
): Promise<boolean> {
  const changed = await tx('signing_keys')
    .where({ kid })
    .whereNull('retired_at')
    .update({
      status,
      ...(times.activatedAt === undefined ? {} : { activated_at: toMs(times.activatedAt) }),
      ...(times.retiredAt === undefined ? {} : { retired_at: toMs(times.retiredAt), sealed_private_jwk: '' }),
    });
  if (changed === 1) await bumpKeyEpoch(tx);
  return changed === 1;
}

/** Every change of a key does this by itself; here for making all nodes load the keys again without one. */
export async function bumpKeyEpoch(tx: Db): Promise<void> {
  await tx('counters').where({ name: 'key_epoch' }).increment('value', 1);
}

/** Grows with each change of the keys: the cheap question whether to load them again. */
export async function keyEpoch(db: Db): Promise<number> {
  const found = await db('counters').where({ name: 'key_epoch' }).first('value');
  return z.object({ value: z.number() }).parse(found).value;
}
