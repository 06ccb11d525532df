import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCity, type TestCity } from './support/city.ts';

let city: TestCity;
beforeAll(async () => {
  city = await startCity();
});
afterAll(() => city?.close());

const ops = async (path: string, method = 'GET') => {
  const response = await fetch(city.urls.metrics + path, { method });
  return { status: response.status, text: await response.text() };
};

it('answers live, ready and metrics on its own port, and nothing else', async () => {
  expect(await ops('/livez')).toEqual({ status: 200, text: '{"status":"ok"}\n' });
  expect(JSON.parse((await ops('/readyz')).text)).toEqual({
    ok: true,
    checks: { storage: 'ok', clock: 'ok', draining: 'no' },
  });
  await fetch(`${city.issuer}/.well-known/openid-configuration`);
  expect((await ops('/metrics')).text).toContain('shimin_http_request_seconds_count{route=".well-known"');
  expect((await ops('/')).status).toBe(404);
  expect((await ops('/livez', 'POST')).status).toBe(405);
});

it('every answer is guarded: pages, errors, engine endpoints', async () => {
  for (const path of [
    '/account',
    '/nothing',
    '/interaction/unknown-uid',
    '/auth',
    '/.well-known/openid-configuration',
    '/assets/shimin.css',
  ]) {
    const response = await fetch(city.issuer + path, { redirect: 'manual' });
    expect(response.headers.get('content-security-policy'), path).toContain("frame-ancestors 'none'");
    expect(response.headers.get('x-content-type-options'), path).toBe('nosniff');
    expect(response.headers.get('x-request-id'), path).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(response.status, path).toBeLessThan(500);
  }
});

it('another Host is refused before anything is built from it (B12)', async () => {
  const { request } = await import('node:http');
  const status = await new Promise<number | undefined>((resolve) => {
    request(`${city.issuer}/.well-known/openid-configuration`, { headers: { host: 'evil.example' } }, (response) =>
      resolve(response.statusCode),
    ).end();
  });
  expect(status).toBe(421);
});

it('forms of other origins and without a token are refused (B10)', async () => {
  for (const headers of [{}, { origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
    const response = await fetch(`${city.issuer}/interaction/unknown-uid/choose`, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ way: 'x' }),
    });
    expect(response.status).toBe(403);
  }
});

it('keys rotate without a restart: old and new are published, the new one signs', async () => {
  const { runCli } = await import('../src/cli.ts');
  const { Readable } = await import('node:stream');
  const kids = async () => {
    const jwks: { keys: { kid: string; d?: string }[] } = await (await fetch(`${city.issuer}/jwks`)).json();
    expect(new Set(jwks.keys.map((key) => key.d))).toEqual(new Set([undefined]));
    return jwks.keys.map(({ kid }) => kid);
  };
  const before = await kids();
  const env = Object.fromEntries(Object.entries(city.env).filter(([name]) => !name.startsWith('SHIMIN_DEMO_')));
  const code = await runCli(['keys', 'rotate'], {
    env,
    input: Readable.from([]),
    out: () => undefined,
    err: () => undefined,
    onSignal: () => undefined,
    exitNow: () => undefined,
  });
  expect(code).toBe(0);
  await expect.poll(kids, { timeout: 10_000 }).toHaveLength(before.length + 3);
  expect(await kids()).toEqual(expect.arrayContaining(before));
});

it('readiness goes before the server on SIGTERM, and a second drain waits for the first', async () => {
  const first = city.server.drain();
  expect(city.server.drain()).toBe(first);
  await first;
  await expect(fetch(`${city.issuer}/jwks`)).rejects.toThrow();
});
