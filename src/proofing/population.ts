import { z } from 'zod';
import { sameDocument } from '../identity/documents/canonical.ts';
import { nameAnswer, normaliseName } from '../identity/names.ts';
import { newId } from '../lib/crypto.ts';
import type { Applicant, ProofingMethod, ProofingResult } from './method.ts';
import { type SourceSettings, signedCall, unavailableFor } from './signed-call.ts';

const text = z.string().min(1).max(200);
const day = z.iso.date();

/** The register's answer. A union by `result`, so that a match without a record, or a record without a match, is no answer. */
const answerSchema = z.discriminatedUnion('result', [
  z.object({
    request_id: text,
    result: z.literal('match'),
    record: z.object({
      ref: text,
      name: text,
      document_type: text,
      document_number: text,
      birth_date: day.nullable().default(null),
      valid_until: day.nullable().default(null),
      status: z.enum(['active', 'deceased', 'cancelled']),
    }),
  }),
  z.object({ request_id: text, result: z.enum(['mismatch', 'not_found']), record: z.null().optional() }),
  z.object({ request_id: text, result: z.literal('refused'), record: z.null().optional() }),
]);
type Answer = z.infer<typeof answerSchema>;

export type PopulationRegister = ProofingMethod;

/** Client of the population register: does this name go with this number, and does the person still live under it. */
export function populationRegister(source: SourceSettings): PopulationRegister {
  return {
    id: 'population',
    async verify(applicant) {
      const requestId = newId();
      const documentType = applicant.documentType ?? 'cn_resident_id';
      try {
        const answer = await signedCall(
          source,
          '/v1/match',
          {
            request_id: requestId,
            name: applicant.name,
            document_type: documentType,
            document_number: applicant.number,
            purpose: applicant.purpose,
          },
          answerSchema,
        );
        return judge(answer, { ...applicant, documentType }, requestId);
      } catch (error) {
        return unavailableFor(error);
      }
    },
  };
}

/** An answer to another question, or one that contradicts itself, is a fault of the source: nothing follows from it (F-36). */
function judge(answer: Answer, asked: Applicant & { documentType: string }, requestId: string): ProofingResult {
  const contradiction: ProofingResult = { outcome: 'unavailable', retryAfter: 30, odd: true };
  if (answer.request_id !== requestId) return contradiction;
  if (answer.result !== 'match') return { outcome: answer.result };
  const { record } = answer;
  const known = { type: record.document_type, number: record.document_number };
  if (!sameDocument(known, { type: asked.documentType, number: asked.number })) return contradiction;
  if (nameAnswer(record.name, asked.name) !== 'same') return contradiction;
  if (record.status !== 'active') return { outcome: record.status };
  return {
    outcome: 'verified',
    facts: {
      recordRef: record.ref,
      name: normaliseName(record.name),
      documentType: record.document_type,
      documentNumber: record.document_number,
      birthDate: record.birth_date,
      validUntil: record.valid_until === null ? null : new Date(`${record.valid_until}T23:59:59.999+08:00`),
      reference: requestId,
    },
  };
}
