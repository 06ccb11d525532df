import { type AppConfig, rankOf } from './config.ts';
import { developerSection, shorten } from './developer-section.ts';
import { type Html, html } from './html.ts';
import { isTextKey, LOCALE_NAMES, LOCALES, type Locale, type TextKey, type Texts } from './language.ts';
import type { Fund } from './records.ts';
import { moment, SERVICE_PAGES } from './service-pages.ts';
import type { Session, SignedIn } from './sessions.ts';

export interface PageView {
  readonly app: AppConfig;
  readonly locale: Locale;
  readonly t: Texts;
}

function layout({ app, locale, t }: PageView, title: string, main: Html): string {
  const languages = LOCALES.map((each) =>
    each === locale
      ? html`<li><span lang="${each}" aria-current="true">${LOCALE_NAMES[each]}</span></li>`
      : html`<li><a lang="${each}" hreflang="${each}" href="/?lang=${each}">${LOCALE_NAMES[each]}</a></li>`,
  );
  return html`<!doctype html>
<html lang="${locale}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>${title}</title><link rel="stylesheet" href="/style.css"></head>
<body class="${app.kind}"><a class="skip" href="#main">${t('skip')}</a>
<header><a class="name" href="/">${app.names[locale]}</a></header>
<main id="main">${main}</main>
<footer><nav aria-label="${t('language')}"><ul>${languages}</ul></nav><p>${t('demoNote')}</p></footer>
</body></html>`.markup;
}

function noticeOf({ t }: PageView, session: Session | undefined): Html | undefined {
  const notice = session?.notice;
  return (
    notice && html`<p class="notice" role="status" id="${notice.id ?? 'notice'}">${t(notice.key, notice.params)}</p>`
  );
}

export function signedOutPage(view: PageView, session: Session | undefined): string {
  const { app, locale, t } = view;
  return layout(
    view,
    app.names[locale],
    html`${noticeOf(view, session)}<h1>${app.names[locale]}</h1><p class="lead">${t(`${app.kind}.what`)}</p><p>${t(`${app.kind}.why`)}</p>
<p><a class="button primary" id="sign-in" href="/sign-in">${t('signIn')}</a></p>`,
  );
}

function levelKey(acr: string | undefined): TextKey {
  const key = `level.${rankOf(acr) + 1}`;
  return isTextKey(key) ? key : 'level.unknown';
}

function whoYouAre({ locale, t }: PageView, person: SignedIn): Html {
  const given = person.userinfo?.name ?? person.claims.name;
  const since = person.authTime === undefined ? undefined : new Date(person.authTime * 1000);
  return html`<section id="signed-in"><h2>${t('who')}</h2><dl>
<dt>${t('name')}</dt><dd id="name">${typeof given === 'string' ? given : t('noName')}</dd>
<dt>${t('number')}</dt><dd><code id="sub" data-sub="${person.sub}">${shorten(person.sub, 8)}</code></dd>
<dt>${t('level')}</dt><dd>${t(levelKey(person.acr))} <code id="acr">${person.acr}</code></dd>
${since && html`<dt>${t('since')}</dt><dd><time id="auth-time" datetime="${since.toISOString()}">${moment(locale, since)}</time></dd>`}
</dl></section>`;
}

export function homePage(view: PageView, session: Session, person: SignedIn, fund: Fund): string {
  const { app, locale, t } = view;
  const { csrf } = session;
  return layout(
    view,
    app.names[locale],
    html`${noticeOf(view, session)}<h1>${app.names[locale]}</h1>
${whoYouAre(view, person)}
${SERVICE_PAGES[app.kind]({ locale, t, csrf, fund, now: new Date() })}
<form method="post" action="/sign-out"><input type="hidden" name="_csrf" value="${csrf}"><button id="sign-out">${t('signOut')}</button></form>
${developerSection(t, person, csrf)}`,
  );
}

/** Codes that mean the same to a person. */
const ALIASES: Readonly<Record<string, string>> = {
  invalid_token: 'invalid_grant',
  server_error: 'temporarily_unavailable',
};

/** What happened, that nothing was lost, and the way on; the code and the provider's words are for support. */
export function errorPage(
  view: PageView,
  failure: { code: string; description?: string | undefined; retry: string },
): string {
  const { t } = view;
  const alias = ALIASES[failure.code] ?? failure.code;
  const known = isTextKey(`error.${alias}.what`) ? alias : 'other';
  const text = (part: 'what' | 'next') => {
    const key = `error.${known}.${part}`;
    return isTextKey(key) ? t(key) : '';
  };
  return layout(
    view,
    t('error.title'),
    html`<h1>${t('error.title')}</h1><div class="problem" role="alert"><p>${text('what')}</p><p>${text('next')}</p></div>
<p class="row"><a class="button primary" id="retry" href="${failure.retry}">${t(failure.retry === '/' ? 'error.back' : 'signIn')}</a>
${failure.retry !== '/' && html`<a class="button" id="back" href="/">${t('error.back')}</a>`}</p>
<p class="code">${t('error.code')}: <code id="error-code">${failure.code}</code></p>
${failure.description !== undefined && html`<p class="code" lang="en"><code id="error-description">${failure.description}</code></p>`}`,
  );
}
