import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { assess } from '../../src/assurance/assess.ts';
import { kinds, L, methods, now, S, subsets } from './support.ts';

const here = { interaction: 'here' };

/** The design's table (section 1), written a second time by hand. */
function expected(has: (name: string) => boolean): Set<string> {
  const passkey = has('synced') || has('bound') || has('boundHere');
  const otherPossession = has('unverified') || has('totp') || has('sms') || has('recovery');
  const oneFactor = passkey || otherPossession || has('password');
  const twoFactors = passkey || (has('password') && otherPossession);
  const held = new Set<string>();
  const counter = has('counter1') || has('counter2');
  const superior = has('upstreamSuperior') || counter;
  // A face counts for the permit of the same category of person only; the register asks for none.
  const realPerson =
    (has('population') && (has('face') || has('permitFace'))) || (has('permit') && has('permitFace')) || superior;
  // A record alone is anybody's who knows the name and the number: something ties the person to it.
  const realName = (has('population') && has('tie')) || has('upstreamStrong') || realPerson;
  const level4 = has('counter2') && has('boundHere');
  const level3 = level4 || (passkey && realPerson);
  const level2 = level3 || (twoFactors && realName);
  const level1 = level2 || (oneFactor && (has('contact') || realName));
  if (level1) held.add(L(1));
  if (level2) held.add(L(2));
  if (level3) held.add(L(3));
  if (level4) held.add(L(4));
  if (passkey && (has('contact') || realName)) held.add(S);
  return held;
}

describe('all subsets of evidence and authentication', () => {
  const identities = subsets(kinds);
  const authentications = subsets(methods);

  it('hold exactly the levels of the design, and more never takes one away', () => {
    const byBits: Set<string>[][] = identities.map(() => []);
    identities.forEach((identity, i) => {
      authentications.forEach((authentication, a) => {
        const { held } = assess(defaultPolicy, identity.items, authentication.items, now, here);
        const levels = new Set(held.map(({ level }) => level));
        const oracle = expected((name) => identity.names.has(name) || authentication.names.has(name));
        if ([...oracle].join() !== [...levels].join()) {
          expect({ has: [...identity.names, ...authentication.names], levels: [...levels] }).toEqual({
            has: [...identity.names, ...authentication.names],
            levels: [...oracle],
          });
        }
        byBits[i]?.push(levels);
        // Every subset with one element less was seen before: monotone by induction.
        for (let bit = 1; bit <= i; bit <<= 1) if (i & bit) expectSuperset(levels, byBits[i ^ bit]?.[a]);
        for (let bit = 1; bit <= a; bit <<= 1) if (a & bit) expectSuperset(levels, byBits[i]?.[a ^ bit]);
      });
    });
    expect(byBits.flat()).toHaveLength(1024 * 256);
  });

  function expectSuperset(larger: ReadonlySet<string>, smaller: ReadonlySet<string> | undefined): void {
    for (const level of smaller ?? []) if (!larger.has(level)) expect([...larger]).toContain(level);
  }
});
