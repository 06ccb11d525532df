import type { JWK } from 'jose';
import { open } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { signJws } from '../lib/jws.ts';
import { auditHead } from '../storage/audit.ts';
import { headOfDay, insertHead, type SignedHead } from '../storage/audit-heads.ts';
import { dayOf } from '../storage/daily-counts.ts';
import { signingKeys } from '../storage/signing-keys.ts';
import type { CommandDeps } from './command.ts';

export const headType = 'shimin-audit-head+jwt';

export type Sign = (payload: object, type: string) => Promise<string>;

/** Signs what is said of the log, with the key that signs ID tokens: whoever verifies has its public half already. */
export async function auditSigner(deps: Pick<CommandDeps, 'db' | 'keyring' | 'clock'>): Promise<Sign> {
  const key = (await signingKeys(deps.db)).find(
    ({ status, alg, retiredAt }) => status === 'current' && alg === 'ES256' && retiredAt === null,
  );
  if (!key) throw new ShiminError('key_missing', { status: 500, message: 'no ES256 key signs now: run `shimin seed`' });
  const jwk: JWK = {
    ...JSON.parse(open(deps.keyring, key.sealedPrivateJwk, `signing-key:${key.kid}`)),
    kid: key.kid,
    alg: key.alg,
  };
  return (payload, type) => signJws({ ...payload, iat: Math.floor(deps.clock().getTime() / 1000) }, jwk, type);
}

/** Signs the newest line of the log, once a day, whichever process does it. Null: the day has its head. */
export async function signAuditHead(deps: CommandDeps): Promise<SignedHead | null> {
  const at = deps.clock();
  const day = dayOf(at);
  if ((await headOfDay(deps.db, day)) !== null) return null;
  const sign = await auditSigner(deps);
  const { seq, hash } = await auditHead(deps.db);
  const head = { day, seq, at, jws: await sign({ seq, hash }, headType) };
  return (await insertHead(deps.db, head)) ? head : null;
}
