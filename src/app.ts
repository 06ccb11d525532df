import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import Router from '@koa/router';
import Koa, { type Context } from 'koa';
import type { Provider } from 'oidc-provider';
import { accountRoutes } from './account/index.ts';
import { dominates } from './assurance/level.ts';
import { acrLabels } from './assurance/mapping.ts';
import { createHashQueue } from './authenticators/password.ts';
import type { Config } from './config.ts';
import { type Engine, startEngine } from './engine.ts';
import { observeEngine } from './engine-events.ts';
import { createI18n } from './i18n/index.ts';
import { startHousekeeping } from './jobs/housekeeping.ts';
import { journeyRoutes } from './journey/index.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import { deriveKey, type Keyring } from './lib/crypto.ts';
import { ShiminError } from './lib/errors.ts';
import { createUpstream } from './lib/http.ts';
import type { Log } from './lib/log.ts';
import { smsGateway } from './lib/sms.ts';
import { clientAdapter } from './oidc/clients.ts';
import { finishInteraction, openInteraction, refuseInteraction } from './oidc/interaction.ts';
import { replayError } from './oidc/provider.ts';
import { endSsoSession, sessionUidOfSid } from './oidc/sessions.ts';
import { createMetrics, type Metrics } from './ops/metrics.ts';
import { faceService } from './proofing/face.ts';
import { populationRegister } from './proofing/population.ts';
import { accountClientSecret } from './seed.ts';
import { areaSessionStore } from './storage/area-sessions.ts';
import { connect, migrationStatus } from './storage/db.ts';
import { revokeGrantsOfAccount } from './storage/oidc-models/grants.ts';
import { oidcModels } from './storage/oidc-models.ts';
import { currentPolicy } from './storage/policies.ts';
import { areaSession } from './web/area-session.ts';
import { createAssets } from './web/assets.ts';
import { clientAddress } from './web/client-address.ts';
import { answerError, errorPages } from './web/errors.ts';
import { bodyLimit, csrf, requestId, securityHeaders } from './web/guards.ts';
import { issuerHost } from './web/issuer-host.ts';
import { preferences } from './web/preferences.ts';
import { createRenderer } from './web/render.ts';

