import { createServer, type RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { streamSchemas } from '../../src/signals/configuration.ts';
import { pushEvent } from '../../src/signals/push.ts';
import type { SignalStream } from '../../src/storage/signal-streams.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://localhost:${address.port}/events`;
}

function push(endpointUrl: string, allowLoopback = true) {
  const stream: SignalStream = {
    id: 'stream',
    clientId: 'app',
    method: 'push',
    status: 'enabled',
    reason: null,
    endpointUrl,
    authorization: 'Bearer one',
    eventsRequested: null,
    description: null,
    createdAt: new Date(),
    verifiedAt: null,
    pushAttempts: 0,
  };
  const engine = {
    appOfToken: async () => null,
    recipient: async () => null,
    algorithmOf: async () => 'ES256',
    sign: async () => 'header.payload.signature',
  };
  const event = { jti: 'jti', streamId: 'stream', claims: {}, algorithm: 'ES256' };
  return pushEvent({ engine, allowLoopback })(stream, event);
}

const answering = (status: number, body = '') =>
  serve((_request, response) => void response.writeHead(status, { 'content-type': 'application/json' }).end(body));

describe('what a receiver answers (RFC 8935 2.2 to 2.4)', () => {
  it.each([200, 202, 204])('%i: it has it', async (status) => {
    expect(await push(await answering(status))).toEqual({ kind: 'delivered' });
  });

  it.each(['invalid_request', 'invalid_issuer', 'invalid_audience', 'invalid_state'])(
    '400 %s: it will never take this one',
    async (err) => {
      expect(await push(await answering(400, JSON.stringify({ err })))).toEqual({ kind: 'refused', error: err });
    },
  );

  it.each([
    [400, JSON.stringify({ err: 'invalid_key' })],
    [400, JSON.stringify({ err: 'authentication_failed' })],
    [400, JSON.stringify({ err: 'access_denied' })],
    [400, 'not JSON'],
    [400, '{}'],
    [401, ''],
    [403, ''],
    [404, ''],
    [429, ''],
    [500, ''],
    [503, ''],
  ])('%i %s: later, since it may be mended', async (status, body) => {
    const result = await push(await answering(status, body));
    expect(result).toMatchObject({ kind: 'later', error: expect.stringContaining(`answered ${status}`) });
  });

  it('a code of the receiver that is no code does not get into our log as it is', async () => {
    const result = await push(await answering(400, JSON.stringify({ err: 'a\nb <script>' })));
    expect(result).toEqual({ kind: 'later', error: 'answered 400 abscript' });
  });

  it('a receiver that is gone, hangs up or talks without end has it later', async () => {
    const gone = await answering(202);
    for (const close of closing.splice(0)) close();
    expect(await push(gone)).toMatchObject({ kind: 'later' });
    expect(await push(await serve((request) => void request.socket.destroy()))).toMatchObject({ kind: 'later' });
    expect(await push(await answering(400, 'x'.repeat(100_000)))).toMatchObject({ kind: 'later' });
  });
});

describe('where it may go (SSRF)', () => {
  it('follows no redirect', async () => {
    let visited = 0;
    const inner = await serve((_request, response) => {
      visited += 1;
      response.writeHead(202).end();
    });
    for (const status of [301, 302, 303, 307, 308]) {
      const url = await serve((_request, response) => void response.writeHead(status, { location: inner }).end());
      expect(await push(url)).toMatchObject({ kind: 'later' });
    }
    expect(visited).toBe(0);
  });

  it('reaches no inner address, by number or by name', async () => {
    let visited = 0;
    const inner = await serve((_request, response) => {
      visited += 1;
      response.writeHead(202).end();
    });
    const { port } = new URL(inner);
    for (const host of ['localhost', '127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '0.0.0.0'])
      expect(await push(`https://${host}:${port}/events`, false)).toMatchObject({ kind: 'later' });
    expect(await push(inner, false)).toMatchObject({ kind: 'later' });
    expect(visited).toBe(0);
  });

  it.each([
    'http://receiver.example/events',
    'https://user@receiver.example/events',
    'https://receiver.example/events#part',
    'ftp://receiver.example/events',
    'file:///etc/passwd',
    'https://127.0.0.1/events',
    'https://2130706433/events',
    'https://[::1]/events',
    'https://[::ffff:10.0.0.1]/events',
    'https://10.1.2.3/events',
    'https://169.254.169.254/latest/meta-data',
    'https://[fd00::1]/events',
    '/events',
  ])('no stream is made to %s', (endpoint_url) => {
    const delivery = { method: 'urn:ietf:rfc:8935', endpoint_url };
    expect(streamSchemas(false).create.safeParse({ delivery }).success).toBe(false);
  });

  it('a stream is made to an outer address, with a header that smuggles nothing', () => {
    const delivery = { method: 'urn:ietf:rfc:8935', endpoint_url: 'https://receiver.example/events' };
    const { create } = streamSchemas(false);
    expect(create.safeParse({ delivery }).success).toBe(true);
    expect(create.safeParse({ delivery: { ...delivery, authorization_header: 'Bearer x' } }).success).toBe(true);
    for (const header of ['Bearer x\r\nHost: inner', ' x', 'x\n', '', 'ü'])
      expect(create.safeParse({ delivery: { ...delivery, authorization_header: header } }).success).toBe(false);
  });
});
