/**
 * Of each file that is mutated, the tests that run against it: pure and quick, so that a mutant costs seconds (subsets.test.ts
 * is not among them).
 */
const assurance = (...names: string[]) => names.map((name) => `test/assurance/${name}.test.ts`);
const oidc = (...names: string[]) => names.map((name) => `test/oidc/${name}.test.ts`);
const identity = (...names: string[]) => names.map((name) => `test/identity/${name}.test.ts`);

export const table: Readonly<Record<string, readonly string[]>> = {
  'src/assurance/binding.ts': assurance('binding'),
  'src/identity/agreement.ts': identity('agreement'),
  'src/assurance/assess.ts': assurance('assess', 'grounds', 'records', 'each-time'),
  'src/assurance/authentication.ts': assurance('authentication', 'assess'),
  'src/assurance/identity.ts': assurance('identity', 'records', 'faults'),
  'src/assurance/accepted.ts': assurance('accepted'),
  'src/assurance/requirement.ts': assurance('requirement', 'stale'),
  'src/assurance/worth.ts': assurance('worth'),
  'src/assurance/bridge-worth.ts': assurance('upstream-facts'),
  'src/assurance/bridge-offers.ts': assurance('bridge-worth'),
  'src/assurance/upstream-facts.ts': assurance('upstream-facts'),
  'src/assurance/level.ts': assurance('order', 'assess', 'mapping'),
  'src/assurance/level-shown.ts': assurance('level-shown'),
  'src/assurance/cross-device.ts': assurance('cross-device'),
  'src/identity/documents/canonical.ts': identity('canonical'),
  'src/identity/names.ts': identity('names'),
  'src/identity/name-characters.ts': identity('name-characters'),
  'src/identity/person.ts': identity('person', 'names', 'canonical', 'agreement'),
  'src/assurance/by-number.ts': assurance('by-number'),
  'src/assurance/claims.ts': assurance('assess'),
  'src/assurance/each-time.ts': assurance('each-time'),
  'src/assurance/held.ts': assurance('assess'),
  'src/assurance/implies.ts': assurance('order'),
  'src/assurance/mapping.ts': assurance('mapping', 'requirement'),
  'src/assurance/interventions.ts': ['test/interventions/table.test.ts'],
  'src/assurance/verified-claims.ts': assurance('policy', 'records'),
  'src/assurance/plan.ts': assurance('plan', 'faults'),
  'src/assurance/untied.ts': assurance('untied'),
  'src/oidc/api-tokens.ts': oidc('api-tokens'),
  'src/oidc/app-now.ts': oidc('app-now'),
  'src/oidc/browser-binding.ts': oidc('browser-binding'),
  'src/oidc/clients.ts': oidc('clients', 'profiles'),
  'src/oidc/outgoing.ts': oidc('outgoing'),
  'src/oidc/profiles.ts': oidc('profiles'),
  'src/oidc/request.ts': oidc('request'),
};
