import { describe, expect, it } from 'vitest';
import { evidenceKinds } from '../../src/assurance/evidence.ts';
import { checkModules } from '../../src/proofing/checks.ts';
import { faceRefusals, recordRefusals } from '../../src/proofing/method.ts';
import { faceRefusal, ownRefusal, recordRefusal } from '../../src/proofing/refusals.ts';

/** Every register and check there is, with the kind of evidence that it yields. */
const registers = [
  { kind: 'population', source: 'population' } as const,
  ...checkModules.map(({ traits }) => ({ kind: traits.yields.kind, source: traits.id })),
];
/** Written apart from the code: what a refusal may take from the account whose own record it is about. */
const ends = {
  deceased: true,
  cancelled: true,
  mismatch: false,
  not_found: false,
  lost: false,
  expired: false,
  refused: false,
};

describe('what a refused proof takes from the account', () => {
  for (const register of registers) {
    it.each(recordRefusals)(`${register.source} says %s of the account's own record`, (outcome) => {
      const { takes, reason, kind } = recordRefusal(outcome, { ...register, own: true });
      expect(takes).toEqual(ends[outcome] ? [register.kind, 'face'] : []);
      expect({ reason, kind }).toEqual({ reason: outcome, kind: register.kind });
    });

    it.each(recordRefusals)(`${register.source} says %s of a stranger's record: nothing`, (outcome) => {
      expect(recordRefusal(outcome, { ...register, own: false }).takes).toEqual([]);
    });
  }

  it.each(faceRefusals)('the camera ends with %s: nothing', (outcome) => {
    expect(faceRefusal(outcome)).toEqual({ reason: outcome, kind: 'face', source: 'face', takes: [] });
  });

  it.each(evidenceKinds)('a rule of ours refuses %s: nothing', (kind) => {
    expect(ownRefusal('identity_in_use', { kind, source: 'any' }).takes).toEqual([]);
  });

  it('no word of the camera is a word of a register', () => {
    const words: readonly string[] = recordRefusals;
    expect(faceRefusals.filter((word) => words.includes(word))).toEqual([]);
  });
});
