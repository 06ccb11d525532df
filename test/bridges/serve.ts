import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import type { SimulatedUpstream, UpstreamContext } from '../../simulators/lib/upstream.ts';
import { loadPeople } from '../../simulators/people.ts';
import type { Bridge, BridgeModule, BridgeStart } from '../../src/bridges/bridge.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createUpstream } from '../../src/lib/upstream.ts';

/** One simulated upstream on a port of its own. */
export async function serve<Simulator extends SimulatedUpstream>(
  make: (context: UpstreamContext) => Simulator | Promise<Simulator>,
) {
  let origin = '';
  const simulator = await make({ origin: () => origin, people: loadPeople(), returnHosts: ['localhost'] });
  const app = new Koa();
  app.silent = true;
  app.use(simulator.router.routes());
  const server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const put = (path: string, body: object) =>
    fetch(`${origin}${simulator.path}/_control${path}`, { method: 'PUT', body: JSON.stringify(body) });
  return {
    origin,
    simulator,
    control: (body: object) => put('', body),
    person: (id: string, body: object) => put(`/people/${id}`, body),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export function openBridge(module: BridgeModule, settings: object): Bridge {
  const upstream = createUpstream(module.traits.id, { breakAfter: 1_000 });
  return module.open(settings, { upstream, allowLoopback: true, timeoutMs: 600, clock: systemClock });
}

export const request: BridgeStart = {
  redirectUri: 'http://localhost:1/bridge/callback',
  state: 'a'.repeat(32),
  level: null,
  locale: 'zh-Hans',
  fresh: false,
  sameDevice: true,
  input: {},
};

/** What the browser does there: chooses a person, and is sent back. */
export async function visit(url: string, person: string, userAgent = 'a browser'): Promise<URL> {
  const headers = { 'user-agent': userAgent };
  const body = new URLSearchParams({ person });
  const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual' });
  if (response.status !== 303) throw new Error(`${response.status} ${await response.text()}`);
  return new URL(response.headers.get('location') ?? '');
}

export async function signIn(own: Bridge, person: string, more: Partial<BridgeStart> = {}) {
  const started = await own.start({ ...request, ...more });
  if (started.outcome !== 'started') throw new Error('not started');
  const callback = await visit(started.url, person, more.userAgent);
  const keep: unknown = structuredClone(started.keep);
  return { own, callback, keep, result: () => own.finish(callback, keep) };
}
