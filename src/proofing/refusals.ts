import type { EvidenceKind } from '../assurance/evidence.ts';
import type { FaceRefusal, RecordRefusal } from './method.ts';

/** A proof that was refused: what the audit says of it, and the kinds of the account's own evidence that end with it. */
export interface Refusal {
  readonly reason: string;
  readonly kind: EvidenceKind;
  readonly source: string;
  readonly takes: readonly EvidenceKind[];
}

/** Whether a register's word ends what rested on the record. What does not agree, or is not found, was somebody else's. */
const endsRecord: Readonly<Record<RecordRefusal, boolean>> = {
  deceased: true,
  cancelled: true,
  mismatch: false,
  not_found: false,
  lost: false,
  expired: false,
  refused: false,
};

/**
 * A register's refusal takes what was proved by that register, and the face that was compared with its photo, where the record
 * is the account's `own`: what it says of a stranger whose number was typed takes nothing.
 */
export const recordRefusal = (
  outcome: RecordRefusal,
  { kind, source, own }: Pick<Refusal, 'kind' | 'source'> & { readonly own: boolean },
): Refusal => ({ reason: outcome, kind, source, takes: own && endsRecord[outcome] ? [kind, 'face'] : [] });

/** Whatever happens at the camera, it takes nothing: the record is as good as before. */
export const faceRefusal = (outcome: FaceRefusal): Refusal => ({
  reason: outcome,
  kind: 'face',
  source: 'face',
  takes: [],
});

/** Refused by a rule of ours, such as one person having one account: nothing ends. */
export const ownRefusal = (reason: string, about: Pick<Refusal, 'kind' | 'source'>): Refusal => ({
  ...about,
  reason,
  takes: [],
});
