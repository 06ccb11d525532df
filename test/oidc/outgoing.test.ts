import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineFetch } from '../../src/oidc/outgoing.ts';

let hits = 0;
let answer: { status: number; body: string } = { status: 200, body: '{"keys":[]}' };
const server = createServer((req, res) => {
  hits += 1;
  if (answer.status === 0) req.socket.destroy();
  else res.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
});
let url = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const get = { method: 'GET' };

describe('a document of an app', () => {
  it.each([
    ['an error', { status: 500, body: '{}' }],
    ['no JSON', { status: 200, body: '<html>' }],
    ['too much', { status: 200, body: JSON.stringify('x'.repeat(70_000)) }],
    ['no answer', { status: 0, body: '' }],
  ])('that fails with %s is not asked for again at each request, and is after a while', async (_name, bad) => {
    const fetch = engineFetch({ allowLoopback: true, forgetMs: 300 });
    answer = bad;
    hits = 0;
    for (let i = 0; i < 5; i += 1) await expect(fetch(url, get)).rejects.toThrow();
    expect(hits).toBe(1);
    answer = { status: 200, body: '{"keys":[]}' };
    await new Promise((resolve) => setTimeout(resolve, 350));
    expect(await (await fetch(url, get)).json()).toEqual({ keys: [] });
    expect(hits).toBe(2);
  });

  it('of another app is not held up by it', async () => {
    const fetch = engineFetch({ allowLoopback: true });
    answer = { status: 500, body: '{}' };
    await expect(fetch(url, get)).rejects.toThrow();
    answer = { status: 200, body: '{"keys":[]}' };
    expect((await fetch(`${url}?other`, get)).status).toBe(200);
  });

  it('and what is sent to an app is sent each time', async () => {
    const fetch = engineFetch({ allowLoopback: true });
    answer = { status: 500, body: '{}' };
    hits = 0;
    for (let i = 0; i < 3; i += 1) expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(500);
    expect(hits).toBe(3);
  });
});
