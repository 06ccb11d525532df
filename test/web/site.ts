import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import Koa, { type Middleware } from 'koa';
import { createI18n } from '../../src/i18n/index.ts';
import { createAssets } from '../../src/web/assets.ts';
import { errorPages } from '../../src/web/errors.ts';
import { bodyLimit, csrf, noStore, requestId, securityHeaders } from '../../src/web/guards.ts';
import { preferences } from '../../src/web/preferences.ts';
import { createRenderer } from '../../src/web/render.ts';
import { samples } from './samples.ts';

const root = join(import.meta.dirname, '../..');
export const i18n = createI18n();
export const assets = createAssets(join(root, 'public'));
export const renderer = createRenderer({ viewsDir: join(root, 'views'), i18n, assets });

export interface Site {
  readonly origin: string;
  readonly logged: object[];
  close(): Promise<void>;
}

/** The middleware in the order of the composition root, with `/view/<name>?n=` showing the samples. */
export async function startSite(...more: Middleware[]): Promise<Site> {
  const app = new Koa();
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const logged: object[] = [];
  const log = {
    warn: (...args: unknown[]) => void logged.push(args),
    error: (...args: unknown[]) => void logged.push(args),
  };
  app.use(securityHeaders({ https: false }));
  app.use(requestId());
  app.use(assets.middleware);
  app.use(noStore());
  app.use(errorPages({ renderer, log }));
  app.use(bodyLimit());
  app.use(csrf({ secret: 'test-secret', origin }));
  app.use(preferences({ i18n, secure: false }));
  for (const one of more) app.use(one);
  app.use(async (ctx, next) => {
    const view = /^\/view\/(.+)$/.exec(ctx.path)?.[1];
    const data = view === undefined ? undefined : samples[view]?.[Number(ctx.query.n ?? 0)];
    if (view === undefined || data === undefined) return next();
    renderer.render(ctx, view, data);
  });
  app.use(async (ctx, next) => {
    if (ctx.path === '/echo' && ctx.method === 'POST') ctx.body = 'done';
    else if (ctx.path === '/boom') throw new Error('secret detail 110101199003070000');
    else await next();
  });
  server.on('request', app.callback());
  return {
    origin,
    logged,
    close: () => new Promise((done) => void server.close(() => done())),
  };
}
