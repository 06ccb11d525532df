import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formTarget, requestIdOf } from '../../src/web/guards.ts';
import { localPath } from '../../src/web/local-path.ts';
import { type Site, startSite } from './site.ts';

let site: Site;
beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site.close());

async function browser(): Promise<{ cookie: string; token: string }> {
  const page = await fetch(`${site.origin}/view/journey/totp`);
  const cookie = page.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
  return { cookie, token: /name="_csrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? '' };
}

/** fetch may not set Sec-Fetch-Site, so the request is written by hand. */
function post(path: string, headers: Record<string, string>, body: string, method = 'POST'): Promise<number> {
  const { hostname, port, host } = new URL(site.origin);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: close',
    'Content-Type: application/x-www-form-urlencoded',
  ];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  lines.push(`Content-Length: ${Buffer.byteLength(body)}`, '', body);
  return new Promise((done, fail) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(lines.join('\r\n')));
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('end', () => done(Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])));
    socket.on('error', fail);
  });
}

describe('CSRF (security.md B10)', () => {
  it('takes the token of this browser only, from this site only', async () => {
    const [mine, other] = [await browser(), await browser()];
    const form = `_csrf=${mine.token}`;
    const own = { Cookie: mine.cookie };
    const table: [string, Record<string, string>, string, number][] = [
      ['token and cookie', own, form, 200],
      ['own origin', { ...own, Origin: site.origin, 'Sec-Fetch-Site': 'same-origin' }, form, 200],
      ['no-referrer makes the origin null', { ...own, Origin: 'null', 'Sec-Fetch-Site': 'same-origin' }, form, 200],
      ['no token', own, '', 403],
      ['empty token', own, '_csrf=', 403],
      ['doubled token', own, `${form}&${form}`, 403],
      ['token of another browser', own, `_csrf=${other.token}`, 403],
      ['cookie of another browser', { Cookie: other.cookie }, form, 403],
      ['no cookie', {}, form, 403],
      ['doubled cookie', { Cookie: `${mine.cookie}; ${other.cookie}` }, form, 403],
      ['cross-site', { ...own, 'Sec-Fetch-Site': 'cross-site' }, form, 403],
      ['same-site', { ...own, 'Sec-Fetch-Site': 'same-site' }, form, 403],
      ['other origin', { ...own, Origin: 'https://evil.example' }, form, 403],
      ['null origin from outside', { ...own, Origin: 'null', 'Sec-Fetch-Site': 'cross-site' }, form, 403],
    ];
    for (const [name, headers, body, status] of table) expect(await post('/echo', headers, body), name).toBe(status);
  });

  it('does not take a token by GET, and does not ask for one there', async () => {
    const { cookie, token } = await browser();
    expect(await post(`/echo?_csrf=${token}`, { Cookie: cookie }, '')).toBe(403);
    expect((await fetch(`${site.origin}/view/journey/totp`)).status).toBe(200);
  });
});

describe('headers (security.md B11)', () => {
  it.each([
    '/view/journey/totp',
    '/nowhere',
    '/boom',
    '/assets/../package.json',
    '/assets/%2e%2e%2fpackage.json',
    '/assets/shimin.css',
  ])('%s carries the strict ones', async (path) => {
    const answer = await fetch(site.origin + path);
    expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(answer.headers.get('content-security-policy')).not.toContain('unsafe');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    expect(answer.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  it.each<[string | string[] | undefined, boolean]>([
    ['6ba7b810-9dad-11d1-80b4-00c04fd430c8', true],
    ['abc12345', true],
    ['short', false],
    ['a'.repeat(65), false],
    ['two words here', false],
    ['line\nanother line', false],
    ['<script>alert</script>', false],
    ['', false],
    [['abc12345', 'abc12346'], false],
    [undefined, false],
  ])('a request id that a caller gives, %j, is taken: %s', (given, taken) => {
    const id = requestIdOf(given);
    expect(id).toMatch(taken ? /^[a-z0-9-]{8,36}$/ : /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(id === given).toBe(taken);
  });

  it('serves no file outside the folder', async () => {
    for (const path of [
      '/assets/../package.json',
      '/assets/..%2fpackage.json',
      '/assets/%2e%2e/package.json',
      '/assets/',
      '/assets/a\\..\\b',
    ]) {
      expect(await post(path, {}, '', 'GET')).toBe(404);
    }
  });
});

describe('errors', () => {
  it('say nothing of the fault, and name the request', async () => {
    const answer = await fetch(`${site.origin}/boom`, { headers: { 'accept-language': 'en', accept: 'text/html' } });
    const html = await answer.text();
    expect(answer.status).toBe(500);
    expect(html).toContain('Something went wrong on our side');
    expect(html).toContain(answer.headers.get('x-request-id'));
    expect(html).not.toContain('secret detail');
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('are JSON for programs', async () => {
    const answer = await fetch(`${site.origin}/nowhere`, { headers: { accept: 'application/json' } });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ error: 'not_found' });
  });

  it('refuse a body that is too large, told or not', async () => {
    const big = 'a='.padEnd(100_000, 'x');
    expect(await post('/echo', {}, big)).toBe(413);
    const streamed = await fetch(`${site.origin}/echo`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(big));
          controller.close();
        },
      }),
      duplex: 'half',
    } as RequestInit);
    expect(streamed.status).toBe(413);
  });
});

describe('returnTo (security.md B25)', () => {
  it.each([
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '/%2f%2fevil.example',
    '/%5cevil.example',
    '/%09/evil.example',
    '/.//evil.example',
    '/a/..//evil.example',
    'https:evil.example',
    'https://evil.example',
    'http:/evil.example',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    ' //evil.example',
    '/ /evil.example',
    'evil.example',
    '',
    '/x\u2028y',
    `/${'a'.repeat(3000)}`,
    undefined,
    ['/account'],
  ])('%j is not local', (value) => expect(localPath(value, '/fallback')).toBe('/fallback'));

  it.each(['/', '/account', '/account/apps?page=2', '/interaction/abc?show=register', '/a%20b'])('%s is', (value) =>
    expect(localPath(value, '/fallback')).toBe(value),
  );
});

describe('form targets', () => {
  it.each([
    ['https://app.example/cb?x=1', 'https://app.example'],
    ['http://localhost:5001/callback', 'http://localhost:5001'],
    ['com.example.app:/cb', 'com.example.app:'],
    ['javascript:alert(1)', null],
    ['data:text/html,x', null],
    ['nonsense', null],
  ])('%s -> %s', (uri, source) => expect(formTarget(uri)).toBe(source));
});
