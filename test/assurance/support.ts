import type { AuthenticationEvent, Evidence } from '../../src/assurance/evidence.ts';
import type { EvidenceRule, IdentityWay } from '../../src/assurance/policy.ts';

export const now = new Date('2026-11-23T08:00:00Z');
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000);

let serial = 0;
const next = () => {
  serial += 1;
  return serial;
};
export const evidence = (facts: Partial<Evidence> & Pick<Evidence, 'kind'>): Evidence => ({
  id: `e${next()}`,
  source: facts.kind,
  strength: 'superior',
  category: null,
  confirmed: [],
  recordedAt: ago(3600),
  expiresAt: null,
  revokedAt: null,
  ...facts,
});

export const event = (
  facts: Partial<AuthenticationEvent> & Pick<AuthenticationEvent, 'method'>,
): AuthenticationEvent => ({
  id: `a${next()}`,
  at: ago(60),
  credentialId: null,
  factors: ['possession'],
  userVerified: false,
  phishingResistant: false,
  deviceBound: false,
  interaction: null,
  ...facts,
});

export const kinds = {
  contact: evidence({ kind: 'contact', strength: 'weak' }),
  population: evidence({ kind: 'population', strength: 'strong', confirmed: ['name', 'document_number'] }),
  /** The number that the account confirmed is registered to the same person. */
  tie: evidence({
    kind: 'elements',
    source: 'carrier',
    strength: 'fair',
    confirmed: ['name', 'document_number', 'phone', 'own_phone'],
  }),
  permit: evidence({
    kind: 'document',
    source: 'exit-entry',
    strength: 'strong',
    category: 'hong_kong',
    confirmed: ['name', 'document_number'],
  }),
  face: evidence({ kind: 'face', strength: 'strong', confirmed: ['liveness', 'photo'] }),
  permitFace: evidence({ kind: 'face', strength: 'strong', category: 'hong_kong', confirmed: ['liveness', 'photo'] }),
  counter1: evidence({ kind: 'counter', confirmed: ['officials:1'] }),
  counter2: evidence({ kind: 'counter', confirmed: ['officials:2'] }),
  upstreamStrong: evidence({ kind: 'upstream', strength: 'strong', confirmed: ['name', 'document_number'] }),
  upstreamSuperior: evidence({ kind: 'upstream', strength: 'superior', confirmed: ['name', 'document_number'] }),
};

export const methods = {
  synced: event({
    method: 'passkey',
    factors: ['possession', 'inherence'],
    userVerified: true,
    phishingResistant: true,
  }),
  bound: event({
    method: 'passkey',
    factors: ['possession', 'inherence'],
    userVerified: true,
    phishingResistant: true,
    deviceBound: true,
  }),
  boundHere: event({
    method: 'passkey',
    factors: ['possession', 'inherence'],
    userVerified: true,
    phishingResistant: true,
    deviceBound: true,
    interaction: 'here',
  }),
  unverified: event({ method: 'passkey', phishingResistant: true }),
  password: event({ method: 'password', factors: ['knowledge'] }),
  totp: event({ method: 'totp' }),
  sms: event({ method: 'sms_code' }),
  recovery: event({ method: 'recovery_code' }),
};

export function subsets<T>(all: Readonly<Record<string, T>>): { names: Set<string>; items: T[] }[] {
  const entries = Object.entries(all);
  return Array.from({ length: 2 ** entries.length }, (_, bits) => {
    const chosen = entries.filter((_entry, i) => (bits >> i) & 1);
    return { names: new Set(chosen.map(([name]) => name)), items: chosen.map(([, item]) => item) };
  });
}

export const L = (n: number) => `urn:shimin:loa:${n}`;

/** The level of our own admin console. */
export const S = 'urn:shimin:staff';

export const way = (...rules: EvidenceRule[]): IdentityWay => ({ categories: null, independent: false, rules });
