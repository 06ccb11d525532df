import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { startApps } from '../../simulators/apps/app.ts';
import clients from '../../simulators/apps/clients.json' with { type: 'json' };
import { demoClients, LEVELS, meets } from '../../simulators/apps/config.ts';
import keys from '../../simulators/apps/demo-keys.json' with { type: 'json' };
import { html } from '../../simulators/apps/html.ts';
import { LOCALES } from '../../simulators/apps/language.ts';
import { createFundBook } from '../../simulators/apps/records.ts';
import en from '../../simulators/apps/texts/en.json' with { type: 'json' };
import pt from '../../simulators/apps/texts/pt.json' with { type: 'json' };
import hans from '../../simulators/apps/texts/zh-Hans.json' with { type: 'json' };
import hant from '../../simulators/apps/texts/zh-Hant.json' with { type: 'json' };

it('every text exists in every language, with the same parameters', () => {
  const parameters = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  for (const other of [pt, hans, hant]) {
    expect(Object.keys(other)).toEqual(Object.keys(en));
    for (const [key, text] of Object.entries(other)) {
      expect(parameters(text), key).toEqual(parameters(Reflect.get(en, key)));
    }
  }
});

it('clients.json holds the public halves only, and names in every language', () => {
  expect(demoClients()).toEqual(clients);
  for (const client of clients) {
    expect(Object.keys(client.names).sort()).toEqual([...LOCALES].sort());
    expect(Object.keys(client.purpose).sort()).toEqual([...LOCALES].sort());
    for (const jwk of client.jwks?.keys ?? []) {
      expect(jwk).not.toHaveProperty('d');
      expect(Object.values(keys).map((key) => key.x)).toContain(jwk.x);
    }
  }
  const moved = demoClients({ library: 6001 }).find((client) => client.client_id === 'library');
  expect(moved?.redirect_uris).toEqual(['http://localhost:6001/callback']);
});

it('a level is met by itself and by those that dominate it', () => {
  expect(LEVELS.map((acr) => meets(acr, 'urn:shimin:loa:3'))).toEqual([false, false, true, true]);
  expect([undefined, '', '3', 3].map((acr) => meets(acr, 'urn:shimin:loa:1'))).toEqual(Array(4).fill(false));
});

it('templates escape what they are given', () => {
  expect(html`<p title="${'"'}">${'<b>&'}${html`<i>`}${false}</p>`.markup).toBe(
    '<p title="&quot;">&lt;b&gt;&amp;<i></p>',
  );
});

it('a withdrawal is paid once and never beyond the balance', () => {
  const book = createFundBook();
  const before = book.of('a').balance;
  expect([1, 2].map(() => book.withdraw('a', { id: 'x', amount: 100 }))).toEqual([true, true]);
  expect(book.of('a').balance).toBe(before - 100);
  expect(book.withdraw('a', { id: 'y', amount: before })).toBe(false);
  expect(book.of('b').balance).toBe(before);
});

it('the three apps start and stop together, and share one stylesheet', async () => {
  const running = await startApps({
    issuer: 'http://localhost:9',
    ports: { library: 0, 'social-insurance': 0, 'housing-fund': 0 },
  });
  const sheets = await Promise.all(
    running.apps.map(async ({ url }) =>
      createHash('sha256')
        .update(await (await fetch(`${url}/style.css`)).text())
        .digest('hex'),
    ),
  );
  expect(new Set(sheets).size).toBe(1);
  await running.close();
  await expect(fetch(running.apps[0]?.url ?? '')).rejects.toThrow();
});
