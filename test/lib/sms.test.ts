import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smsGateway } from '../../src/lib/sms.ts';
import { createUpstream } from '../../src/lib/upstream.ts';

let answer = { status: 202, body: '{"message_id":"m-1","status":"accepted"}' };
const seen: { url: string | undefined; token: string | undefined; body: unknown }[] = [];
let server: Server;
let url = '';

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push({
        url: request.url,
        token: request.headers.authorization,
        body: JSON.parse(Buffer.concat(chunks).toString()),
      });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sms`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const message = { to: '+8613800000000', text: '验证码 123456', template: 'register' };
const send = () =>
  smsGateway({ url, token: 'demo-sms-token', allowLoopback: true, upstream: createUpstream('sms') })(message);

describe('the SMS gateway', () => {
  it('is told whom, what and which template, each time with a new request id', async () => {
    await send();
    await send();
    expect(seen[0]).toMatchObject({ url: '/sms/v1/messages', token: 'Bearer demo-sms-token', body: message });
    expect(seen[0]?.body).not.toEqual(seen[1]?.body);
  });

  it.each([
    [500, '{}', 'upstream_unavailable'],
    [200, '{"message_id":"m-1","status":"rejected"}', 'upstream_malformed'],
    [200, '{"status":"accepted"}', 'upstream_malformed'],
    [401, '{"error":"token"}', 'upstream_unavailable'],
  ])('F-37 throws unless the message was taken: %i %s', async (status, body, code) => {
    answer = { status, body };
    await expect(send()).rejects.toMatchObject({ code });
  });
});
