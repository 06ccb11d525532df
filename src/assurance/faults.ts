/** Everything that can be wrong with a policy; texts for people are in i18n as `policy.fault.<code>`. */
const messages = {
  shape: '{detail}',
  no_levels: 'there is no level',
  unknown_level: 'unknown level {level}',
  cycle: '{level} and {other} dominate each other',
  axis_order: '{other} is higher than {level} on one axis',
  identity_not_implied: 'way {way} of {level} does not meet any way of {other}, which it says it dominates',
  authentication_not_implied: 'rule {rule} of {level} does not meet any rule of {other}, which it says it dominates',
  sso_not_implied: '{level} rides on SSO, but {other}, which it says it dominates, does not',
  used_twice: '{label} is used twice',
  repeated: '{value} is listed twice',
  empty_list: 'an empty list lets nobody in; leave it out to take any',
  unknown_source: 'no source is called {source}',
  unknown_word: 'no source confirms {word} with evidence of kind {kind}',
  too_strong: 'no source gives evidence of kind {kind} as strong as {strength}',
  wrong_place: 'evidence of kind {kind} never comes from that place',
  no_source: 'no source gives such evidence of kind {kind}',
  not_independent: 'its rules can only be met by one and the same source',
  category_not_shown: 'no evidence of this way says a category of person',
  factor_contradiction: 'no factor of that kind can be phishing-resistant, user-verified or device-bound',
  kinds_beyond_factors: 'more kinds of factor are named than factors are asked for',
  unknown_scheme: 'unknown scheme {scheme}',
  unknown_external: 'the scheme {scheme} has no {name}',
  external_twice: '{name} of {scheme} already stands for {other}',
  external_order: '{level} dominates {other}, but has no higher name in {scheme}',
  external_contradicts: '{label} is another name of {scheme} than {name}',
  allowed_and_denied: '{source} is both allowed and denied',
  floor_unmeetable: 'with what the app accepts nobody can reach {level}',
  category_not_established: '{level} can be held without showing a category of person',
  bad_scope: '{scope} is not a scope',
  bad_resource: '{resource} is not an absolute address without a fragment',
} as const;

export type FaultCode = keyof typeof messages;

export interface PolicyFault {
  /** Where in the document, dotted. */
  readonly path: string;
  readonly code: FaultCode;
  readonly params: Readonly<Record<string, string | number>>;
  /** In English, for logs and command lines. */
  readonly message: string;
}

export function fault(path: string, code: FaultCode, params: PolicyFault['params'] = {}): PolicyFault {
  const message = messages[code].replaceAll(/\{(\w+)\}/g, (_all, name: string) => String(params[name]));
  return { path, code, params, message };
}

export const shapeFault = (path: string, detail: string): PolicyFault => fault(path, 'shape', { detail });

export const faultCodes = Object.keys(messages);
