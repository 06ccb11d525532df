import { z } from 'zod';
import { catalogue } from '../assurance/catalogue.ts';
import { ShiminError } from '../lib/errors.ts';
import type { AgeForm, LevelForm } from './levels-form.ts';

/** The level's form as posted: its fields, the button that sent it, and the revision it was filled in on. */
export interface PostedLevel {
  readonly form: LevelForm;
  readonly button: string;
  readonly revision: number;
  /** Kind of the evidence to add, by way. */
  readonly kinds: Readonly<Record<string, string>>;
}

const text = z.string().max(4000);
const many = z.union([text, z.array(text).max(100)]);
const body = z.record(z.string(), many);

const spoken: ReadonlySet<string> = new Set(Object.values(catalogue).flatMap(({ confirms }) => confirms));

/**
 * Reads the posted fields. Names are `w<way>`, `w<way>-r<rule>-<field>` and `a<rule>-<field>`, counted up without gaps.
 * `end` is the form's last field: what was cut off on the way is no whole level and must not be saved.
 * @throws ShiminError `form_invalid` when it isn't this form, whole
 */
export function readLevel(posted: unknown): PostedLevel {
  const parsed = body.safeParse(posted ?? {});
  if (!parsed.success || parsed.data.end === undefined) throw new ShiminError('form_invalid', { status: 422 });
  const fields = parsed.data;
  const many = (name: string): string[] => {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    return value === undefined ? [] : [value].flat();
  };
  const one = (name: string): string => many(name)[0]?.trim() ?? '';
  const ticked = (name: string) => one(name) !== '';
  const age = (name: string): AgeForm => ({ count: one(`${name}-age`), unit: one(`${name}-unit`) });
  const counted = <T>(marker: (at: number) => string, read: (name: string) => T, name: (at: number) => string): T[] => {
    const items: T[] = [];
    while (many(marker(items.length)).length > 0) items.push(read(name(items.length)));
    return items;
  };
  const revision = Number(one('revision'));
  if (!Number.isSafeInteger(revision)) throw new ShiminError('form_invalid', { status: 422 });
  const rule = (name: string) => ({
    kind: one(`${name}-kind`),
    minStrength: one(`${name}-strength`),
    age: age(name),
    confirms: many(`${name}-confirms`),
    sources: many(`${name}-sources`),
    place: one(`${name}-place`),
  });
  const way = (name: string) => ({
    categories: many(`${name}-categories`),
    independent: ticked(`${name}-independent`),
    rules: counted(
      (at) => `${name}-r${at}-kind`,
      rule,
      (at) => `${name}-r${at}`,
    ),
  });
  const signIn = (name: string) => ({
    factors: one(`${name}-factors`),
    kinds: many(`${name}-kinds`),
    userVerified: ticked(`${name}-userVerified`),
    phishingResistant: ticked(`${name}-phishingResistant`),
    deviceBound: ticked(`${name}-deviceBound`),
    age: age(name),
  });
  const form: LevelForm = {
    name: one('name'),
    ial: one('ial'),
    aal: one('aal'),
    ways: counted(
      (at) => `w${at}`,
      way,
      (at) => `w${at}`,
    ),
    signIns: counted(
      (at) => `a${at}`,
      signIn,
      (at) => `a${at}`,
    ),
    rideOnSso: ticked('rideOnSso'),
    dominates: many('dominates'),
    labels: many('labels').join('\n').replaceAll('\r', ''),
    equivalents: {
      eidas: one('equivalents-eidas'),
      guangdong: one('equivalents-guangdong'),
      singpass: one('equivalents-singpass'),
    },
  };
  // Words that stand in no list were typed by no form; there is no way to say them.
  const unheard = form.ways.some(({ rules }) => rules.some((each) => each.confirms.some((word) => !spoken.has(word))));
  if (unheard) throw new ShiminError('form_invalid', { status: 422 });
  const kinds = Object.fromEntries(form.ways.map((_way, at) => [String(at), one(`w${at}-add`)]));
  return { form, button: one('do'), revision, kinds };
}
