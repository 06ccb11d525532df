import { z } from 'zod';
import { randomToken, timingSafeEqualStrings } from '../lib/crypto.ts';
import type { FaceOutcome, FaceRefusal, HostedProofing } from './method.ts';
import { type SourceSettings, signedCall, unavailableFor } from './signed-call.ts';

const text = z.string().min(1).max(500);

const sessionSchema = z.object({ session_id: text, url: z.url().max(2000), nonce: text });

const resultSchema = z.object({
  session_id: text,
  nonce: text,
  record_ref: text,
  result: z.enum(['match', 'mismatch', 'cancelled', 'refused']),
  liveness: z.enum(['passed', 'failed', 'none']),
  reference: text,
});

/** What binds a result to us, to this ceremony and to the record just matched (E19). */
const keepSchema = z.object({ sessionId: text, nonce: text, recordRef: text });

export type FaceService = HostedProofing;

/**
 * Client of the face check. The person is compared with the photo of one record of the population register; the result comes
 * over the back channel against a token used once, so nothing in the browser's address counts.
 */
export function faceService(source: SourceSettings): FaceService {
  return {
    id: 'face',
    async start({ recordRef, returnUrl }) {
      const nonce = randomToken();
      try {
        const session = await signedCall(
          source,
          '/v1/sessions',
          { record_ref: recordRef, return_url: returnUrl, nonce },
          sessionSchema,
        );
        // A broken or hostile answer must not make us send citizens to an address of its choice.
        const elsewhere = new URL(session.url).origin !== new URL(source.baseUrl).origin;
        if (elsewhere || session.nonce !== nonce) return { outcome: 'unavailable', retryAfter: 30 };
        return { outcome: 'started', url: session.url, keep: { sessionId: session.session_id, nonce, recordRef } };
      } catch (error) {
        return unavailableFor(error);
      }
    },
    async finish({ keep, sessionId, resultToken }) {
      const kept = keepSchema.safeParse(keep).data;
      // The result of another session, somebody else's or an older one of the same person, is not asked for at all.
      if (kept === undefined || !timingSafeEqualStrings(kept.sessionId, sessionId)) return { outcome: 'face_refused' };
      try {
        const result = await signedCall(
          source,
          '/v1/results',
          { session_id: kept.sessionId, result_token: resultToken },
          resultSchema,
        );
        return judge(result, kept);
      } catch (error) {
        return unavailableFor(error);
      }
    },
  };
}

/** The service's words are those of registers, too: *cancelled* at the camera is a person who pressed Cancel, not a record. */
const refusalOf = {
  mismatch: 'face_mismatch',
  cancelled: 'face_left',
  refused: 'face_refused',
} as const satisfies Record<string, FaceRefusal>;

function judge(result: z.infer<typeof resultSchema>, kept: z.infer<typeof keepSchema>): FaceOutcome {
  const ours =
    result.session_id === kept.sessionId && result.nonce === kept.nonce && result.record_ref === kept.recordRef;
  // A match without a living face is a contradiction, as is anything about another record or session (F-36).
  if (!ours || (result.result === 'match' && result.liveness !== 'passed')) {
    return { outcome: 'unavailable', retryAfter: 30 };
  }
  if (result.result !== 'match') return { outcome: refusalOf[result.result] };
  return { outcome: 'verified', recordRef: result.record_ref, reference: result.reference };
}
