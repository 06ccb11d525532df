import type { AuditEvent } from '../audit/events.ts';
import { changeData } from '../audit/fields.ts';
import { seal } from '../lib/crypto.ts';
import { generateSigningJwk, publicJwk, signingAlgorithms } from '../lib/jwk.ts';
import { append } from '../storage/audit.ts';
import { transaction } from '../storage/db.ts';
import { insertSigningKey, type SigningKey, setKeyStatus, signingKeys } from '../storage/signing-keys.ts';
import type { CommandDeps } from './command.ts';

/** An ID token lives 10 minutes and clients may keep the key set for an hour: twice that, in milliseconds. */
const publishedAfterUse = 2 * 60 * 60 * 1000;

/**
 * Moves each algorithm's keys on: `next` signs, the one that signed stays published as `previous`, a new `next` is
 * published before it ever signs; a `previous` one is published until no token of its can be alive. With no keys yet it makes the
 * first `current` and `next`. Running nodes take the new set up within seconds (OpenID Connect Core 10.1.1).
 */
export async function rotateKeys(
  deps: CommandDeps,
  options: { onlyIfNone?: boolean; actor?: AuditEvent['actor'] } = {},
): Promise<{ rotated: number }> {
  const at = deps.clock();
  const fresh = await Promise.all(
    signingAlgorithms.flatMap((alg) => [generateSigningJwk(alg), generateSigningJwk(alg)]),
  );
  return transaction(deps.db, async (tx) => {
    const rows = (await signingKeys(tx)).filter((row) => row.retiredAt === null);
    if (options.onlyIfNone && rows.length > 0) return { rotated: 0 };
    for (const alg of signingAlgorithms) {
      const [first, second] = fresh.filter((jwk) => jwk.alg === alg);
      if (!first || !second) continue;
      const own = rows.filter((row) => row.alg === alg);
      for (const row of own) {
        if (row.status === 'current') await setKeyStatus(tx, row.kid, 'previous');
        // Demoted when the present one took over; with quick rotations it stays published for its full time.
        else if (row.status === 'previous' && own.some((key) => replacedLongAgo(key, at))) {
          await setKeyStatus(tx, row.kid, 'previous', { retiredAt: at });
        }
      }
      const next = own.find((key) => key.status === 'next');
      const insert = (jwk: typeof first, status: 'current' | 'next') =>
        insertSigningKey(tx, {
          kid: jwk.kid,
          alg: jwk.alg,
          use: 'sig',
          sealedPrivateJwk: seal(deps.keyring, JSON.stringify(jwk), `signing-key:${jwk.kid}`),
          publicJwk: publicJwk(jwk),
          status,
          createdAt: at,
          activatedAt: status === 'current' ? at : null,
          retiredAt: null,
        });
      if (next) await setKeyStatus(tx, next.kid, 'current', { activatedAt: at });
      else await insert(second, 'current');
      await insert(first, 'next');
    }
    await append(tx, {
      at,
      type: 'key.rotated',
      actor: options.actor ?? { kind: 'operator', id: 'cli' },
      accountId: null,
      clientId: null,
      requestId: null,
      outcome: 'ok',
      reason: null,
      data: { algorithms: [...signingAlgorithms], ...changeData(byStatus(rows), byStatus(await signingKeys(tx))) },
    });
    return { rotated: signingAlgorithms.length };
  });
}

/** The keys that are published, by what each is for. */
function byStatus(keys: readonly SigningKey[]): Record<string, string[]> {
  const published = keys.filter(({ retiredAt }) => retiredAt === null);
  const of = (wanted: SigningKey['status']) =>
    published.filter(({ status }) => status === wanted).map(({ alg, kid }) => `${alg} ${kid}`);
  return { current: of('current'), next: of('next'), previous: of('previous') };
}

const replacedLongAgo = (key: SigningKey, at: Date) =>
  key.status === 'current' && key.activatedAt !== null && at.getTime() - key.activatedAt.getTime() > publishedAfterUse;
