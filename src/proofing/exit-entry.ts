import { z } from 'zod';
import { canonicalDocument, sameDocument } from '../identity/documents/canonical.ts';
import { nameAnswer, normaliseName } from '../identity/names.ts';
import { categoryOfDocument } from '../identity/person.ts';
import { newId } from '../lib/crypto.ts';
import type { Applicant, ProofingMethod, ProofingResult } from './method.ts';
import { type SourceSettings, signedCall, unavailableFor } from './signed-call.ts';

/** Documents that the exit-entry administration issues, by the words of src/identity/documents.ts. */
export const exitEntryDocuments = [
  'cn_hm_travel_permit',
  'cn_hm_travel_permit_noncn',
  'cn_tw_travel_permit',
  'cn_hmt_residence_permit',
  'cn_foreign_pr_18',
  'cn_foreign_pr_15',
] as const;
export type ExitEntryDocument = (typeof exitEntryDocuments)[number];

const isExitEntryDocument = (type: string): type is ExitEntryDocument => exitEntryDocuments.some((own) => own === type);

const text = z.string().min(1).max(200);
const day = z.iso.date();

const recordSchema = z.object({
  ref: text,
  name: text,
  name_simplified: text.nullable(),
  name_latin: text.nullable(),
  document_type: text,
  document_number: text,
  issue_number: z
    .string()
    .regex(/^[0-9]{2}$/)
    .nullable(),
  birth_date: day,
  valid_until: day,
  also_known: z.array(z.object({ document_type: text, document_number: text })).max(20),
});
type PermitRecord = z.infer<typeof recordSchema>;

/** A union by `result`: a match without a record, or a record without a match, is no answer. */
const answerSchema = z.discriminatedUnion('result', [
  z.object({ request_id: text, result: z.literal('verified'), record: recordSchema }),
  z.object({
    request_id: text,
    result: z.enum(['mismatch', 'not_found', 'lost', 'cancelled', 'expired', 'refused']),
    record: z.null().optional(),
  }),
]);
type Answer = z.infer<typeof answerSchema>;

interface Asked {
  readonly name: string;
  readonly type: ExitEntryDocument;
  readonly number: string;
  readonly issue: string | null;
}

export type ExitEntryService = ProofingMethod;

/**
 * Client of the Guangdong platform's verification of exit-entry documents: does this name go with this permit, and is the permit still
 * good. It says so for the name as on the document, in its simplified form, or romanised.
 */
export function exitEntryService(source: SourceSettings): ExitEntryService {
  return {
    id: 'exit-entry',
    async verify(applicant) {
      const asked = askedOf(applicant);
      // Another authority's document: it is not asked about what it can't know.
      if (asked === null) return { outcome: 'refused' };
      const requestId = newId();
      try {
        const answer = await signedCall(
          source,
          '/v1/verify',
          {
            request_id: requestId,
            name: asked.name,
            document_type: asked.type,
            document_number: asked.number,
            issue_number: asked.issue,
            purpose: applicant.purpose,
          },
          answerSchema,
        );
        return judge(answer, asked, requestId, source.clock());
      } catch (error) {
        return unavailableFor(error);
      }
    },
  };
}

function askedOf({ name, number, issue, documentType = '' }: Applicant): Asked | null {
  const read = canonicalDocument(documentType, number);
  return isExitEntryDocument(read.type)
    ? { name, type: read.type, number: read.number, issue: issue ?? read.issue }
    : null;
}

/** An answer to another question, or one that contradicts itself, is a fault of the source: nothing follows from it (F-36). */
function judge(answer: Answer, asked: Asked, requestId: string, now: Date): ProofingResult {
  const contradiction: ProofingResult = { outcome: 'unavailable', retryAfter: 30, odd: true };
  if (answer.request_id !== requestId) return contradiction;
  if (answer.result !== 'verified') return { outcome: answer.result };
  const { record } = answer;
  const ours = sameDocument({ type: record.document_type, number: record.document_number }, asked);
  if (!ours || (asked.issue !== null && record.issue_number !== asked.issue)) return contradiction;
  if (!namesOf(record).some((name) => nameAnswer(name, asked.name) === 'same')) return contradiction;
  // Its last day counts whole, in the city.
  const validUntil = new Date(`${record.valid_until}T23:59:59.999+08:00`);
  if (validUntil < now || new Date(`${record.birth_date}T00:00:00+08:00`) > now) return contradiction;
  return {
    outcome: 'verified',
    facts: {
      recordRef: record.ref,
      name: normaliseName(record.name),
      ...(record.name_latin === null ? {} : { latinName: normaliseName(record.name_latin) }),
      category: categoryOfDocument(asked.type, asked.number),
      documentType: asked.type,
      documentNumber: asked.number,
      alsoKnown: record.also_known
        .map(({ document_type: type, document_number: number }) => canonicalDocument(type, number))
        .map(({ type, number }) => ({ type, number }))
        // A kind of document that we don't know finds nobody here.
        .filter((other) => isExitEntryDocument(other.type) && !sameDocument(other, asked)),
      birthDate: record.birth_date,
      validUntil,
      reference: requestId,
    },
  };
}

const namesOf = (record: PermitRecord): string[] =>
  [record.name, record.name_simplified, record.name_latin].filter((name) => name !== null);
