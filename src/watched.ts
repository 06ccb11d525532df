import { noteAnswer } from './commands/odd-answers.ts';
import type { Clock } from './lib/clock.ts';
import type { Keyring } from './lib/crypto.ts';
import type { Log } from './lib/log.ts';
import type { ProofingMethod } from './proofing/method.ts';
import type { Db } from './storage/db.ts';

/** A source whose answers are watched for what is odd. Watching is no obstacle: where it fails, the answer is as good. */
export function watched(
  deps: { db: Db; keyring: Keyring; clock: Clock; log: Log },
  method: ProofingMethod,
  { nameOnly }: { nameOnly: boolean },
): ProofingMethod {
  const source = method.id;
  return {
    ...method,
    async verify(applicant) {
      const result = await method.verify(applicant);
      const { name, number, issue, documentType = 'cn_resident_id' } = applicant;
      await noteAnswer(deps, { source, name, number, documentType, issue, nameOnly }, result).catch((error: unknown) =>
        deps.log.warn({ err: error, source }, 'an answer could not be watched'),
      );
      return result;
    },
  };
}
