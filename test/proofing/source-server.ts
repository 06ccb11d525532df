import { createHash, createHmac } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createUpstream } from '../../src/lib/upstream.ts';
import type { SourceSettings } from '../../src/proofing/signed-call.ts';

export const secret = 'demo-population-secret';
export const clientId = 'shimin-demo';

export type Answer = unknown | ((response: ServerResponse) => void);
export type Script = (path: string, body: Record<string, unknown>) => Answer;

/** A source over real HTTP that checks each signature and answers what the script says. */
export async function startSource(script: () => Script) {
  const seen: { path: string; body: Record<string, unknown> }[] = [];
  const nonces = new Set<string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const header = (name: string) => String(request.headers[name] ?? '');
      const digest = createHash('sha256').update(body).digest('hex');
      const canonical = ['POST', request.url, header('x-timestamp'), header('x-nonce'), digest].join('\n');
      const expected = createHmac('sha256', secret).update(canonical).digest('hex');
      const fresh = !nonces.has(header('x-nonce')) && header('x-client-id') === clientId;
      nonces.add(header('x-nonce'));
      if (header('x-signature') !== expected || !fresh) {
        response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"signature"}');
        return;
      }
      const parsed: Record<string, unknown> = JSON.parse(body);
      seen.push({ path: request.url ?? '', body: parsed });
      const answer = script()(request.url ?? '', parsed);
      if (typeof answer === 'function') answer(response);
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    seen,
    settings(path: string, changes: Partial<SourceSettings> = {}): SourceSettings {
      return {
        baseUrl: `${origin}${path}`,
        clientId,
        secret,
        timeoutMs: 300,
        allowLoopback: true,
        upstream: createUpstream(path),
        clock: () => new Date('2026-11-23T09:00:00Z'),
        ...changes,
      };
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const raw = (body: string, type: string, status: number) => (response: ServerResponse) => {
  response.writeHead(status, { 'content-type': type }).end(body);
};

/** What a broken source sends instead of an answer; none of it may ever read as a match (F-36). */
export const broken: [string, Answer][] = [
  ['a page', raw('<h1>维护中</h1>', 'text/html', 200)],
  ['500 with a match', raw('{"result":"match"}', 'application/json', 500)],
  ['nothing', raw('', 'application/json', 200)],
  ['an empty object', {}],
  ['null', null],
  ['an error inside 200', { error_code: 17, error_msg: 'quota' }],
  ['two results', raw('{"result":"mismatch","result":"match"}', 'application/json', 200)],
  [
    'a cut answer',
    (response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '50' });
      response.write('{"result":"match"');
      setTimeout(() => response.destroy(), 5);
    },
  ],
  ['silence', () => undefined],
  ['a closed connection', (response: ServerResponse) => response.destroy()],
  [
    'a redirect',
    (response: ServerResponse) => {
      response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
    },
  ],
];
