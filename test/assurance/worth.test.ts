import { describe, expect, it } from 'vitest';
import { announced, proofs, provedBy, supposed, upstreamProofs } from '../../src/assurance/worth.ts';
import { now } from './support.ts';

const words = (proof: { kind?: string; source?: string; strength: string; confirms: readonly string[] }) =>
  [proof.kind, proof.source, proof.strength, ...proof.confirms].filter((word) => word !== undefined).join(' ');

/** The table once more, in words: a proof that becomes worth more or less is a decision, and no slip. */
describe('what a proof is worth', () => {
  it.each<[keyof typeof proofs, string]>([
    ['sms', 'contact sms weak phone'],
    ['population', 'population population strong name document_number'],
    ['exit-entry', 'document exit-entry strong name document_number'],
    ['face', 'face face strong liveness photo'],
    ['carrier', 'elements carrier fair name document_number phone own_phone'],
    ['unionpay', 'elements unionpay fair name document_number phone bank_card'],
    ['counter', 'counter counter superior name document_number birth_date document photo officials:1'],
    ['counter_two', 'counter counter superior name document_number birth_date document photo officials:2'],
  ])('%s', (id, worth) => expect(words(proofs[id])).toBe(worth));

  it('of an upstream, by its own word for the level', () => {
    const told = Object.entries(upstreamProofs).flatMap(([bridge, levels]) =>
      Object.entries(levels).map(([level, worth]) => `${bridge} ${level}: ${words(worth)}`),
    );
    expect(told).toEqual([
      'alipay certified: strong name document_number',
      'guangdong L1: strong name document_number',
      'guangdong L2: superior name document_number',
      'guangdong L3: superior name document_number',
      'iam-smart basic: strong name document_number birth_date',
      'iam-smart plus: superior name document_number birth_date photo liveness',
      'macao verified: strong name document_number birth_date',
      'network-id named: strong name document_number birth_date',
      'network-id present: superior name document_number birth_date photo liveness',
      'openid strong: strong name document_number birth_date',
      'openid superior: superior name document_number birth_date',
      'singpass foreign: fair name',
      'singpass loa2: strong name document_number',
      'singpass loa3: superior name document_number photo liveness',
      'tw-fido citizen: superior name document_number',
    ]);
  });

  it('of what nobody gives yet', () => {
    expect(announced.map(words)).toEqual([
      'contact email weak email',
      'population population strong birth_date photo',
      'document counter strong name document_number birth_date document photo',
      'elements bank fair name document_number phone bank_card',
      'upstream bank superior phone email',
      'legal_person legal-person strong name document_number credit_code representative',
    ]);
  });

  it('as a row of the ledger, and as one that begins now and that nothing ended', () => {
    const row = { kind: 'contact', source: 'sms', strength: 'weak', confirmed: ['phone'] };
    expect(provedBy(proofs.sms)).toEqual(row);
    const supposedly = { ...row, id: 'x', category: 'macao', recordedAt: now, expiresAt: null, revokedAt: null };
    expect(supposed('x', proofs.sms, 'macao', now)).toEqual(supposedly);
  });
});
