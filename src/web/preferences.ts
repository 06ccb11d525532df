import type { Context, Middleware } from 'koa';
import type { I18n, Locale } from '../i18n/index.ts';
import { readCookie, setCookie } from './cookies.ts';
import { seeOther } from './forms.ts';
import { localPath } from './local-path.ts';

const year = 365 * 24 * 3600;

/** The reader's language, from `?lang=`, cookie, `ui_locales` (query or `ctx.state.uiLocales`), `Accept-Language`. */
export function localeOf(ctx: Context, i18n: I18n): Locale {
  const query = (name: string) => (typeof ctx.query[name] === 'string' ? ctx.query[name] : undefined);
  const locale = i18n.negotiate({
    query: query('lang'),
    cookie: readCookie(ctx, 'lang') ?? undefined,
    uiLocales: query('ui_locales') ?? (typeof ctx.state.uiLocales === 'string' ? ctx.state.uiLocales : undefined),
    acceptLanguage: ctx.get('Accept-Language'),
  });
  ctx.state.locale = locale;
  return locale;
}

export function largePrintOf(ctx: Context): boolean {
  return readCookie(ctx, 'large') === '1';
}

/** Sets `ctx.state.locale` and `ctx.state.largePrint`, and answers the switches: POST /preferences. */
export function preferences(options: { i18n: I18n; secure: boolean }): Middleware {
  const keep = { secure: options.secure, maxAgeSec: year };
  return async (ctx, next) => {
    localeOf(ctx, options.i18n);
    ctx.state.largePrint = largePrintOf(ctx);
    if (ctx.path !== '/preferences' || ctx.method !== 'POST') return next();
    const body: unknown = ctx.request.body;
    const field = (name: string): unknown =>
      typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
    const locale = options.i18n.locales.find((item) => item === field('lang'));
    if (locale) setCookie(ctx, 'lang', locale, keep);
    const large = field('large');
    if (large === '1' || large === '0') setCookie(ctx, 'large', large, keep);
    seeOther(ctx, localPath(field('returnTo')));
  };
}
