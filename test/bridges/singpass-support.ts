import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { expect } from 'vitest';
import type { SimulatedUpstream } from '../../simulators/lib/upstream.ts';
import { loadPeople } from '../../simulators/people.ts';
import { registrations } from '../../simulators/singpass/registration.ts';
import { singpassUpstream } from '../../simulators/singpass/service.ts';
import type { Bridge, BridgeStart } from '../../src/bridges/bridge.ts';
import { singpass } from '../../src/bridges/singpass/index.ts';
import { createUpstream } from '../../src/lib/upstream.ts';

export const request: BridgeStart = {
  redirectUri: 'http://localhost:1/bridge/singpass/callback',
  state: 'aB3'.repeat(10).padEnd(32, 'x'),
  level: null,
  locale: 'en',
  fresh: false,
  sameDevice: true,
  input: {},
};

/** The simulator over real HTTP, and what a browser does there. */
export async function startSingpass() {
  const app = new Koa();
  app.silent = true;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const upstream: SimulatedUpstream = await singpassUpstream({
    origin: () => origin,
    people: loadPeople(),
    returnHosts: ['localhost', '127.0.0.1'],
  });
  app.use(upstream.router.routes());
  server.on('request', app.callback());
  const put = async (path: string, body: object, method = 'PUT') => {
    const response = await fetch(`${origin}/singpass/_control${path}`, { method, body: JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  };

  function bridge(more: Record<string, string> = {}): Bridge {
    return singpass.open(
      { ...upstream.settings(), ...more },
      {
        upstream: createUpstream('singpass', { breakAfter: 1_000 }),
        allowLoopback: true,
        timeoutMs: 600,
        clock: () => new Date(),
      },
    );
  }
  const myinfo = (more: Record<string, string> = {}) =>
    bridge({
      product: 'myinfo',
      clientId: registrations[1]?.id ?? '',
      scope: 'openid uinfin name dob nationality mobileno',
      asksLevel: 'no',
      ...more,
    });

  /** Chooses a person on the page there, and is sent back. */
  async function visit(url: string, person: string): Promise<URL> {
    const response = await fetch(url, { method: 'POST', body: new URLSearchParams({ person }), redirect: 'manual' });
    expect(response.status).toBe(303);
    return new URL(response.headers.get('location') ?? '');
  }

  async function signIn(person = 'tan-wei-ming', more: Partial<BridgeStart> = {}, own = bridge()) {
    const started = await own.start({ ...request, ...more });
    if (started.outcome !== 'started')
      throw new Error(`not started: ${started.outcome === 'waiting' ? '' : started.cause}`);
    const callback = await visit(started.url, person);
    // What the area does with it: JSON, sealed, and back.
    const keep: unknown = JSON.parse(JSON.stringify(started.keep));
    return { own, url: started.url, callback, keep, result: () => own.finish(callback, keep) };
  }

  return {
    origin,
    issuer: `${origin}/singpass/fapi`,
    settings: upstream.settings,
    bridge,
    myinfo,
    visit,
    signIn,
    fault: (fault: string, more: object = {}) => put('', { fault, ...more }),
    person: (id: string, body: object) => put(`/people/${id}`, body),
    client: (body: object) => put('/client', body),
    rotate: (step: string) => put('/rotate', { step }, 'POST'),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
export type SingpassCity = Awaited<ReturnType<typeof startSingpass>>;
