import { carries, factorsOf } from './authentication.ts';
import { covers, placeOf } from './catalogue.ts';
import { type AuthenticationEvent, type Evidence, strengths } from './evidence.ts';
import type { AuthenticationRule, EvidenceRule, IdentityWay } from './policy.ts';
import { type Words, words } from './words.ts';

/** Codes of what can be missing. */
export const missingCodes = [
  'none_of_kind',
  'too_weak',
  'not_confirmed',
  'other_source',
  'other_place',
  'other_category',
  'revoked',
  'expired',
  'too_old',
  'no_event',
  'not_in_interaction',
  'authentication_too_old',
  'no_such_property',
  'factor_missing',
  'factors_apart',
  'one_factor',
] as const;
type MissingCode = (typeof missingCodes)[number];

/** Why an evidence rule is not met: what is wrong with the evidence that comes nearest to it. */
export function missingEvidence(way: IdentityWay, rule: EvidenceRule, evidence: readonly Evidence[], at: Date): Words {
  const reasons = evidence
    .filter((item) => item.kind === rule.kind)
    .map((item) => wrong(way, rule, item, at))
    .toSorted((a, b) => b.near - a.near);
  return reasons[0]?.why ?? words('explain.none_of_kind');
}

/** The later a test fails, the nearer the evidence is. */
function wrong(way: IdentityWay, rule: EvidenceRule, item: Evidence, at: Date): { near: number; why: Words } {
  const word = rule.confirms.find((needed) => !covers(item.confirmed, needed));
  const told = (near: number, code: MissingCode, params: Words['params'] = {}) => ({
    near,
    why: words(`explain.${code}`, params),
  });
  if (strengths.indexOf(item.strength) < strengths.indexOf(rule.minStrength)) return told(0, 'too_weak');
  if (word !== undefined) return told(1, 'not_confirmed', { word });
  if (rule.sources !== null && !rule.sources.includes(item.source))
    return told(2, 'other_source', { source: item.source });
  if (rule.place !== null && rule.place !== placeOf(item)) return told(3, 'other_place');
  const { categories } = way;
  if (categories !== null && rule.kind !== 'contact' && (item.category === null || !categories.includes(item.category)))
    return told(4, 'other_category');
  if (item.revokedAt !== null && item.revokedAt <= at) return told(5, 'revoked', { at: item.revokedAt.toISOString() });
  if (item.expiresAt !== null && item.expiresAt <= at) return told(6, 'expired', { at: item.expiresAt.toISOString() });
  return told(7, 'too_old', { at: item.recordedAt.toISOString() });
}

/** Why an authentication rule is not met. `usable`: the events that count for the level. */
export function missingEvent(
  rule: AuthenticationRule,
  usable: readonly AuthenticationEvent[],
  events: readonly AuthenticationEvent[],
  at: Date,
): Words {
  const oldest = at.getTime() - rule.maxAge * 1000;
  if (events.length === 0) return words('explain.no_event');
  if (usable.length === 0) return words('explain.not_in_interaction');
  const young = usable.filter((event) => event.at.getTime() > oldest);
  if (young.length === 0) return words('explain.authentication_too_old');
  if (!young.some((event) => carries(rule, event)))
    return words('explain.no_such_property', {}, properties(rule, young));
  const lacking = (rule.kinds ?? []).find((kind) => !factorsOf(young).has(kind));
  if (lacking) return words('explain.factor_missing', {}, [words(`rule.factor.${lacking}`)]);
  // Every kind is there, but no two sign-ins, one of them with the properties, bring them together.
  if (factorsOf(young).size >= rule.factors) return words('explain.factors_apart', {}, factorsAsked(rule));
  return words('explain.one_factor');
}

const factorsAsked = ({ kinds = [] }: AuthenticationRule): Words[] => kinds.map((kind) => words(`rule.factor.${kind}`));

/** The properties that no event has, or else all that are asked for of one event. */
function properties(rule: AuthenticationRule, events: readonly AuthenticationEvent[]): Words[] {
  const asked = [
    { code: 'rule.user_verified', needed: rule.userVerified, has: (event: AuthenticationEvent) => event.userVerified },
    {
      code: 'rule.phishing_resistant',
      needed: rule.phishingResistant,
      has: (event: AuthenticationEvent) => event.phishingResistant,
    },
    { code: 'rule.device_bound', needed: rule.deviceBound, has: (event: AuthenticationEvent) => event.deviceBound },
  ].filter(({ needed }) => needed);
  const absent = asked.filter(({ has }) => !events.some(has));
  return (absent.length > 0 ? absent : asked).map(({ code }) => words(code));
}
