import { meetsSomeRule } from './implies.ts';
import { closure, dominates } from './level.ts';
import type { AssurancePolicy, AuthenticationRule, LevelRule } from './policy.ts';
import { nameIn, type Scheme, storedScheme } from './schemes.ts';

/** What a requested `acr` label stands for. */
export type Meaning =
  | { readonly kind: 'level'; readonly label: string; readonly level: string }
  | { readonly kind: 'authentication'; readonly label: string; readonly rules: readonly AuthenticationRule[] };

/** Null for a label that this policy does not know. */
export function meaningOf(policy: AssurancePolicy, label: string): Meaning | null {
  const level = policy.levels.find((rule) => rule.id === label || rule.labels.includes(label));
  if (level) return { kind: 'level', label, level: level.id };
  return authenticationMeaning(policy, label);
}

function authenticationMeaning(policy: AssurancePolicy, label: string): Meaning | null {
  const property = policy.authenticationLabels.find((item) => item.id === label);
  return property ? { kind: 'authentication', label, rules: property.authentication } : null;
}

/** Every label that may be asked for: `acr_values_supported` in discovery. */
export function acrLabels(policy: AssurancePolicy): string[] {
  return [
    ...policy.levels.flatMap((level) => [level.id, ...level.labels]),
    ...policy.authenticationLabels.map((item) => item.id),
  ];
}

/**
 * The name of a level in another scheme; null: none. A level without a name of its own has that of the best level it
 * dominates: it is at least that. NIST's name comes from the two axes, `phr` and `phrh` from the authentication rules.
 */
export function toExternal(policy: AssurancePolicy, level: string, scheme: Scheme): string | null {
  const rule = policy.levels.find(({ id }) => id === level);
  if (!rule) return null;
  if (scheme === 'nist') return nistName(rule);
  if (scheme === 'phr') return propertyOf(policy, rule);
  const below = closure(policy.levels).get(level);
  const named = policy.levels.filter((other) => below?.has(other.id) && other.equivalents[scheme] !== undefined);
  const best = named.find((one) =>
    named.every((other) => other === one || !dominates(policy.levels, other.id, one.id)),
  );
  return best?.equivalents[scheme] ?? null;
}

/**
 * What another scheme's name means here: exactly that, so that the answer serves both who asks for the name and who
 * brings it from an upstream; null: nothing here is called so.
 */
export function fromExternal(policy: AssurancePolicy, scheme: Scheme, name: string): Meaning | null {
  if (scheme === 'phr') return authenticationMeaning(policy, name);
  const stored = storedScheme(scheme);
  const known = stored === null ? name : nameIn(stored, name);
  const called = policy.levels.filter((level) =>
    stored === null ? nistName(level) === known : known !== null && level.equivalents[stored] === known,
  );
  // Several levels may share both axes; the lowest of them is what the name promises.
  const lowest = called.find((one) =>
    called.every((other) => other === one || !dominates(policy.levels, one.id, other.id)),
  );
  return lowest ? { kind: 'level', label: name, level: lowest.id } : null;
}

/** SP 800-63-4 has no name for "no identity proofing". */
const nistName = ({ ial, aal }: LevelRule) => (ial === 0 ? `AAL${aal}` : `IAL${ial}/AAL${aal}`);

/** The strongest authentication label that each of the level's rules meets. */
function propertyOf(policy: AssurancePolicy, level: LevelRule): string | null {
  const met = policy.authenticationLabels.filter((label) =>
    level.authentication.every((rule) => meetsSomeRule(rule, label.authentication)),
  );
  const strongest = met.find((one) =>
    met.every(
      (other) => other === one || one.authentication.every((rule) => meetsSomeRule(rule, other.authentication)),
    ),
  );
  return strongest?.id ?? null;
}
