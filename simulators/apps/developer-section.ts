import { type Html, html } from './html.ts';
import { isTextKey, type Texts } from './language.ts';
import type { SignedIn } from './sessions.ts';

const SECRET_FIELDS = new Set(['access_token', 'refresh_token', 'id_token']);

/** Enough to see that a value changed, too little to use it. */
export function shorten(value: string, keep = 10): string {
  return value.length > keep * 2 ? `${value.slice(0, keep)}…` : value;
}

function shown(name: string, value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return SECRET_FIELDS.has(name) ? shorten(value) : value;
}

function fieldTable(t: Texts, id: string, title: string, fields: Readonly<Record<string, unknown>> | undefined): Html {
  const present = Object.entries(fields ?? {}).filter(([, value]) => value !== undefined);
  const rows = present.map(([name, value]) => {
    const key = `claim.${name}`;
    const meaning = t(isTextKey(key) ? key : 'claim.other');
    return html`<tr data-field="${name}"><th scope="row"><code>${name}</code></th><td><code>${shown(name, value)}</code></td><td>${meaning}</td></tr>`;
  });
  const body =
    rows.length === 0
      ? html`<p>${t('dev.none')}</p>`
      : html`<div class="scroll" role="region" tabindex="0" aria-label="${title}"><table id="${id}"><thead><tr><th scope="col">${t('dev.field')}</th><th scope="col">${t('dev.value')}</th><th scope="col">${t('dev.meaning')}</th></tr></thead><tbody>${rows}</tbody></table></div>`;
  return html`<h3>${title}</h3>${body}`;
}

/** What the protocol delivered, each part explained: for the people who will build the next app. */
export function developerSection(t: Texts, person: SignedIn, csrf: string): Html {
  const tokens = { ...person.tokens, id_token: person.idToken };
  const hidden = html`<input type="hidden" name="_csrf" value="${csrf}">`;
  const refresh =
    person.tokens.refresh_token === undefined
      ? html`<p>${t('dev.noRefresh')}</p>`
      : html`<form method="post" action="/refresh">${hidden}<button id="refresh">${t('dev.refresh')}</button></form>`;
  return html`<details id="developers"><summary>${t('dev.title')}</summary>
<p>${t('dev.intro')}</p>
<p><code id="amr">${person.amr.join(' ')}</code></p>
${fieldTable(t, 'id-token-header', t('dev.header'), person.header)}
${fieldTable(t, 'id-token-claims', t('dev.claims'), person.claims)}
${fieldTable(t, 'token-response', t('dev.tokens'), tokens)}
${fieldTable(t, 'userinfo-response', t('dev.userinfo'), person.userinfo)}
<div class="row">${refresh}
<form method="post" action="/userinfo">${hidden}<button id="userinfo">${t('dev.readUserinfo')}</button></form>
<a class="button" id="silent" href="/sign-in?prompt=none">${t('dev.silent')}</a>
<a class="button" id="fresh" href="/sign-in?prompt=login">${t('dev.fresh')}</a></div>
</details>`;
}
