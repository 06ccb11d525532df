import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import Koa from 'koa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { csrfToken } from '../../src/web/guards.ts';
import { createRenderer } from '../../src/web/render.ts';
import { hostile, samples } from './samples.ts';
import { assets, i18n, renderer, type Site, startSite } from './site.ts';

const viewsDir = join(import.meta.dirname, '../../views');
let site: Site;
beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site.close());

const views = readdirSync(join(import.meta.dirname, '../../views'), { recursive: true })
  .map(String)
  .filter(
    (file) =>
      file.endsWith('.eta') && !file.startsWith('partials') && !file.startsWith('admin') && file !== 'layout.eta',
  )
  .map((file) => file.slice(0, -4));

describe('every view', () => {
  it('has sample data here', () => expect(Object.keys(samples).toSorted()).toEqual(views.toSorted()));

  const cases = Object.entries(samples).flatMap(([view, list]) => list.map((_, n) => [view, n] as const));
  for (const locale of i18n.locales) {
    it.each(cases)(`%s (%i) renders in ${locale}, escaped, strict and labelled`, async (view, n) => {
      const answer = await fetch(`${site.origin}/view/${view}?n=${n}&lang=${locale}`);
      const html = await answer.text();
      expect(answer.status, html).toBe(200);
      expect(html).toContain(`<html lang="${locale}"`);
      expect(html).toMatch(/<title>[^<]{3,}<\/title>/);
      expect(html).not.toContain(hostile);
      expect(html).not.toMatch(/undefined|\[object Object\]|NaN/);
      expect(html).not.toMatch(/<script(?![^>]*\bsrc="\/assets\/)|<style|\sstyle="|\son[a-z]+="/i);
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(html.match(/<h1/g)).toHaveLength(1);
      const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1]);
      expect(new Set(ids).size).toBe(ids.length);
      for (const [, id] of html.matchAll(/<label for="([^"]+)"/g)) expect(ids).toContain(id);
      for (const [, list] of html.matchAll(/aria-describedby="([^"]+)"/g))
        for (const id of list?.split(' ') ?? []) expect(ids).toContain(id);
      for (const [form] of html.matchAll(/<form[^>]*method="post"[^>]*>[\s\S]*?<\/form>/g)) {
        expect(form).toMatch(/name="(_csrf|xsrf)" value="[^"]+"/);
      }
    });
  }
});

describe('a page', () => {
  it('opens form-action for the redirect after its form, and for nothing that could break out of the policy', async () => {
    const site2 = await startSite(async (ctx, next) => {
      ctx.state.formTargets = [
        'http://localhost:5001',
        'com.example.app:',
        "x; script-src 'unsafe-inline'",
        'https://a b',
      ];
      await next();
    });
    const policy = (await fetch(`${site2.origin}/view/journey/sign-in`)).headers.get('content-security-policy');
    await site2.close();
    expect(policy).toContain("form-action 'self' http://localhost:5001 com.example.app:;");
    expect(policy).not.toContain('unsafe-inline');
  });

  it('of the engine, before which no guard of ours runs, has its token and request id all the same', async () => {
    const origin = 'http://localhost:3000';
    const own = createRenderer({ viewsDir, i18n, assets, csrfToken: (ctx) => csrfToken(ctx, { secret: 's', origin }) });
    const html = async (which: typeof renderer) => {
      const app = new Koa();
      app.use(async (ctx) => {
        ctx.set('X-Request-Id', 'abc-of-the-engine');
        which.render(ctx, 'journey/logged-out', { area: '/account', still: false });
      });
      const server = app.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const answer = await fetch(`http://127.0.0.1:${port}/session/end/success`);
      server.close();
      return { text: await answer.text(), cookies: answer.headers.getSetCookie() };
    };
    const page = await html(own);
    expect(page.text).toMatch(/name="_csrf" value="[\w-]{43}"/);
    expect(page.text).toContain('abc-of-the-engine');
    // One cookie for all forms of a page, or only the last form would hold.
    expect(page.cookies.filter((cookie) => cookie.startsWith('shimin_csrf='))).toHaveLength(1);
    expect((await html(renderer)).text).not.toContain('action="/preferences"');
  });

  it('keeps print and language, and comes back to the page', async () => {
    const page = await fetch(`${site.origin}/view/journey/totp?lang=en`);
    const html = await page.text();
    const token = /name="_csrf" value="([^"]+)"/.exec(html)?.[1] ?? '';
    const cookie = page.headers
      .getSetCookie()
      .map((one) => one.split(';')[0])
      .join('; ');
    expect(html).toContain('name="returnTo" value="/view/journey/totp"');
    const answer = await fetch(`${site.origin}/preferences`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie },
      body: new URLSearchParams({ _csrf: token, lang: 'pt', large: '1', returnTo: '/view/journey/totp' }),
    });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe('/view/journey/totp');
    const kept = answer.headers
      .getSetCookie()
      .map((one) => one.split(';')[0])
      .join('; ');
    const after = await (await fetch(`${site.origin}/view/journey/totp`, { headers: { cookie: kept } })).text();
    expect(after).toContain('<html lang="pt" data-large>');
  });

  it('weighs under 60 kB with everything', async () => {
    const html = await (await fetch(`${site.origin}/view/journey/sign-in`)).text();
    let weight = Buffer.byteLength(html);
    for (const [, url] of html.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)) {
      const asset = await fetch(site.origin + url, { headers: { 'accept-encoding': 'identity' } });
      expect(asset.headers.get('cache-control')).toContain('immutable');
      const size = (await asset.arrayBuffer()).byteLength;
      if (url?.includes('.css')) expect(size).toBeLessThan(20_000);
      weight += size;
    }
    expect(weight).toBeLessThan(60_000);
  });
});
