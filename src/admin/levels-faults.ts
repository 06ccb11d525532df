import type { Context } from 'koa';
import { evidenceKinds, strengths } from '../assurance/evidence.ts';
import type { PolicyFault } from '../assurance/faults.ts';
import type { AssurancePolicy } from '../assurance/policy.ts';
import { wordsOfConfirmed } from '../assurance/words.ts';
import { localeOf } from '../web/preferences.ts';
import { wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';
import type { Fault } from './faults.ts';
import { policyWords } from './policy-words.ts';

/** A fault of a draft in words: the level whose form has the field, or null, and where it is. */
export interface ToldFault extends Fault {
  readonly level: string | null;
  readonly label: string;
}

/** Their sentences say where already. */
const saysWhere: readonly PolicyFault['code'][] = ['identity_not_implied', 'authentication_not_implied'];

/** Every fault of a document in words, each with the place it is at. */
export async function toldFaults(
  deps: AdminDeps,
  ctx: Context,
  policy: AssurancePolicy,
  faults: readonly PolicyFault[],
): Promise<ToldFault[]> {
  const { i18n } = deps.renderer;
  const locale = localeOf(ctx, i18n);
  const t = wordsOf(deps, ctx);
  const words = await policyWords(deps, ctx, [policy]);
  /** Words of the document in the reader's language; what is no word of it stays as it is. */
  const spoken = (name: string, value: string | number): string | number => {
    if (name === 'kind' && evidenceKinds.some((kind) => kind === value)) return t(`policy.rule.evidence.${value}`);
    if (name === 'strength' && strengths.some((strength) => strength === value))
      return t(`policy.rule.strength.${value}`);
    if (name === 'scheme' && i18n.has(locale, `levels.scheme.${value}`)) return t(`levels.scheme.${value}`);
    if (name === 'word') return words.lines(wordsOfConfirmed(String(value)))[0] ?? value;
    return value;
  };
  return faults.map(({ path, code, params }) => {
    const [part = '', index = '', ...rest] = path.split('.');
    const level = part === 'levels' ? policy.levels[Number(index)] : undefined;
    const field = level ? fieldOf(rest) : '';
    const named = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, spoken(name, value)]));
    // What the shape's checker says is English and for programmers; which field it is says enough.
    const text = code === 'shape' ? t(shapeKey(rest)) : words.text(`policy.fault.${code}`, named);
    const label = level && !saysWhere.includes(code) ? placeOf(t, field) : part === 'apps' ? words.app(index) : '';
    return { level: level?.id ?? null, field, text, label };
  });
}

function shapeKey(rest: readonly string[]): string {
  const last = rest.at(-1);
  if (last === 'maxAge') return 'levels.fault.age';
  if (last === 'name') return 'levels.fault.name';
  return 'levels.fault.unreadable';
}

/** `identity.1.rules.0.confirms.2` is the field `w1-r0-confirms`; each of them is in `views/admin/level.eta` as `f-…`. */
export function fieldOf([part = '', index = '', ...rest]: readonly string[]): string {
  if (part === 'identity') return index === '' ? 'ways' : wayField(`w${index}`, rest);
  if (part === 'authentication') {
    const [own = ''] = rest;
    if (index === '') return 'sign-ins';
    return own === 'kinds' || own === 'maxAge' ? `a${index}-${own === 'kinds' ? own : 'age'}` : `a${index}`;
  }
  if (part === 'equivalents')
    return ['eidas', 'guangdong', 'singpass'].includes(index) ? `equivalents-${index}` : 'names';
  const known = ['name', 'ial', 'aal', 'rideOnSso', 'dominates', 'labels'];
  return known.includes(part) ? part : 'names';
}

const ruleFields: Readonly<Record<string, string>> = {
  kind: 'kind',
  minStrength: 'strength',
  maxAge: 'age',
  confirms: 'confirms',
  sources: 'sources',
  place: 'place',
};

function wayField(way: string, [part = '', rule = '', own = '']: readonly string[]): string {
  if (part === 'categories' || part === 'independent') return `${way}-${part}`;
  if (part !== 'rules' || rule === '') return way;
  const field = ruleFields[own];
  return field === undefined ? `${way}-r${rule}` : `${way}-r${rule}-${field}`;
}

/** Where on the level's page a field is, for the list of faults above it. */
function placeOf(t: ReturnType<typeof wordsOf>, field: string): string {
  const rule = /^w(\d+)-r(\d+)/.exec(field);
  if (rule) return t('levels.at.rule', { way: Number(rule[1]) + 1, rule: Number(rule[2]) + 1 });
  const way = /^w(\d+)/.exec(field);
  if (way) return t('levels.at.way', { way: Number(way[1]) + 1 });
  const signIn = /^a(\d+)/.exec(field);
  if (signIn) return t('levels.at.sign_in', { rule: Number(signIn[1]) + 1 });
  if (field === 'rideOnSso') return t('levels.at.sso');
  if (field === 'dominates') return t('levels.at.dominates');
  if (field === 'ial' || field === 'aal') return t('levels.at.scales');
  if (field === 'name') return t('levels.at.name');
  if (field === 'ways') return t('levels.identity');
  if (field === 'sign-ins') return t('levels.authentication');
  return t('levels.at.names');
}
