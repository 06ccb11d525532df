import type { IdentityWorth } from './bridge-worth.ts';
import type { Evidence, PersonCategory } from './evidence.ts';

/** One kind of proof: who vouches, how strongly, for what. */
export type Proof = Pick<Evidence, 'kind' | 'source' | 'strength'> & { readonly confirms: readonly string[] };

/** Two that agree on who somebody is, and nothing of who is asking. */
const recorded = ['name', 'document_number'] as const;
const seen = [...recorded, 'birth_date', 'document', 'photo'] as const;

/**
 * What a proof is worth: the one table. Whatever records, offers, plans or previews a proof takes its kind, source, strength
 * and words from here. `own_phone` says more than `phone`: the number is one that this account confirmed, and it is
 * registered to the very person; it is what ties the person at the keyboard to a record that anybody may know.
 */
export const proofs = {
  sms: { kind: 'contact', source: 'sms', strength: 'weak', confirms: ['phone'] },
  population: { kind: 'population', source: 'population', strength: 'strong', confirms: recorded },
  'exit-entry': { kind: 'document', source: 'exit-entry', strength: 'strong', confirms: recorded },
  face: { kind: 'face', source: 'face', strength: 'strong', confirms: ['liveness', 'photo'] },
  carrier: { kind: 'elements', source: 'carrier', strength: 'fair', confirms: [...recorded, 'phone', 'own_phone'] },
  unionpay: { kind: 'elements', source: 'unionpay', strength: 'fair', confirms: [...recorded, 'phone', 'bank_card'] },
  counter: { kind: 'counter', source: 'counter', strength: 'superior', confirms: [...seen, 'officials:1'] },
  counter_two: { kind: 'counter', source: 'counter', strength: 'superior', confirms: [...seen, 'officials:2'] },
} as const satisfies Record<string, Proof>;
export type ProofId = keyof typeof proofs;

const born = [...recorded, 'birth_date'] as const;
const present = ['photo', 'liveness'] as const;

/** What each upstream's word for a level is worth as to who somebody is; the bridges say which of its answers mean it. */
export const upstreamProofs = {
  alipay: { certified: { strength: 'strong', confirms: recorded } },
  // Its lowest accounts are of the form only and are not here. The middle one compared a face, the highest a card.
  guangdong: {
    L1: { strength: 'strong', confirms: recorded },
    L2: { strength: 'superior', confirms: recorded },
    L3: { strength: 'superior', confirms: recorded },
  },
  'iam-smart': {
    basic: { strength: 'strong', confirms: born },
    // Registered in person or at a kiosk, against the card and its holder.
    plus: { strength: 'superior', confirms: [...born, ...present] },
  },
  macao: { verified: { strength: 'strong', confirms: born } },
  'network-id': {
    named: { strength: 'strong', confirms: born },
    present: { strength: 'superior', confirms: [...born, ...present] },
  },
  openid: {
    strong: { strength: 'strong', confirms: born },
    superior: { strength: 'superior', confirms: born },
  },
  singpass: {
    // Opened on a foreign document and not on the word of a Singapore register.
    foreign: { strength: 'fair', confirms: ['name'] },
    loa2: { strength: 'strong', confirms: recorded },
    loa3: { strength: 'superior', confirms: [...recorded, ...present] },
  },
  // A card that the household registry gave out in person.
  'tw-fido': { citizen: { strength: 'superior', confirms: recorded } },
} as const satisfies Record<string, Record<string, IdentityWorth>>;

/**
 * What nobody gives yet and a policy may name already: their sources have no module, so that rules which ask for them are
 * kept and met by no one until then.
 */
export const announced: readonly Proof[] = [
  { kind: 'contact', source: 'email', strength: 'weak', confirms: ['email'] },
  { kind: 'population', source: 'population', strength: 'strong', confirms: ['birth_date', 'photo'] },
  { kind: 'document', source: 'counter', strength: 'strong', confirms: seen },
  { kind: 'elements', source: 'bank', strength: 'fair', confirms: [...recorded, 'phone', 'bank_card'] },
  { kind: 'upstream', source: 'bank', strength: 'superior', confirms: ['phone', 'email'] },
  {
    kind: 'legal_person',
    source: 'legal-person',
    strength: 'strong',
    confirms: [...recorded, 'credit_code', 'representative'],
  },
];

/** A proof as the ledger and the planner have it. */
export const provedBy = ({ kind, source, strength, confirms }: Proof) => ({
  kind,
  source,
  strength,
  confirmed: confirms,
});

/** A proof as a row that begins now and that nothing has ended: for asking what it would change. */
export const supposed = (id: string, proof: Proof, category: PersonCategory | null, now: Date): Evidence => ({
  ...provedBy(proof),
  id,
  category,
  recordedAt: now,
  expiresAt: null,
  revokedAt: null,
});
