import { describe, expect, it } from 'vitest';
import {
  type Acceptance,
  acceptedEvents,
  acceptedEvidence,
  anything,
  notAccepted,
  personCategory,
} from '../../src/assurance/accepted.ts';
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

describe('why evidence does not count for an app', () => {
  it.each<[Acceptance, ReturnType<typeof notAccepted>]>([
    [anything, null],
    [taking(['exit-entry'], []), null],
    [taking(['population'], []), 'source_denied'],
    [taking(['exit-entry'], ['exit-entry']), 'source_denied'],
    [taking(null, ['exit-entry'], ['macao']), 'source_denied'],
    [taking(null, ['population'], ['macao', 'hong_kong']), null],
    [taking(null, [], ['macao']), 'category_refused'],
    [taking(null, [], []), 'category_refused'],
  ])('%j: %s', (acceptance, reason) => expect(notAccepted(acceptance, kinds.permit)).toBe(reason));
  it('a contact is of no category, and other evidence of none is of none that is asked for', () => {
    expect(notAccepted(taking(null, [], []), kinds.contact)).toBeNull();
    expect(notAccepted(taking(null, [], ['macao']), kinds.population)).toBe('category_refused');
  });
  it('nothing does not where the app takes anything', () => {
    const items = [kinds.contact, kinds.permit];
    expect(acceptedEvidence(anything, items)).toBe(items);
  });
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

it('a person is of the category that the newest evidence says, if any does', () => {
  expect(personCategory([])).toBeNull();
  expect(personCategory([kinds.contact])).toBeNull();
  const older = evidence({ kind: 'document', category: 'macao', recordedAt: new Date(0) });
  expect(personCategory([kinds.permit, older, kinds.contact])).toBe('hong_kong');
  expect(personCategory([older, kinds.permit])).toBe('hong_kong');
});

it('of evidence as old as other evidence, the later in the list says the category', () => {
  const both = (['macao', 'taiwan'] as const).map((category) =>
    evidence({ kind: 'document', category, recordedAt: now }),
  );
  expect(personCategory(both)).toBe('taiwan');
  expect(personCategory(both.toReversed())).toBe('macao');
});
