import { appFaults } from './app-faults.ts';
import { knownSources } from './catalogue.ts';
import { fault, type PolicyFault } from './faults.ts';
import { impliesSso, unmetRules, unmetWays } from './implies.ts';
import { closure } from './level.ts';
import type { AssurancePolicy, LevelRule } from './policy.ts';
import { authenticationFaults, wayFaults } from './rule-faults.ts';
import { nameIn, rankIn, schemeOf, storedScheme } from './schemes.ts';

/** What the document may name besides what is in the catalogue. */
export interface Known {
  readonly sources?: Iterable<string>;
}

/** Source words: all that are known, and those of them that the catalogue does not have. */
export interface Sources {
  readonly all: ReadonlySet<string>;
  readonly extra: ReadonlySet<string>;
}

/** Everything that is wrong with a document of the right shape. */
export function policyFaults(policy: AssurancePolicy, known: Known): PolicyFault[] {
  const extra = new Set(known.sources);
  const sources = { all: new Set([...knownSources, ...extra]), extra };
  return [
    ...(policy.levels.length === 0 ? [fault('levels', 'no_levels')] : []),
    ...policy.levels.flatMap((level, i) => levelFaults(level, `levels.${i}`, sources)),
    ...policy.authenticationLabels.flatMap((label, i) =>
      authenticationFaults(label.authentication, `authenticationLabels.${i}.authentication`),
    ),
    ...orderFaults(policy),
    ...labelFaults(policy),
    ...externalFaults(policy),
    ...appFaults(policy, sources),
  ];
}

const levelFaults = (level: LevelRule, path: string, sources: Sources): PolicyFault[] => [
  ...level.identity.flatMap((way, i) => wayFaults(way, `${path}.identity.${i}`, sources)),
  ...authenticationFaults(level.authentication, `${path}.authentication`),
];

/** The order must be one: no cycles, nothing unknown, and nobody answered with what their own proofs don't meet. */
function orderFaults(policy: AssurancePolicy): PolicyFault[] {
  const byId = new Map(policy.levels.map((level) => [level.id, level]));
  const reach = closure(policy.levels);
  return policy.levels.flatMap((level, i) => {
    const path = `levels.${i}.dominates`;
    return level.dominates.flatMap((id): PolicyFault[] => {
      const lower = byId.get(id);
      if (!lower) return [fault(path, 'unknown_level', { level: id })];
      if (reach.get(id)?.has(level.id)) return [fault(path, 'cycle', { level: level.id, other: id })];
      const names = { level: level.id, other: id };
      return [
        ...(lower.ial > level.ial || lower.aal > level.aal ? [fault(path, 'axis_order', names)] : []),
        ...(impliesSso(level, lower) ? [] : [fault(`levels.${i}.rideOnSso`, 'sso_not_implied', names)]),
        ...unmetWays(level, lower).map((way) =>
          fault(`levels.${i}.identity.${way}`, 'identity_not_implied', { ...names, way: way + 1 }),
        ),
        ...unmetRules(level, lower).map((rule) =>
          fault(`levels.${i}.authentication.${rule}`, 'authentication_not_implied', { ...names, rule: rule + 1 }),
        ),
      ];
    });
  });
}

function labelFaults(policy: AssurancePolicy): PolicyFault[] {
  const seen = new Set<string>();
  const labels = [
    ...policy.levels.flatMap((level, i) =>
      [level.id, ...level.labels].map((label) => ({ label, path: `levels.${i}` })),
    ),
    ...policy.authenticationLabels.map((item, i) => ({ label: item.id, path: `authenticationLabels.${i}` })),
  ];
  return labels.flatMap(({ label, path }) => {
    const twice = seen.has(label);
    seen.add(label);
    return twice ? [fault(path, 'used_twice', { label })] : [];
  });
}

/** A name of another scheme stands for one level, by whichever way it is written down, and in the scheme's own order. */
function externalFaults(policy: AssurancePolicy): PolicyFault[] {
  const owner = new Map<string, string>();
  const faults: PolicyFault[] = [];
  const claim = (path: string, scheme: string, name: string, level: string) => {
    const other = owner.get(`${scheme} ${name}`) ?? level;
    if (other !== level) faults.push(fault(path, 'external_twice', { scheme, name, other }));
    owner.set(`${scheme} ${name}`, other);
  };
  policy.levels.forEach((level, i) => {
    for (const [word, name] of Object.entries(level.equivalents)) {
      const path = `levels.${i}.equivalents.${word}`;
      const scheme = storedScheme(word);
      if (scheme === null) faults.push(fault(path, 'unknown_scheme', { scheme: word }));
      else if (nameIn(scheme, name) !== name) faults.push(fault(path, 'unknown_external', { scheme, name }));
      else claim(path, scheme, name, level.id);
    }
    level.labels.forEach((label, at) => {
      const path = `levels.${i}.labels.${at}`;
      const external = schemeOf(label);
      if (external === null) return;
      const name = level.equivalents[external.scheme];
      if (name !== undefined && name !== external.name)
        faults.push(fault(path, 'external_contradicts', { label, scheme: external.scheme, name }));
      else claim(path, external.scheme, external.name, level.id);
    });
  });
  return [...faults, ...externalOrderFaults(policy)];
}

function externalOrderFaults(policy: AssurancePolicy): PolicyFault[] {
  const reach = closure(policy.levels);
  return policy.levels.flatMap((level, i) =>
    policy.levels
      .filter((other) => reach.get(level.id)?.has(other.id) && !reach.get(other.id)?.has(level.id))
      .flatMap((other) =>
        Object.entries(level.equivalents).flatMap(([word, name]) => {
          const scheme = storedScheme(word);
          const lower = other.equivalents[word];
          if (scheme === null || lower === undefined || rankIn(scheme, name) >= rankIn(scheme, lower)) return [];
          const names = { level: level.id, other: other.id, scheme };
          return [fault(`levels.${i}.equivalents.${word}`, 'external_order', names)];
        }),
      ),
  );
}
