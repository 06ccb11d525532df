import { Eta } from 'eta';
import type { Context } from 'koa';
import type { I18n, Locale, Params } from '../i18n/index.ts';
import type { Assets } from './assets.ts';
import { dateFormats } from './dates.ts';
import { engineForm } from './engine-form.ts';
import { contentSecurityPolicy } from './guards.ts';
import { largePrintOf, localeOf } from './preferences.ts';

export interface Renderer {
  readonly i18n: I18n;
  /** Answers with a page. `ctx.state.formTargets` (CSP sources) opens the policy for redirects after its forms. */
  render(ctx: Context, view: string, data: object, options?: { status?: number }): void;
  /** The page as text, for the engine's hooks; sets the page's headers too. */
  toHtml(ctx: Context, view: string, data: object): string;
}

export interface RendererOptions {
  readonly viewsDir: string;
  readonly i18n: I18n;
  readonly assets: Assets;
  /** Telephone number of the city's help line, shown under "help". */
  readonly helpline?: string;
  /** Token for pages that no `csrf` middleware ran before: the engine's. Without one, such a page has no switches. */
  readonly csrfToken?: (ctx: Context) => string;
}

/** Pages from `views/*.eta`. Every value is escaped; `<%~ %>` is for include, layout and block only. */
export function createRenderer(options: RendererOptions): Renderer {
  const { i18n, assets } = options;
  const eta = new Eta({ views: options.viewsDir, cache: true, autoEscape: true, autoTrim: false });
  const dates = new Map(i18n.locales.map((locale) => [locale, dateFormats(locale)] as const));

  function csrfOf(ctx: Context): string {
    const made: unknown = ctx.state.csrf;
    return typeof made === 'string' ? made : (options.csrfToken?.(ctx) ?? '');
  }

  function toHtml(ctx: Context, view: string, data: object): string {
    const locale: Locale = localeOf(ctx, i18n);
    const formTargets: unknown = ctx.state.formTargets;
    const targets = Array.isArray(formTargets) ? formTargets.filter((item) => typeof item === 'string') : [];
    ctx.set('Content-Security-Policy', contentSecurityPolicy(targets));
    ctx.set('Cache-Control', 'no-store');
    ctx.set('Content-Language', locale);
    return eta.render(`./${view}`, {
      app: null,
      backUrl: null,
      base: null,
      errors: {},
      values: {},
      ...data,
      locale,
      locales: i18n.locales,
      largePrint: ctx.state.largePrint ?? largePrintOf(ctx),
      csrf: csrfOf(ctx),
      requestId: ctx.response.get('X-Request-Id') || null,
      helpline: options.helpline ?? '12345',
      returnTo: returnTo(ctx, data),
      asset: (name: string) => assets.url(name),
      t: (key: string, params?: Params) => i18n.t(locale, key, params),
      has: (key: string) => i18n.has(locale, key),
      pick: (texts: string | Record<string, string>) => (typeof texts === 'string' ? texts : i18n.pick(texts, locale)),
      formatDate: (date: Date) => dates.get(locale)?.date(date) ?? '',
      formatTime: (date: Date) => dates.get(locale)?.time(date) ?? '',
      json: (value: unknown) => JSON.stringify(value),
      svgUri: (svg: string) => `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`,
      engineForm,
    });
  }

  return {
    i18n,
    toHtml,
    render(ctx, view, data, { status = 200 } = {}) {
      const html = toHtml(ctx, view, data);
      ctx.status = status;
      ctx.type = 'text/html; charset=utf-8';
      ctx.body = html;
    },
  };
}

/** Where the switches of language and print lead back to: this page, or what a page made by POST names as its own. */
function returnTo(ctx: Context, data: object): string {
  if (ctx.method === 'GET' && ctx.originalUrl.length <= 2000) {
    const url = new URL(ctx.originalUrl, 'http://local.invalid');
    // What an issuer's answer carries is for nobody's page, and the same address once more would be refused.
    const area = /^(\/account|\/admin)\/callback$/.exec(url.pathname)?.[1];
    if (area !== undefined) return area;
    url.searchParams.delete('lang'); // It would outweigh the choice that is about to be made.
    return url.pathname + url.search;
  }
  const base: unknown = Reflect.get(data, 'base');
  return typeof base === 'string' ? base : '/account';
}
