import type { Context } from 'koa';
import { catalogue, places, upstreams } from '../assurance/catalogue.ts';
import { evidenceKinds, factorKinds, strengths } from '../assurance/evidence.ts';
import type { AssurancePolicy, LevelRule } from '../assurance/policy.ts';
import { namesIn, storedSchemes } from '../assurance/schemes.ts';
import { type Words, wordsOfAuthentication, wordsOfConfirmed, wordsOfEvidence } from '../assurance/words.ts';
import { categories } from '../identity/person.ts';
import { localeOf } from '../web/preferences.ts';
import { wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';
import { ageUnits, type LevelForm } from './levels-form.ts';
import type { PolicyWords } from './policy-words.ts';

export interface Choice {
  readonly value: string;
  readonly label: string;
}

/** Everything that can be chosen on a level's page, in the reader's words. */
export function levelChoices(
  deps: AdminDeps,
  ctx: Context,
  policy: AssurancePolicy,
  level: string,
  words: PolicyWords,
): object {
  const { i18n } = deps.renderer;
  const locale = localeOf(ctx, i18n);
  const t = wordsOf(deps, ctx);
  const say = (code: string) => t(`policy.rule.${code}`);
  const listed = (values: readonly string[], label: (value: string) => string): Choice[] =>
    values.map((value) => ({ value, label: label(value) }));
  const confirmed = (word: string) => words.lines(wordsOfConfirmed(word))[0] ?? word;
  const source = (id: string) => {
    const key = [`admin.source.${id}.name`, `bridge.name.${id}`, `apps.source.${id}`].find((each) =>
      i18n.has(locale, each),
    );
    return key === undefined ? id : t(key);
  };
  const ofKind = <T>(of: (kind: (typeof evidenceKinds)[number]) => T) =>
    Object.fromEntries(evidenceKinds.map((kind) => [kind, of(kind)]));
  return {
    kinds: listed(evidenceKinds, (kind) => say(`evidence.${kind}`)),
    strengths: listed(strengths, (strength) => say(`strength.${strength}`)),
    places: listed(places, (place) => say(`place.${place}`)),
    categories: listed(categories, (category) => t(`changes.category.${category}`)),
    factors: listed(factorKinds, (kind) => say(`factor.${kind}`)),
    units: Object.keys(ageUnits),
    confirms: ofKind((kind) => listed(catalogue[kind].confirms, confirmed)),
    sources: ofKind((kind) => listed(catalogue[kind].sources ?? upstreams, source)),
    levels: listed(
      policy.levels.flatMap(({ id }) => (id === level ? [] : [id])),
      words.level,
    ),
    schemes: storedSchemes.map((scheme) => ({
      scheme,
      label: t(`levels.scheme.${scheme}`),
      names: listed(namesIn(scheme), (name) => name),
    })),
    /** For words of the draft that are no choice (any more): they stay ticked until somebody unticks them. */
    confirmed,
    source,
    level: words.level,
  };
}

/** Each piece of evidence and each way to sign in as one sentence; what can't be read is told by its kind alone. */
export function spokenRules(
  words: PolicyWords,
  form: LevelForm,
  level: LevelRule | undefined,
): { ways: string[][]; signIns: string[] } {
  const sentence = (said: Words) =>
    words
      .lines(said)
      .map((line) => line.trim())
      .join(' · ');
  const kindAlone = (kind: string) =>
    evidenceKinds.some((known) => known === kind) ? words.text(`policy.rule.evidence.${kind}`, {}) : kind;
  return {
    ways: form.ways.map((way, w) =>
      way.rules.map((rule, r) => {
        const read = level?.identity[w]?.rules[r];
        return read ? sentence(wordsOfEvidence(read)) : kindAlone(rule.kind);
      }),
    ),
    signIns: form.signIns.map((rule, a) => {
      const read = level?.authentication[a];
      if (read) return sentence(wordsOfAuthentication(read));
      return words.text(rule.factors === '1' ? 'policy.rule.one_factor' : 'policy.rule.two_factors', {});
    }),
  };
}
