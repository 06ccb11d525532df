import { catalogue, officials } from './catalogue.ts';
import { strengths } from './evidence.ts';
import { fault, type PolicyFault } from './faults.ts';
import { sourcesFor } from './implies.ts';
import type { AuthenticationRule, EvidenceRule, IdentityWay } from './policy.ts';
import type { Sources } from './policy-faults.ts';

/** What makes a way to show who one is senseless: nobody could ever go it. */
export function wayFaults(way: IdentityWay, path: string, sources: Sources): PolicyFault[] {
  const faults = [
    ...(way.categories === null ? [] : listFaults(way.categories, `${path}.categories`)),
    ...way.rules.flatMap((rule, i) => evidenceFaults(rule, `${path}.rules.${i}`, sources)),
  ];
  if (way.categories !== null && way.rules.every((rule) => rule.kind === 'contact'))
    faults.push(fault(`${path}.categories`, 'category_not_shown'));
  const possible = way.rules.map((rule) => sourcesFor(rule, sources.extra));
  // A rule without any source has been named already.
  if (way.independent && possible.every((list) => list.length > 0) && !canBeApart(possible))
    faults.push(fault(`${path}.independent`, 'not_independent'));
  return faults;
}

function evidenceFaults(rule: EvidenceRule, path: string, { all, extra }: Sources): PolicyFault[] {
  const { kind, minStrength: strength } = rule;
  const { strongest, confirms } = catalogue[kind];
  const unknown = rule.sources?.some((source) => !all.has(source)) ?? false;
  const faults = [
    ...(rule.sources === null ? [] : sourceFaults(rule.sources, `${path}.sources`, all)),
    ...repeats(rule.confirms, `${path}.confirms`),
    ...rule.confirms.flatMap((word, i) =>
      confirms.includes(word) ? [] : [fault(`${path}.confirms.${i}`, 'unknown_word', { word, kind })],
    ),
  ];
  if (strengths.indexOf(strength) > strengths.indexOf(strongest))
    faults.push(fault(`${path}.minStrength`, 'too_strong', { kind, strength }));
  const words = rule.confirms.filter((word) => officials(word) !== null);
  if (words.length > 1) faults.push(fault(`${path}.confirms`, 'repeated', { value: words.join(', ') }));
  if (!unknown && rule.sources?.length !== 0 && sourcesFor(rule, extra).length === 0) {
    const elsewhere = sourcesFor({ ...rule, place: null }, extra).length > 0;
    faults.push(elsewhere ? fault(`${path}.place`, 'wrong_place', { kind }) : fault(path, 'no_source', { kind }));
  }
  return faults;
}

/** Contradictions inside a way to authenticate (SP 800-63B-4 3: what each kind of factor can do). */
export function authenticationFaults(rules: readonly AuthenticationRule[], path: string): PolicyFault[] {
  return rules.flatMap((rule, i) => {
    const kinds = rule.kinds ?? [];
    const at = `${path}.${i}.kinds`;
    const properties = rule.phishingResistant || rule.userVerified || rule.deviceBound;
    const faults = repeats(kinds, at);
    if (kinds.length > rule.factors) faults.push(fault(at, 'kinds_beyond_factors'));
    // What one knows can be told to anybody: it resists nobody, verifies nobody and is bound to nothing.
    else if (properties && rule.factors === 1 && kinds.includes('knowledge'))
      faults.push(fault(at, 'factor_contradiction'));
    return faults;
  });
}

/** Faults of a list of source words. */
export function sourceFaults(list: readonly string[], path: string, known: ReadonlySet<string>): PolicyFault[] {
  return [
    ...listFaults(list, path),
    ...list.flatMap((source, i) => (known.has(source) ? [] : [fault(`${path}.${i}`, 'unknown_source', { source })])),
  ];
}

/** Faults of a list that stands for "any of these". */
export const listFaults = (list: readonly string[], path: string): PolicyFault[] =>
  list.length === 0 ? [fault(path, 'empty_list')] : repeats(list, path);

const repeats = (list: readonly string[], path: string): PolicyFault[] =>
  list.flatMap((value, i) => (list.indexOf(value) < i ? [fault(`${path}.${i}`, 'repeated', { value })] : []));

/** Whether each list can give another word. */
export function canBeApart(lists: readonly (readonly string[])[], taken: readonly string[] = []): boolean {
  const [first, ...rest] = lists;
  if (!first) return true;
  return first.some((word) => !taken.includes(word) && canBeApart(rest, [...taken, word]));
}
