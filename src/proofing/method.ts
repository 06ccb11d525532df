import type { PersonCategory } from '../assurance/evidence.ts';

/** What a person states about themselves, already parsed and checked by src/identity. */
export interface Applicant {
  readonly name: string;
  readonly number: string;
  /** In the words of src/identity/documents.ts; the resident identity card unless said otherwise. */
  readonly documentType?: string;
  /** Which issue of a permit it is, where it was typed with the number. */
  readonly issue?: string;
  /** E.164; for checks that compare it with a carrier's or a bank's file. */
  readonly phone?: string;
  /** When the account confirmed the phone; absent: somebody only typed it. */
  readonly phoneConfirmedAt?: Date;
  /** Digits as printed on the card. It is asked about and forgotten: nothing stores, logs or returns it. */
  readonly bankCard?: string;
  /** For whom the question is asked; the register keeps it (Personal Information Protection Law art. 55, 56). */
  readonly purpose: string;
}

export interface KnownDocument {
  /** In the words of src/identity/documents.ts. */
  readonly type: string;
  readonly number: string;
}

/** What the source confirmed. What that is worth stands in `assurance/worth.ts`; which levels it makes is the policy's business. */
export interface ProvedFacts {
  /** The source's own handle of the record; a face check is bound to it. */
  readonly recordRef: string;
  /** The name as registered, in its own script. */
  readonly name: string;
  /** As romanised on the document, if it is. */
  readonly latinName?: string;
  /** Where the document tells whose it is; absent: the register knows one category only. */
  readonly category?: PersonCategory;
  readonly documentType: string;
  readonly documentNumber: string;
  /** Other documents of the same person that the source knows: whoever comes with one of them is found again. */
  readonly alsoKnown?: readonly KnownDocument[];
  readonly birthDate: string | null;
  /** The document's last day, if it ends: evidence ends with it (E14). */
  readonly validUntil: Date | null;
  /** The source's number of this answer, for its own records. */
  readonly reference: string;
}

/** What a register says against somebody's record. */
export const recordRefusals = ['mismatch', 'not_found', 'deceased', 'cancelled', 'lost', 'expired', 'refused'] as const;
export type RecordRefusal = (typeof recordRefusals)[number];

/** How a ceremony at the camera ends without a match. None of it says anything about a record; `face_left`: the person stopped. */
export const faceRefusals = ['face_mismatch', 'face_left', 'face_refused'] as const;
export type FaceRefusal = (typeof faceRefusals)[number];

/** Answers that a person can be told. `unavailable` covers down, slow, garbled and contradictory alike: never a match (F-36). */
export type ProofingResult =
  | { readonly outcome: 'verified'; readonly facts: ProvedFacts }
  | { readonly outcome: RecordRefusal }
  /** `odd`: there was an answer, and it contradicts itself or is about somebody else. */
  | { readonly outcome: 'unavailable'; readonly retryAfter: number; readonly odd?: true };

/** One question, one answer: registers. It never writes, never redirects, never knows the level. */
export interface ProofingMethod {
  readonly id: string;
  verify(applicant: Applicant): Promise<ProofingResult>;
}

export type FaceOutcome =
  | { readonly outcome: 'verified'; readonly recordRef: string; readonly reference: string }
  | { readonly outcome: FaceRefusal }
  | { readonly outcome: 'unavailable'; readonly retryAfter: number };

/** A proof for which the person is sent elsewhere and comes back. `keep` is stored by the area and taken back exactly once. */
export interface HostedProofing {
  readonly id: string;
  start(request: {
    recordRef: string;
    returnUrl: string;
  }): Promise<{ outcome: 'started'; url: string; keep: unknown } | { outcome: 'unavailable'; retryAfter: number }>;
  finish(answer: { keep: unknown; sessionId: string; resultToken: string }): Promise<FaceOutcome>;
}