export interface Shimin {
  readonly handle: (req: IncomingMessage, res: ServerResponse) => void;
  readonly engine: Engine;
  readonly metrics: Metrics;
  readonly ready: () => Promise<{ ok: boolean; checks: Record<string, string> }>;
  /** From now on `/readyz` says no, so that no new work is sent here. */
  stopReadiness(): void;
  close(): Promise<void>;
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Composition root: storage, ports, engine, areas and middleware, in visible order. */
export async function createShimin(deps: {
  config: Config;
  keyring: Keyring;
  log: Log;
  clock?: Clock;
}): Promise<Shimin> {
  const { config, keyring, log } = deps;
  const clock = deps.clock ?? systemClock;
  const https = config.issuer.startsWith('https:');

  // Storage
  const database = connect(config.databaseUrl, { sqliteDriver: config.sqliteDriver });
  const db = database.knex;
  const pending = (await migrationStatus(db)).pending;
  if (pending.length > 0) {
    await database.close();
    throw new ShiminError('config_invalid', {
      status: 500,
      message: `database schema is behind by ${pending.length}: run \`shimin migrate\``,
    });
  }
  const models = oidcModels(database, { clock, keyring, onReplay: replayError });
  const { document: policy } = await currentPolicy(db);

  // Pages
  const i18n = createI18n();
  const assets = createAssets(here('../public'));
  const renderer = createRenderer({ viewsDir: here('../views'), i18n, assets });
  const metrics = createMetrics();

  // Upstreams
  const upstreams = {
    population: createUpstream('population'),
    face: createUpstream('face'),
    sms: createUpstream('sms'),
  };
  const upstream = (name: 'population' | 'face') => ({
    baseUrl: config[name].url,
    clientId: config[name].appId,
    secret: config[name].secret,
    allowLoopback: config.allowLoopback,
    upstream: upstreams[name],
    clock,
  });
  const population = populationRegister(upstream('population'));
  const face = faceService(upstream('face'));
  const sendSms = smsGateway({
    url: config.sms.url,
    token: config.sms.token,
    allowLoopback: config.allowLoopback,
    upstream: upstreams.sms,
  });
  const hashQueue = createHashQueue();

  // Engine
  const clients = clientAdapter({ db });
  const engine = await startEngine({
    issuer: config.issuer,
    db,
    clock,
    keyring,
    log,
    acrValues: acrLabels(policy),
    adapter: (name) => (name === 'Client' ? clients : models.adapter(name)),
    requestScope: models.requestScope,
    replayUnique: models.replayUnique,
    trustedProxies: config.trustedProxies,
    allowLoopback: config.allowLoopback,
    observe: (provider: Provider) => observeEngine(provider, { metrics, log, db, clock }),
    pages: {
      error: async (ctx, out, cause) => {
        const oauth = {
          error: out.error,
          ...(out.error_description === undefined ? undefined : { error_description: out.error_description }),
        };
        if (ctx.accepts('html', 'json') === 'json') ctx.body = oauth;
        else answerError({ renderer, log }, ctx, engineError(out.error, cause));
      },
      logout: async (ctx, form) => renderer.render(ctx, 'journey/logout', { form, app: null }),
      loggedOut: async (ctx) => renderer.render(ctx, 'journey/logged-out', { app: null }),
    },
  });

  // Areas
  const shared = {
    db,
    clock,
    keyring,
    log,
    renderer,
    rpId: new URL(config.issuer).hostname,
    origins: [config.issuer],
    issuer: config.issuer,
    hashQueue,
  };
  const address = (ctx: Context) => clientAddress(ctx, config.trustedProxies);
  const door = (ctx: Context) => ({ req: ctx.req, res: ctx.res });
  const router = new Router();
  journeyRoutes(router, {
    ...shared,
    population,
    face,
    faceOrigin: new URL(config.face.url).origin,
    health: () => ({ population: upstreams.population.healthy(), face: upstreams.face.healthy() }),
    sendSms,
    clientAddress: address,
    engine: {
      open: (ctx, uid) => openInteraction(engine.provider, door(ctx), uid),
      finish: (ctx, outcome) => finishInteraction(engine.provider, door(ctx), outcome, clock()),
      refuse: (ctx, error, description) => refuseInteraction(engine.provider, door(ctx), error, description),
    },
  });
  const account = areaSession({
    issuer: config.issuer,
    clientId: 'account',
    clientSecret: accountClientSecret(keyring),
    basePath: '/account',
    store: areaSessionStore(db, keyring),
    clock,
    renderer,
    dominates: (held, needed) => dominates(policy.levels, held, needed),
    postLogoutRedirectUri: `${config.issuer}/account/signed-out`,
  });
  const accountRouter = accountRoutes({
    ...shared,
    areaSession: account,
    clientAddress: address,
    endSession: async (uid) => void (await endSsoSession(engine.provider, db, uid, log)),
    sessionOfSid: (accountId, sid) => sessionUidOfSid(engine.provider, db, accountId, 'account', sid),
    revokeApp: async (accountId, clientId) => void (await revokeGrantsOfAccount(db, accountId, clientId)),
  });

  // Order of one request. Errors are answered inside the headers; the engine comes last and answers by itself.
  const app = new Koa({ proxy: config.trustedProxies > 0, maxIpsCount: config.trustedProxies });
  app.keys = [...keyring.cookieKeys];
  app.silent = true;
  app.use(requestId());
  app.use(observeRequest(metrics, log));
  app.use(securityHeaders({ https }));
  app.use(errorPages({ renderer, log }));
  app.use(issuerHost(config.issuer));
  app.use(assets.middleware);
  const formGuards = [
    bodyLimit(),
    csrf({ secret: deriveKey(keyring, 'csrf').toString('base64url'), origin: config.issuer, protects: isForm }),
  ];
  for (const guard of formGuards) app.use(onOurPaths(guard));
  app.use(preferences({ i18n, secure: https }));
  app.use(home());
  app.use(router.routes()).use(account.middleware).use(accountRouter.routes());
  app.use(handToEngine(engine));

  const housekeeping = startHousekeeping({ db, clock, log });
  let draining = false;
  return {
    handle: app.callback(),
    engine,
    metrics,
    stopReadiness: () => {
      draining = true;
    },
    async ready() {
      const storage = await db.raw('select 1').then(
        () => 'ok',
        () => 'unreachable',
      );
      const ok = !draining && storage === 'ok';
      return { ok, checks: { storage, draining: draining ? 'yes' : 'no' } };
    },
    async close() {
      housekeeping.stop();
      engine.close();
      await database.close();
    },
  };
}

/** Paths that are ours; all others are the engine's, which reads bodies and protects its endpoints itself. */
const ourPaths = /^\/(interaction|account|preferences)(\/|$)/;
const isOurs = (ctx: Context) => ourPaths.test(ctx.path);
// A logout token is a signed request of a server, not a form of a browser.
const isForm = (ctx: Context) => !ctx.path.endsWith('/backchannel-logout');

function onOurPaths(guard: Koa.Middleware): Koa.Middleware {
  return (ctx, next) => (isOurs(ctx) ? guard(ctx, next) : next());
}

/** The front door is the citizen's own page. */
function home(): Koa.Middleware {
  return async (ctx, next) => {
    if (ctx.path !== '/' || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next();
    ctx.status = 303;
    ctx.redirect('/account');
  };
}

function handToEngine(engine: Engine): Koa.Middleware {
  return async (ctx, next) => {
    if (isOurs(ctx)) return next();
    // The engine is a Koa application of its own on the same response; headers set so far stay.
    ctx.respond = false;
    ctx.res.statusCode = 404;
    await engine.handle(ctx.req, ctx.res);
  };
}

function observeRequest(metrics: Metrics, log: Log): Koa.Middleware {
  return async (ctx, next) => {
    const started = performance.now();
    ctx.res.once('close', () => {
      const seconds = (performance.now() - started) / 1000;
      const route = routeOf(ctx.path);
      metrics.request(route, ctx.method, ctx.res.statusCode, seconds);
      log.info(
        {
          requestId: ctx.state.requestId,
          method: ctx.method,
          route,
          status: ctx.res.statusCode,
          ms: Math.round(seconds * 1000),
        },
        'request',
      );
    });
    await next();
  };
}

/** The kind of route for logs and metrics: a path itself may hold ids of interactions. */
function routeOf(path: string): string {
  const [, first = '', , third = ''] = path.split('/');
  if (first === 'interaction')
    return third === '' ? 'interaction' : `interaction/${/^[a-z-]{1,30}$/.test(third) ? third : 'other'}`;
  if (first === 'auth' && path.length > 5) return 'auth/resume';
  return /^[a-z.-]{0,30}$/.test(first) ? first || 'home' : 'other';
}

function engineError(error: string, cause: unknown): ShiminError {
  if (cause instanceof ShiminError) return cause;
  const status =
    typeof cause === 'object' && cause !== null && 'statusCode' in cause && typeof cause.statusCode === 'number'
      ? cause.statusCode
      : 500;
  // The engine's word for an interaction or session that is over or of another browser.
  const expired = cause instanceof Error && cause.name === 'SessionNotFound';
  if (expired) return new ShiminError('interaction_expired', { status: 400, cause });
  return new ShiminError(status >= 500 ? 'internal' : 'client_invalid', { status, cause, detail: { error } });
}
