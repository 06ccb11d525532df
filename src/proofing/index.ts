import type { ProofingTraits } from './method.ts';

export const proofingIds = ['population', 'exit-entry', 'face'] as const;
export type ProofingId = (typeof proofingIds)[number];

/** The registry: which evidence each method may yield at most. */
export const proofingMethods: Readonly<Record<ProofingId, ProofingTraits>> = {
  population: {
    id: 'population',
    kind: 'population',
    source: 'population',
    strength: 'fair',
    confirms: ['name', 'document_number'],
    after: [],
  },
  'exit-entry': {
    id: 'exit-entry',
    kind: 'document',
    source: 'exit-entry',
    strength: 'strong',
    confirms: ['name', 'document_number'],
    after: [],
  },
  face: {
    id: 'face',
    kind: 'face',
    source: 'face',
    strength: 'strong',
    confirms: ['photo', 'liveness'],
    // A face is compared with the photo of the record just matched, or it proves presence and nobody's identity.
    after: ['population', 'exit-entry'],
  },
};
