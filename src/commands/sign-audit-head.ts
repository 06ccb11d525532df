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

/** Signs the newest line of the log, once a day, whichever process does it. Null: the day has its head. */
export async function signAuditHead(deps: CommandDeps): Promise<SignedHead | null> {
  const at = deps.clock();
  const day = dayOf(at);
  if ((await headOfDay(deps.db, day)) !== null) return null;
  const key = (await signingKeys(deps.db)).find(
    ({ status, alg, retiredAt }) => status === 'current' && alg === 'ES256' && retiredAt === null,
  );
  if (!key) throw new ShiminError('key_missing', { status: 500, message: 'no ES256 key signs now: run `shimin seed`' });
  const jwk: JWK = {
    ...JSON.parse(open(deps.keyring, key.sealedPrivateJwk, `signing-key:${key.kid}`)),
    kid: key.kid,
    alg: key.alg,
  };
  const { seq, hash } = await auditHead(deps.db);
  const head = { day, seq, at, jws: await signJws({ seq, hash, iat: Math.floor(at.getTime() / 1000) }, jwk, headType) };
  return (await insertHead(deps.db, head)) ? head : null;
}
