import type { AuthenticationRule, EvidenceRule, IdentityWay, LevelRule } from '../assurance/policy.ts';

/** A length of time as typed: the count, empty for none, and its unit. */
export interface AgeForm {
  readonly count: string;
  readonly unit: string;
}

export interface RuleForm {
  readonly kind: string;
  readonly minStrength: string;
  readonly age: AgeForm;
  readonly confirms: readonly string[];
  readonly sources: readonly string[];
  readonly place: string;
}

export interface WayForm {
  readonly categories: readonly string[];
  readonly independent: boolean;
  readonly rules: readonly RuleForm[];
}

export interface SignInForm {
  readonly factors: string;
  readonly kinds: readonly string[];
  readonly userVerified: boolean;
  readonly phishingResistant: boolean;
  readonly deviceBound: boolean;
  readonly age: AgeForm;
}

/** A level as fields of a form. Texts are as typed, so that what can't be read comes back to whoever typed it. */
export interface LevelForm {
  readonly name: string;
  readonly ial: string;
  readonly aal: string;
  readonly ways: readonly WayForm[];
  readonly signIns: readonly SignInForm[];
  readonly rideOnSso: boolean;
  readonly dominates: readonly string[];
  /** One a line. */
  readonly labels: string;
  readonly equivalents: Readonly<Record<string, string>>;
}

export const ageUnits = { minutes: 60, hours: 3600, days: 86_400, years: 31_536_000, seconds: 1 } as const;
type AgeUnit = keyof typeof ageUnits;
const isUnit = (unit: string): unit is AgeUnit => Object.hasOwn(ageUnits, unit);
const largestFirst = ['years', 'days', 'hours', 'minutes'] as const;

/** In the largest unit that says it exactly. */
export function ageForm(seconds: number | null): AgeForm {
  if (seconds === null) return { count: '', unit: 'days' };
  const unit = largestFirst.find((each) => seconds % ageUnits[each] === 0) ?? 'seconds';
  return { count: String(seconds / ageUnits[unit]), unit };
}

/** NaN for what is no number: the document's schema refuses it at its place. */
function secondsOf({ count, unit }: AgeForm): number | null {
  if (count === '') return null;
  return /^\d{1,9}$/.test(count) && isUnit(unit) ? Number(count) * ageUnits[unit] : Number.NaN;
}

const ruleForm = (rule: EvidenceRule): RuleForm => ({
  kind: rule.kind,
  minStrength: rule.minStrength,
  age: ageForm(rule.maxAge),
  confirms: rule.confirms,
  sources: rule.sources ?? [],
  place: rule.place ?? '',
});

const wayForm = (way: IdentityWay): WayForm => ({
  categories: way.categories ?? [],
  independent: way.independent,
  rules: way.rules.map(ruleForm),
});

const signInForm = (rule: AuthenticationRule): SignInForm => ({
  factors: String(rule.factors),
  kinds: rule.kinds ?? [],
  userVerified: rule.userVerified,
  phishingResistant: rule.phishingResistant,
  deviceBound: rule.deviceBound,
  age: ageForm(rule.maxAge),
});

export const levelForm = (level: LevelRule): LevelForm => ({
  name: level.name,
  ial: String(level.ial),
  aal: String(level.aal),
  ways: level.identity.map(wayForm),
  signIns: level.authentication.map(signInForm),
  rideOnSso: level.rideOnSso,
  dominates: level.dominates,
  labels: level.labels.join('\n'),
  equivalents: level.equivalents,
});

/** As the document writes it; its schema judges. `known`: the level in the draft, for what the form doesn't speak of. */
export function levelOf(form: LevelForm, known: LevelRule): unknown {
  const listOrNull = (list: readonly string[]) => (list.length === 0 ? null : list);
  const names = { ...known.equivalents, ...form.equivalents };
  return {
    id: known.id,
    name: form.name,
    ial: Number(form.ial),
    aal: Number(form.aal),
    identity: form.ways.map((way) => ({
      categories: listOrNull(way.categories),
      independent: way.independent,
      rules: way.rules.map((rule) => ({
        kind: rule.kind,
        minStrength: rule.minStrength,
        maxAge: secondsOf(rule.age),
        confirms: rule.confirms,
        sources: listOrNull(rule.sources),
        place: rule.place === '' ? null : rule.place,
      })),
    })),
    authentication: form.signIns.map((rule) => ({
      factors: Number(rule.factors),
      userVerified: rule.userVerified,
      phishingResistant: rule.phishingResistant,
      deviceBound: rule.deviceBound,
      // Evidence may be of any age, a sign-in may not.
      maxAge: secondsOf(rule.age),
      ...(rule.kinds.length === 0 ? {} : { kinds: rule.kinds }),
    })),
    rideOnSso: form.rideOnSso,
    dominates: form.dominates,
    labels: form.labels.split('\n').flatMap((line) => line.trim() || []),
    equivalents: Object.fromEntries(Object.entries(names).filter(([, name]) => name !== '')),
  };
}

/** What a new piece of evidence starts from: something that exists, to be made stricter. */
const newRule = (kind: string): RuleForm => ({
  kind,
  minStrength: kind === 'contact' ? 'weak' : kind === 'elements' ? 'fair' : 'strong',
  age: kind === 'contact' ? ageForm(null) : { count: '1', unit: 'years' },
  confirms: [],
  sources: [],
  place: '',
});

const newSignIn: SignInForm = {
  factors: '2',
  kinds: [],
  userVerified: true,
  phishingResistant: true,
  deviceBound: false,
  age: { count: '12', unit: 'hours' },
};

/** A button of the form other than its save: what it does to what is typed, and where the reader goes on. */
export function pressed(
  form: LevelForm,
  button: string,
  kinds: Readonly<Record<string, string>>,
): { form: LevelForm; at: string } {
  const [verb, one = '', two = ''] = button.split('.');
  const [i, j] = [Number(one), Number(two)];
  const { ways, signIns } = form;
  const way = ways[i];
  const withWay = (rules: readonly RuleForm[]) => ({
    ...form,
    ways: ways.map((each, at) => (at === i ? { ...each, rules } : each)),
  });
  if (verb === 'add-way') {
    const empty = { categories: [], independent: false, rules: [newRule('population')] };
    return { form: { ...form, ways: [...ways, empty] }, at: `w${ways.length}` };
  }
  if (verb === 'remove-way' && ways.length > 1) return { form: { ...form, ways: ways.toSpliced(i, 1) }, at: 'ways' };
  if (verb === 'add-rule' && way)
    return { form: withWay([...way.rules, newRule(kinds[one] ?? 'population')]), at: `w${i}-r${way.rules.length}` };
  if (verb === 'remove-rule' && way) return { form: withWay(way.rules.toSpliced(j, 1)), at: `w${i}` };
  if (verb === 'add-sign-in') return { form: { ...form, signIns: [...signIns, newSignIn] }, at: `a${signIns.length}` };
  if (verb === 'remove-sign-in' && signIns.length > 1)
    return { form: { ...form, signIns: signIns.toSpliced(i, 1) }, at: 'sign-ins' };
  return { form, at: '' };
}
