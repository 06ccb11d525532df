import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ShiminError } from '../lib/errors.ts';

export const locales = ['zh-Hans', 'zh-Hant', 'en', 'pt'] as const;
export type Locale = (typeof locales)[number];

export type Params = Readonly<Record<string, string | number>>;

export interface I18n {
  readonly locales: readonly Locale[];
  /**
   * The text of `key`. With a `count`, `key#one` is taken where the language's plural rule says so.
   * @throws ShiminError `internal` when the key or a placeholder has no value: a hole in a page is a defect
   */
  t(locale: Locale, key: string, params?: Params): string;
  has(locale: Locale, key: string): boolean;
  keys(locale: Locale): readonly string[];
  negotiate(wish: LocaleWish): Locale;
  /** The text in the reader's language, or the nearest one an app's owner has given. */
  pick(texts: Readonly<Record<string, string>>, locale: Locale): string;
}

/** What the browser says, strongest first. */
export interface LocaleWish {
  readonly query?: string | undefined;
  readonly cookie?: string | undefined;
  /** OpenID Connect `ui_locales`, space separated. */
  readonly uiLocales?: string | undefined;
  readonly acceptLanguage?: string | undefined;
}

const catalogue = z.record(z.string(), z.string());

/** Reads `src/i18n/<locale>/<area>.json`; a key is `<area>.<key of the file>`. Keys starting with `//` are notes for translators. */
export function createI18n(folder = import.meta.dirname): I18n {
  const texts = new Map(locales.map((locale) => [locale, load(join(folder, locale))] as const));
  const plurals = new Map(locales.map((locale) => [locale, new Intl.PluralRules(locale)] as const));

  function find(locale: Locale, key: string, params: Params): string | undefined {
    const area = texts.get(locale);
    if (typeof params.count === 'number') {
      const form = area?.get(`${key}#${plurals.get(locale)?.select(params.count)}`);
      if (form !== undefined) return form;
    }
    return area?.get(key);
  }

  return {
    locales,
    has: (locale, key) => texts.get(locale)?.has(key) ?? false,
    keys: (locale) => [...(texts.get(locale)?.keys() ?? [])],
    t(locale, key, params = {}) {
      const text = find(locale, key, params);
      if (text === undefined) throw missing(locale, key);
      return text.replaceAll(/\{(\w+)\}/g, (_all, name: string) => {
        const value = Object.hasOwn(params, name) ? params[name] : undefined;
        if (value === undefined) throw missing(locale, `${key}{${name}}`);
        return String(value);
      });
    },
    negotiate,
    pick: (given, locale) =>
      given[locale] ?? given[locale === 'zh-Hant' ? 'zh-Hans' : 'en'] ?? given.en ?? Object.values(given)[0] ?? '',
  };
}

function load(folder: string): Map<string, string> {
  const all = new Map<string, string>();
  for (const file of readdirSync(folder)) {
    if (!file.endsWith('.json')) continue;
    const area = file.slice(0, -'.json'.length);
    const entries = catalogue.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')));
    for (const [key, text] of Object.entries(entries)) if (!key.startsWith('//')) all.set(`${area}.${key}`, text);
  }
  return all;
}

function missing(locale: Locale, key: string): ShiminError {
  return new ShiminError('internal', { status: 500, message: `no text for ${key} in ${locale}` });
}

function negotiate({ query, cookie, uiLocales, acceptLanguage }: LocaleWish): Locale {
  for (const exact of [query, cookie]) {
    const found = locales.find((locale) => locale === exact);
    if (found) return found;
  }
  return (
    best(query === undefined ? [] : [query]) ??
    best((uiLocales ?? '').split(' ')) ??
    best(ranked(acceptLanguage ?? '')) ??
    (acceptLanguage === undefined || acceptLanguage === '' ? 'zh-Hans' : 'en')
  );
}

/** The first wish we can meet; bounded, because the header is anybody's. */
function best(wanted: readonly string[]): Locale | undefined {
  for (const tag of wanted.slice(0, 10)) {
    const found = nearest(tag);
    if (found) return found;
  }
  return undefined;
}

/** By likely script (CLDR), so that zh-HK, zh-MO and zh-TW come to traditional characters and zh-SG to simplified ones. */
function nearest(tag: string): Locale | undefined {
  if (!/^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}$/.test(tag)) return undefined;
  try {
    const { language, script } = new Intl.Locale(tag).maximize();
    if (language === 'zh' || language === 'yue') return script === 'Hant' ? 'zh-Hant' : 'zh-Hans';
    return locales.find((locale) => locale === language);
  } catch {
    return undefined; // A tag that Intl does not take is a wish for nothing.
  }
}

/** `Accept-Language` by falling quality (RFC 9110 section 12.5.4). */
function ranked(header: string): string[] {
  return header
    .slice(0, 500)
    .split(',')
    .map((part) => {
      const [tag = '', ...rest] = part.trim().split(';');
      const quality = rest.map((item) => /^\s*q=([0-9.]+)\s*$/.exec(item)?.[1]).find((value) => value !== undefined);
      return { tag: tag.trim(), quality: quality === undefined ? 1 : Number(quality) };
    })
    .filter(({ tag, quality }) => tag !== '' && quality > 0)
    .toSorted((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag);
}
