import type { Kind } from './config.ts';
import { type Html, html } from './html.ts';
import type { Locale, Texts } from './language.ts';
import { AMOUNTS, borrowedBooks, contributions, type Fund } from './records.ts';

const TIME_ZONE = 'Asia/Shanghai';
/** How dates and money are written: day first, and Portuguese as in Macao, which follows Portugal. */
const FORMATS: Readonly<Record<Locale, string>> = {
  'zh-Hans': 'zh-Hans',
  'zh-Hant': 'zh-Hant',
  en: 'en-GB',
  pt: 'pt-PT',
};

export function money(locale: Locale, fen: number): string {
  return new Intl.NumberFormat(FORMATS[locale], {
    style: 'currency',
    currency: 'CNY',
    currencyDisplay: 'narrowSymbol',
  }).format(fen / 100);
}

function day(locale: Locale, date: Date): string {
  return new Intl.DateTimeFormat(FORMATS[locale], { dateStyle: 'long', timeZone: TIME_ZONE }).format(date);
}

export function moment(locale: Locale, date: Date): string {
  return new Intl.DateTimeFormat(FORMATS[locale], { dateStyle: 'long', timeStyle: 'long', timeZone: TIME_ZONE }).format(
    date,
  );
}

export interface ServiceView {
  readonly locale: Locale;
  readonly t: Texts;
  readonly now: Date;
  readonly csrf: string;
  readonly fund: Fund;
}

function library({ t, locale, now }: ServiceView): Html {
  const rows = borrowedBooks(now).map(
    (book) => html`<tr><td lang="${book.lang}">${book.title}</td><td>${day(locale, book.due)}</td></tr>`,
  );
  return html`<section id="service"><h2>${t('books')}</h2>
<div class="scroll" role="region" tabindex="0" aria-label="${t('books')}"><table><thead><tr><th scope="col">${t('book')}</th><th scope="col">${t('due')}</th></tr></thead>
<tbody>${rows}</tbody></table></div></section>`;
}

function socialInsurance({ t, locale, now }: ServiceView): Html {
  const month = new Intl.DateTimeFormat(FORMATS[locale], { year: 'numeric', month: 'short', timeZone: 'UTC' });
  const rows = contributions(now).map((each) => {
    const total = each.pension + each.medical + each.unemployment;
    const cells = [each.pension, each.medical, each.unemployment, total].map(
      (fen) => html`<td class="amount">${money(locale, fen)}</td>`,
    );
    return html`<tr><th scope="row">${month.format(each.month)}</th>${cells}</tr>`;
  });
  const columns = (['month', 'pension', 'medical', 'unemployment', 'total'] as const).map(
    (key) => html`<th scope="col">${t(key)}</th>`,
  );
  return html`<section id="service"><h2>${t('contributions')}</h2>
<div class="scroll" role="region" tabindex="0" aria-label="${t('contributions')}"><table><thead><tr>${columns}</tr></thead><tbody>${rows}</tbody></table></div></section>`;
}

function housingFund({ t, locale, csrf, fund }: ServiceView): Html {
  const options = AMOUNTS.map((fen) => html`<option value="${fen}">${money(locale, fen)}</option>`);
  const past = fund.withdrawals.map(
    (each) => html`<tr><td>${moment(locale, each.at)}</td><td class="amount">${money(locale, each.amount)}</td></tr>`,
  );
  return html`<section id="service"><h2>${t('fund')}</h2>
<p class="balance">${t('balance')} <strong id="balance" data-fen="${fund.balance}">${money(locale, fund.balance)}</strong></p>
<form method="post" action="/withdraw" class="card"><h3>${t('withdrawTitle')}</h3><p>${t('withdrawWhy')}</p>
<input type="hidden" name="_csrf" value="${csrf}">
<label for="amount">${t('amount')}</label><select id="amount" name="amount">${options}</select>
<button id="withdraw" class="primary">${t('withdraw')}</button></form>
${past.length > 0 && html`<h3>${t('withdrawals')}</h3><div class="scroll" role="region" tabindex="0" aria-label="${t('withdrawals')}"><table id="withdrawals"><tbody>${past}</tbody></table></div>`}
</section>`;
}

function singapore({ t, locale, now }: ServiceView): Html {
  const rows = (['matter.residence', 'matter.licence'] as const).map((matter, index) => {
    const when = new Date(now.getTime() + (3 + 8 * index) * 24 * 3600 * 1000);
    return html`<tr><td>${day(locale, when)}</td><td>${t(matter)}</td></tr>`;
  });
  return html`<section id="service"><h2>${t('visits')}</h2>
<div class="scroll" role="region" tabindex="0" aria-label="${t('visits')}"><table><thead><tr><th scope="col">${t('day')}</th><th scope="col">${t('matter')}</th></tr></thead><tbody>${rows}</tbody></table></div>
<p><a class="button" id="step-up" href="/sign-in?level=urn:singpass:authentication:loa:3">${t('stepUp')}</a></p></section>`;
}

export const SERVICE_PAGES: Readonly<Record<Kind, (view: ServiceView) => Html>> = {
  library,
  'social-insurance': socialInsurance,
  'housing-fund': housingFund,
  singapore,
};
