import type { Context } from 'koa';
import en from './texts/en.json' with { type: 'json' };
import pt from './texts/pt.json' with { type: 'json' };
import hans from './texts/zh-Hans.json' with { type: 'json' };
import hant from './texts/zh-Hant.json' with { type: 'json' };

export const LOCALES = ['zh-Hans', 'zh-Hant', 'en', 'pt'] as const;
export type Locale = (typeof LOCALES)[number];
export type TextKey = keyof typeof en;
export type Texts = (key: TextKey, params?: Readonly<Record<string, string>>) => string;

export const LOCALE_NAMES: Readonly<Record<Locale, string>> = {
  'zh-Hans': '简体中文',
  'zh-Hant': '繁體中文',
  en: 'English',
  pt: 'Português',
};
const TEXTS: Readonly<Record<Locale, Readonly<Record<TextKey, string>>>> = { 'zh-Hans': hans, 'zh-Hant': hant, en, pt };
const COOKIE = 'demo_app_lang';

export function textsOf(locale: Locale): Texts {
  return (key, params = {}) =>
    Object.entries(params).reduce((text, [name, value]) => text.replace(`{${name}}`, value), TEXTS[locale][key]);
}

export function isTextKey(key: string): key is TextKey {
  return Object.hasOwn(en, key);
}

function localeFrom(tag: string | undefined): Locale | undefined {
  if (tag === undefined) return undefined;
  const lower = tag.toLowerCase();
  const exact = LOCALES.find((locale) => locale.toLowerCase() === lower);
  if (exact !== undefined) return exact;
  if (/^zh-(hant|hk|mo|tw)/.test(lower)) return 'zh-Hant';
  if (lower.startsWith('zh')) return 'zh-Hans';
  return LOCALES.find((locale) => lower.split('-')[0] === locale);
}

/** `?lang=` (remembered in a cookie), then the cookie, then the browser's languages, then Chinese. */
export function negotiate(ctx: Context): Locale {
  const asked = localeFrom(typeof ctx.query.lang === 'string' ? ctx.query.lang : undefined);
  if (asked !== undefined) {
    ctx.cookies.set(COOKIE, asked, { httpOnly: true, sameSite: 'lax', maxAge: 365 * 24 * 3600 * 1000 });
    return asked;
  }
  const kept = localeFrom(ctx.cookies.get(COOKIE));
  if (kept !== undefined) return kept;
  for (const tag of ctx.acceptsLanguages()) {
    const found = localeFrom(tag);
    if (found !== undefined) return found;
  }
  return 'zh-Hans';
}
