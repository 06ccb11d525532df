import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

export interface Receiver {
  readonly url: string;
  received(): readonly Received[];
  /** The next so many are not taken. */
  refuse(times: number): void;
  close(): Promise<void>;
}

/** Somebody who asked to be told: takes what is posted and answers 204. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  let refusals = 0;
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    received.push({ body: Buffer.concat(chunks).toString('utf8'), headers: req.headers });
    refusals -= 1;
    res.writeHead(refusals >= 0 ? 503 : 204).end();
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    received: () => received,
    refuse: (times) => {
      refusals = times;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
