import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bodyParser } from '@koa/bodyparser';
import Koa from 'koa';
import { configOf, DEFAULT_PORTS, GUEST, KINDS, type Kind, type Ports } from './config.ts';
import { Failure, failureOf } from './failure.ts';
import { errorPage } from './pages.ts';
import { createFundBook } from './records.ts';
import { createRelyingParty } from './relying-party.ts';
import { createRoutes, viewOf } from './routes.ts';
import { createSessionStore } from './sessions.ts';

export interface AppOptions {
  readonly kind: Kind;
  /** 0 takes a free port. */
  readonly port: number;
  readonly issuer: string;
  readonly host?: string;
  /** Where browsers and the provider reach the app, when not at http://localhost:port. */
  readonly redirectBase?: string;
  readonly log?: (line: Readonly<Record<string, unknown>>) => void;
}

export interface RunningApp {
  readonly kind: Kind;
  readonly url: string;
  readonly state: { signedInCount(): number };
  close(): Promise<void>;
}

const GO_HOME = new Set(['state_unknown', 'form_expired', 'not_found']);
/** Answers to prompt=none: only a sign-in with pages can help (OIDC Core 3.1.2.6). */
const ASK_AGAIN = new Set(['login_required', 'interaction_required', 'consent_required', 'account_selection_required']);

function toStandardError(line: Readonly<Record<string, unknown>>): void {
  process.stderr.write(`${JSON.stringify(line)}\n`);
}

/** Starts one demo app. The provider need not run yet: it is looked up when it is first needed. */
export async function startApp(options: AppOptions): Promise<RunningApp> {
  const config = configOf(options.kind);
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host ?? 'localhost', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const base = (options.redirectBase ?? `http://localhost:${port}`).replace(/\/$/, '');
  const log = options.log ?? toStandardError;

  const secure = base.startsWith('https:');
  // Cookies know no ports: without the port in the name, the apps on localhost would overwrite each other's sessions.
  const sessions = createSessionStore({ name: `${secure ? '__Host-' : ''}app${port}_sid`, secure });
  const provider = createRelyingParty(config, options.issuer, base);
  const routes = createRoutes({ app: config, base, provider, sessions, funds: createFundBook() });

  // form-action also governs where a form's redirect may lead: withdraw and sign-out go on to the provider.
  const csp = [
    "default-src 'none'",
    "style-src 'self'",
    `form-action 'self' ${new URL(options.issuer).origin}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

  const koa = new Koa();
  koa.use(async (ctx, next) => {
    ctx.set({
      'Content-Security-Policy': csp,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-store',
    });
    if (secure) ctx.set('Strict-Transport-Security', 'max-age=31536000');
    try {
      await next();
      if (ctx.status === 404 && ctx.body == null) throw new Failure('not_found', 404);
    } catch (error) {
      const failure = failureOf(error);
      if (failure.status >= 500) log({ app: config.kind, code: failure.code, detail: failure.description });
      const signedIn = sessions.find(ctx)?.person !== undefined;
      const home = GO_HOME.has(failure.code) || (signedIn && !ASK_AGAIN.has(failure.code));
      ctx.status = failure.status;
      ctx.type = 'html';
      ctx.body = errorPage(viewOf(config, ctx), {
        code: failure.code,
        description: failure.description,
        retry: home ? '/' : '/sign-in',
      });
    }
  });
  koa.use(bodyParser({ enableTypes: ['form'], formLimit: '32kb' }));
  koa.use(routes.routes());
  server.on('request', koa.callback());

  return {
    kind: config.kind,
    url: base,
    state: { signedInCount: sessions.signedInCount },
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}

export interface AppsOptions extends Pick<AppOptions, 'issuer' | 'host' | 'log'> {
  readonly ports?: Partial<Ports>;
}

/** Starts all three, and the guest where it is given a port; when one cannot start, the others are stopped again. */
export async function startApps(
  options: AppsOptions,
): Promise<{ apps: readonly RunningApp[]; close(): Promise<void> }> {
  const { ports, ...rest } = options;
  const started = await Promise.allSettled(
    [...KINDS, ...(ports?.[GUEST] === undefined ? [] : ([GUEST] as const))].map((kind) =>
      startApp({ ...rest, kind, port: ports?.[kind] ?? DEFAULT_PORTS[kind] }),
    ),
  );
  const apps = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const close = async () => {
    await Promise.all(apps.map((app) => app.close()));
  };
  const failed = started.find((each) => each.status === 'rejected');
  if (failed !== undefined) {
    await close();
    throw failed.reason;
  }
  return { apps, close };
}
