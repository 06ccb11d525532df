import { describe, expect, it } from 'vitest';
import { type EvidenceKind, evidenceKinds } from '../../src/assurance/evidence.ts';
import { isNamed, isUntied } from '../../src/assurance/untied.ts';
import { evidence, now } from './support.ts';

describe('a record without a tie to the person here', () => {
  const ofRecords: readonly EvidenceKind[] = ['population', 'document', 'elements'];
  it.each(evidenceKinds)('%s', (kind) => {
    expect(isUntied({ ial: 0 }, [evidence({ kind })], now)).toBe(ofRecords.includes(kind));
    expect(isUntied({ ial: 1 }, [evidence({ kind })], now)).toBe(false);
  });
  it('is none where there is no evidence, or it is over; one that is alive among others is', () => {
    const over = evidence({ kind: 'population', revokedAt: now });
    expect(isUntied({ ial: 0 }, [], now)).toBe(false);
    expect(isUntied({ ial: 0 }, [over], now)).toBe(false);
    expect(isUntied({ ial: 0 }, [over, evidence({ kind: 'contact' }), evidence({ kind: 'elements' })], now)).toBe(true);
  });
  it('nobody is named without a proved identity', () => {
    expect([0, 1, 2, 3].map((ial) => isNamed({ ial: ial as 0 | 1 | 2 | 3 }))).toEqual([false, true, true, true]);
  });
});
