import { Agent, type IncomingHttpHeaders, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Where it leads; null: nowhere. */
  readonly to: URL | null;
}

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** One browser over raw HTTP: cookies by name and path, as RFC 6265 5.4 sends them, and others that somebody planted. */
export class Jar {
  readonly #origin: URL;
  readonly #port: string;
  readonly #from: string | undefined;
  cookies: Cookie[] = [];
  /** From a sibling host: sent beside the browser's own, never in their place (their domain differs). */
  planted: Cookie[] = [];

  /** `port`: where it listens, if the issuer's address names another. `from`: its address, as a trusted proxy tells it. */
  constructor(origin: string, { port, from }: { port?: string; from?: string } = {}) {
    this.#origin = new URL(origin);
    this.#port = port ?? this.#origin.port;
    this.#from = from;
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#send('GET', path, undefined, headers);
  }

  /** A form as our own pages send it. */
  post(path: string, form: Readonly<Record<string, string>>): Promise<Answer> {
    const headers = { origin: this.#origin.origin, 'content-type': 'application/x-www-form-urlencoded' };
    return this.#send('POST', path, `${new URLSearchParams({ ...form })}`, headers);
  }

  /** Follows redirects while they stay here, and no further than `before`. */
  async follow(path: string, before: (at: URL) => boolean = () => false): Promise<Answer & { at: URL }> {
    let at = new URL(path, this.#origin);
    for (let hops = 0; hops < 20; hops += 1) {
      const answer = await this.get(at.pathname + at.search);
      if (answer.to === null) return { ...answer, at };
      at = answer.to;
      if (at.origin !== this.#origin.origin || before(at)) return { ...answer, at };
    }
    throw new Error(`redirects without end at ${at.pathname}`);
  }

  value(name: string): string | null {
    return this.cookies.find((cookie) => cookie.name === name)?.value ?? null;
  }

  #send(method: string, path: string, body: string | undefined, more: Record<string, string>): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const url = new URL(path, this.#origin);
    const sendable = [...this.cookies, ...this.planted]
      .filter((cookie) => url.pathname === cookie.path || url.pathname.startsWith(cookie.path.replace(/\/?$/, '/')))
      .toSorted((a, b) => b.path.length - a.path.length);
    const headers: Record<string, string> = { host: this.#origin.host, accept: 'text/html', ...more };
    if (sendable.length > 0) headers.cookie = sendable.map(({ name, value }) => `${name}=${value}`).join('; ');
    if (body !== undefined) headers['content-length'] = String(Buffer.byteLength(body));
    if (this.#from !== undefined) headers['x-forwarded-for'] = this.#from;
    const sent = request({
      agent,
      hostname: 'localhost',
      port: this.#port,
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
        const { location } = response.headers;
        const to = location === undefined ? null : new URL(location, url);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: `${Buffer.concat(chunks)}`, to });
      });
    });
    sent.on('error', reject);
    sent.end(body);
    return promise;
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
    const equals = pair.indexOf('=');
    const [name, value] = [pair.slice(0, equals), pair.slice(equals + 1)];
    const path = attributes.find((each) => /^path=/i.test(each))?.slice(5) ?? '/';
    this.cookies = this.cookies.filter((cookie) => cookie.name !== name || cookie.path !== path);
    if (value !== '') this.cookies.push({ name, value, path });
  }
}

/** A value that stands in a page's HTML. */
export function inPage(html: string, pattern: RegExp): string {
  const found = pattern.exec(html)?.[1];
  if (found === undefined) throw new Error(`no ${pattern.source} in ${html.replace(/<[^>]*>/g, ' ').slice(0, 300)}`);
  return found
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

export const csrfOf = (html: string): string => inPage(html, /name="_csrf" value="([^"]*)"/);
