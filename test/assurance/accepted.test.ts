import { describe, expect, it } from 'vitest';
import { type Acceptance, acceptedEvents, acceptedEvidence, personCategory } from '../../src/assurance/accepted.ts';
import { event, evidence, kinds, now } from './support.ts';

const taking = (allow: string[] | null, deny: string[], categories: Acceptance['categories'] = null): Acceptance => ({
  categories,
  sources: { allow, deny },
});

describe('the sign-ins that count for an app', () => {
  const here = event({ method: 'password' });
  const alipay = event({ method: 'bridge', credentialId: 'alipay:1' });
  const singpass = event({ method: 'bridge', credentialId: 'singpass:2' });
  const all = [here, alipay, singpass];
  it('are all where it takes every source', () => expect(acceptedEvents(taking(null, []), all)).toBe(all));
  it.each<[string, Acceptance, typeof all]>([
    ['none over an upstream that it refuses', taking(null, ['alipay']), [here, singpass]],
    ['none over an upstream that it does not name', taking(['alipay'], []), [here, alipay]],
    ['none over one that it names and refuses', taking(['alipay', 'singpass'], ['alipay']), [here, singpass]],
    ['those that were here where it names no upstream', taking([], []), [here]],
    ['all where it refuses none of theirs, and categories are no matter', taking(null, ['macao'], ['macao']), all],
  ])('%s', (_what, acceptance, counting) => expect(acceptedEvents(acceptance, all)).toEqual(counting));
});

describe('the evidence that counts for an app', () => {
  it.each<[string, Acceptance, string[]]>([
    ['a source that it names', taking(['population'], []), ['population']],
    ['categories, without any source', taking(null, [], ['hong_kong']), ['contact', 'document']],
    ['neither a refused source nor another category', taking(null, ['contact'], ['hong_kong']), ['document']],
  ])('%s', (_what, acceptance, counting) => {
    const items = [kinds.contact, kinds.population, kinds.permit];
    expect(acceptedEvidence(acceptance, items).map(({ kind }) => kind)).toEqual(counting);
  });
});

it('of evidence as old as other evidence, the later in the list says the category', () => {
  const both = (['macao', 'taiwan'] as const).map((category) =>
    evidence({ kind: 'document', category, recordedAt: now }),
  );
  expect(personCategory(both)).toBe('taiwan');
  expect(personCategory(both.toReversed())).toBe('macao');
});
