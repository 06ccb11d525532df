import type { Locale } from '../i18n/index.ts';

const tags: Readonly<Record<Locale, string>> = { 'zh-Hans': 'zh-CN', 'zh-Hant': 'zh-HK', en: 'en-GB', pt: 'pt-PT' };

/** The city's own clock; told with the time so that a reader abroad is not misled. */
const timeZone = 'Asia/Shanghai';

/** 2026年11月23日, 23 November 2026; times carry their zone. */
export function dateFormats(locale: Locale): { date(value: Date): string; time(value: Date): string } {
  const tag = tags[locale];
  const date = new Intl.DateTimeFormat(tag, { dateStyle: 'long', timeZone });
  const clock = new Intl.DateTimeFormat(tag, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone });
  return {
    date: (value) => date.format(value),
    time: (value) => `${date.format(value)} ${clock.format(value)} (UTC+8)`,
  };
}
