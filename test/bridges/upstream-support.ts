import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { expect } from 'vitest';
import type { SimulatedUpstream, UpstreamFactory } from '../../simulators/lib/upstream.ts';
import { loadPeople } from '../../simulators/people.ts';

/** One simulated upstream on a port of its own. */
export interface ServedUpstream {
  readonly origin: string;
  readonly settings: SimulatedUpstream['settings'];
  /** Plays a fault: `none` ends it. */
  control(body: object): Promise<void>;
  person(id: string, body: object): Promise<void>;
  close(): void;
}

export async function serveUpstream(factory: UpstreamFactory): Promise<ServedUpstream> {
  let origin = '';
  const upstream = await factory({ origin: () => origin, people: loadPeople(), returnHosts: ['localhost'] });
  const app = new Koa();
  app.silent = true;
  app.use(upstream.router.routes());
  const server: Server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const put = async (path: string, body: object) => {
    const at = `${origin}${upstream.path}/_control${path}`;
    expect((await fetch(at, { method: 'PUT', body: JSON.stringify(body) })).status).toBe(200);
  };
  return {
    origin,
    settings: upstream.settings,
    control: (body) => put('', body),
    person: (id, body) => put(`/people/${id}`, body),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What the browser does there: chooses a person, and is sent back. */
export async function choose(url: string, person: string, more: Record<string, string> = {}): Promise<URL> {
  const body = new URLSearchParams({ person, ...more });
  const response = await fetch(url, { method: 'POST', body, redirect: 'manual' });
  expect(response.status).toBe(303);
  return new URL(response.headers.get('location') ?? '');
}
