import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { faceRoutes } from './face/routes.ts';
import { escapeHtml, page } from './lib/http.ts';
import type { SimulatedUpstream } from './lib/upstream.ts';
import { outboxRoutes } from './outbox/routes.ts';
import { loadPeople, registeredPeople } from './people.ts';
import { registerNotices } from './population/notices.ts';
import { openRegister } from './population/register.ts';
import { makeResidents } from './population/residents.ts';
import { populationRoutes } from './population/routes.ts';
import { upstreamFactories } from './upstreams.ts';

export interface SimulatorsOptions {
  readonly port?: number;
  readonly host?: string;
  /** Residents made besides the named people. */
  readonly seedSize?: number;
  /** Calls that one caller may make in a minute. */
  readonly perMinute?: number;
  /** Where the population register tells of deaths and cancellations; nowhere unless given. */
  readonly notify?: string;
}

export interface Simulators {
  readonly url: string;
  /** The upstreams besides the city's own register, face service and gateway, with what a bridge needs to use them. */
  readonly upstreams: readonly SimulatedUpstream[];
  close(): Promise<void>;
}

/** Credentials of the demo deployment; real services hand out their own. */
export const demoCredentials = {
  clientId: 'shimin-demo',
  populationSecret: 'demo-population-secret',
  faceSecret: 'demo-face-secret',
  smsToken: 'demo-sms-token',
} as const;

const faceAtRegister = { clientId: 'face-service', secret: 'face-service-at-the-register' };

const style = `:root{color-scheme:light dark}body{font:1.0625rem/1.6 system-ui,"PingFang SC","Noto Sans SC","Microsoft YaHei",sans-serif;margin:0}main{max-width:60rem;margin:0 auto;padding:1.5rem}h1{font-size:1.5rem}table{border-collapse:collapse;width:100%}th,td{text-align:start;padding:.4rem .6rem;border-bottom:1px solid #8885;vertical-align:top}button{display:block;width:100%;max-width:24rem;min-height:3.5rem;margin:.75rem 0;font:inherit;padding:.5rem 1rem;border:1px solid #0b5a5a;border-radius:.5rem;background:#0b5a5a;color:#fff}code{background:#8882;padding:.1rem .3rem;border-radius:.25rem}a{color:#0b5a5a}@media (prefers-color-scheme:dark){a{color:#7fd1c7}}`;

/** Starts the simulated upstreams on one port, each under its own path. */
export async function startSimulators(options: SimulatorsOptions = {}): Promise<Simulators> {
  const { port = 4000, host = 'localhost', seedSize = 10_000, perMinute = 600 } = options;
  const people = loadPeople();
  const named = registeredPeople(people);
  const taken = new Set(named.map((resident) => resident.number));
  const register = openRegister([
    ...named,
    ...makeResidents(seedSize).filter((resident) => !taken.has(resident.number)),
  ]);

  let origin = '';
  const { clientId, populationSecret: secret } = demoCredentials;
  const notices = options.notify === undefined ? null : registerNotices({ url: options.notify, clientId, secret });
  const population = populationRoutes({
    register,
    clients: {
      [demoCredentials.clientId]: demoCredentials.populationSecret,
      [faceAtRegister.clientId]: faceAtRegister.secret,
    },
    perMinute,
    ...(notices ? { tell: notices.tell } : undefined),
  });
  const returnHosts = ['localhost', '127.0.0.1'];
  const upstreams = await Promise.all(
    upstreamFactories.map((factory) => factory({ origin: () => origin, people, returnHosts })),
  );
  const face = faceRoutes({
    origin: () => origin,
    clients: { [demoCredentials.clientId]: demoCredentials.faceSecret },
    perMinute,
    returnHosts,
    photos: [
      {
        refPrefix: 'rec_',
        scorePath: '/population/v1/photo-score',
        caller: faceAtRegister,
        cameraOf: population.photoFor,
      },
      ...upstreams.flatMap(({ photos }) => photos ?? []),
    ],
  });
  const outbox = outboxRoutes({ token: demoCredentials.smsToken });

  const app = new Koa();
  app.silent = true;
  app.use(async (ctx, next) => {
    ctx.set(
      'Content-Security-Policy',
      "default-src 'none'; style-src 'self'; form-action 'self' http://localhost:* http://127.0.0.1:*; frame-ancestors 'none'; base-uri 'none'",
    );
    ctx.set('X-Content-Type-Options', 'nosniff');
    ctx.set('Cache-Control', 'no-store');
    if (ctx.path === '/style.css') {
      ctx.type = 'css';
      ctx.body = style;
      return;
    }
    if (ctx.path === '/people.json') {
      ctx.body = people;
      return;
    }
    if (ctx.path === '/') {
      ctx.type = 'html';
      ctx.body = indexPage();
      return;
    }
    await next();
  });
  for (const { router } of [outbox, population, face, ...upstreams]) app.use(router.routes());

  const server = createServer(app.callback());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  return {
    url: origin,
    upstreams,
    close: () =>
      new Promise((resolve) => {
        notices?.close();
        server.close(() => {
          register.close();
          resolve();
        });
        server.closeAllConnections();
      }),
  };

  function indexPage(): string {
    const rows = people.map(
      (person) =>
        `<tr><td>${escapeHtml(Object.values(person.names).join(' / '))}</td><td>${escapeHtml(person.documents.map(({ number }) => number).join(', '))}</td><td>${escapeHtml(person.phone)}</td><td>${escapeHtml(person.fate)}</td></tr>`,
    );
    const service = (name: string, path: string, fault: string) =>
      `<tr><td>${name}</td><td><code>${path}</code></td><td><code>PUT ${path}/_control {"fault": "slow", "delayMs": 5000}</code><br>now: ${escapeHtml(fault)}</td></tr>`;
    return page(
      '模拟系统 · Simulators',
      `<h1>模拟系统 · Simulators</h1><p>Other people's systems, simulated: separate services over HTTP. <a href="/outbox">Outbox of text messages</a> · <a href="/people.json">people.json</a></p>
<table><thead><tr><th>Service</th><th>Path</th><th>Fault switch</th></tr></thead><tbody>${service('公安人口库 Population register', '/population', population.switches.state.fault)}${service('人脸核验 Face service', '/face', face.switches.state.fault)}${service('短信网关 SMS gateway', '/sms', outbox.switches.state.fault)}${upstreams.map(({ title, path, fault }) => service(escapeHtml(title), path, fault())).join('')}</tbody></table>
<p>Faults: none, slow, hang, down, http500, garbage, empty, wrong; <code>times</code> limits how often. A resident's record: <code>PUT /population/_control/people/NUMBER {"status": "deceased"}</code>; the same with notice to its subscribers: <code>POST /population/people/NUMBER/fate</code>. The register holds ${register.size} residents.</p>
<h2>人物 · People</h2><table><thead><tr><th>Name</th><th>Document</th><th>Phone</th><th>Fate</th></tr></thead><tbody>${rows.join('')}</tbody></table>`,
    );
  }
}
