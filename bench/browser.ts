import { Agent, request } from 'node:http';

export interface Answer {
  status: number;
  location: string | undefined;
  body: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

/** A connection-keeping browser: cookies by name, no redirects of its own. */
export class Browser {
  readonly #origin: URL;
  readonly #cookies = new Map<string, string>();

  constructor(origin: string) {
    this.#origin = new URL(origin);
  }

  send(
    method: 'GET' | 'POST',
    path: string,
    options: { headers?: Record<string, string>; body?: string } = {},
  ): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const url = new URL(path, this.#origin);
    const headers: Record<string, string | number> = { ...options.headers };
    if (this.#cookies.size > 0)
      headers.cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    if (options.body !== undefined) {
      headers['content-type'] ??= 'application/x-www-form-urlencoded';
      headers['content-length'] = Buffer.byteLength(options.body);
    }
    const sent = request({
      agent,
      hostname: url.hostname,
      port: url.port,
      path: url.pathname + url.search,
      method,
      headers,
    });
    sent.on('response', (response) => {
      for (const line of response.headers['set-cookie'] ?? []) this.#keep(line);
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, location: response.headers.location, body });
      });
    });
    sent.on('error', reject);
    sent.end(options.body);
    return promise;
  }

  /** Follows redirects while they stay here; returns where they lead out, or the page they end at. */
  async follow(path: string): Promise<{ outside?: URL; page?: Answer; at: URL }> {
    let at = new URL(path, this.#origin);
    for (let hops = 0; hops < 20; hops += 1) {
      const answer = await this.send('GET', at.pathname + at.search);
      if (answer.location === undefined) return { page: answer, at };
      at = new URL(answer.location, at);
      if (at.origin !== this.#origin.origin) return { outside: at, at };
    }
    throw new Error(`redirects without end at ${at.pathname}`);
  }

  #keep(line: string): void {
    const [pair = ''] = line.split(';', 1);
    const equals = pair.indexOf('=');
    const value = pair.slice(equals + 1);
    if (value === '') this.#cookies.delete(pair.slice(0, equals));
    else this.#cookies.set(pair.slice(0, equals), value);
  }
}
