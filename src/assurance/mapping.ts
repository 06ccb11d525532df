import type { AssurancePolicy, AuthenticationRule } from './policy.ts';

/** What a requested `acr` label stands for. */
export type Meaning =
  | { readonly kind: 'level'; readonly label: string; readonly level: string }
  | { readonly kind: 'authentication'; readonly label: string; readonly rules: readonly AuthenticationRule[] };

/** Null for a label that this policy does not know. */
export function meaningOf(policy: AssurancePolicy, label: string): Meaning | null {
  const level = policy.levels.find((rule) => rule.id === label || rule.labels.includes(label));
  if (level) return { kind: 'level', label, level: level.id };
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
