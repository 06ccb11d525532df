import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import type { SimulatedUpstream, UpstreamFactory } from '../../simulators/lib/upstream.ts';
import { loadPeople } from '../../simulators/people.ts';

export interface ServedUpstream extends SimulatedUpstream {
  readonly origin: string;
  control(body: object): Promise<void>;
  person(id: string, body: object): Promise<void>;
  close(): void;
}

/** One simulated upstream alone, over real HTTP on a port of its own. */
export async function serveUpstream(factory: UpstreamFactory): Promise<ServedUpstream> {
  let origin = '';
  const made = await factory({ origin: () => origin, people: loadPeople(), returnHosts: ['localhost'] });
  const app = new Koa();
  app.silent = true;
  app.use(made.router.routes());
  const server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const put = async (path: string, body: object) => {
    const url = `${origin}${made.path}/_control${path}`;
    const response = await fetch(url, { method: 'PUT', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path} ${JSON.stringify(body)}: ${response.status}`);
  };
  return {
    ...made,
    origin,
    control: (body) => put('', body),
    person: (id, body) => put(`/people/${id}`, body),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
