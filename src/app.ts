import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import Router from '@koa/router';
import Koa, { type Context } from 'koa';
import type { Provider } from 'oidc-provider';
import { accountRoutes } from './account/index.ts';
import { signedOutPath } from './account/signed-out.ts';
import { staffAcr } from './admin/context.ts';
import { adminRouter } from './admin/index.ts';
import { startApi } from './api.ts';
import { dominates } from './assurance/level.ts';
import { acrLabels } from './assurance/mapping.ts';
import { createHashQueue } from './authenticators/password.ts';
import { startBackground, takeUpDatabase } from './background.ts';
import type { Config } from './config.ts';
import { startDeliveries, takeSignOuts } from './deliveries.ts';
import { type Engine, startEngine } from './engine.ts';
import { observeEngine } from './engine-events.ts';
import { enginePages } from './engine-pages.ts';
import { createI18n } from './i18n/index.ts';
import { startRollups } from './jobs/rollups.ts';
import { startShadows } from './jobs/shadows.ts';
import { journeyRoutes } from './journey/index.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import { deriveKey, type Keyring } from './lib/crypto.ts';
import type { Log } from './lib/log.ts';
import { startNotices } from './notices.ts';
import { clientAdapter, metadataFault } from './oidc/clients.ts';
import { recordRefusals } from './oidc/decision.ts';
import { finishInteraction, openInteraction, refuseInteraction, repeatRequest } from './oidc/interaction.ts';
import { answerReplay, replayError } from './oidc/provider.ts';
import { isSignedIn, sessionUidOfSid } from './oidc/sessions.ts';
import { createShadow } from './oidc/shadow.ts';
import { tokenOrigin } from './oidc/token-origin.ts';
import { boundOpenWork } from './open-work.ts';
import { createMetrics, type Metrics } from './ops/metrics.ts';
import type { Readiness } from './ops/ops-server.ts';
import { startReadiness } from './readiness.ts';
import { dispatch, home, isForm, observeRequest, onOurPaths } from './request-order.ts';
import { accountClientSecret, adminClientSecret } from './seed.ts';
import { areaSessionStore } from './storage/area-sessions.ts';
import { connect } from './storage/db.ts';
import { oidcModels } from './storage/oidc-models.ts';
import { currentPolicy } from './storage/policies.ts';
import { standingReader } from './storage/standing.ts';
import { openUpstreams } from './upstreams.ts';
import { areaSession } from './web/area-session.ts';
import { createAssets } from './web/assets.ts';
import { browserMarks } from './web/browser-mark.ts';
import { clientAddress } from './web/client-address.ts';
import { errorPages } from './web/errors.ts';
import { bodyLimit, csrf, requestId, securityHeaders } from './web/guards.ts';
import { issuerHost } from './web/issuer-host.ts';
import { preferences } from './web/preferences.ts';
import { createRenderer } from './web/render.ts';

export interface Shimin {
  readonly handle: (req: IncomingMessage, res: ServerResponse) => void;
  readonly engine: Engine;
  readonly metrics: Metrics;
  readonly ready: () => Promise<Readiness>;
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
  const metrics = createMetrics();
  const onStatement = metrics.statement;
  const database = connect(config.databaseUrl, { sqliteDriver: config.sqliteDriver, onStatement });
  const db = database.knex;
  await takeUpDatabase(database, { keyring, clock, log });
  const models = oidcModels(database, { clock, keyring, onReplay: replayError, answerReplay, onStatement });
  const { document: policy } = await currentPolicy(db);

  // Pages
  const i18n = createI18n();
  const assets = createAssets(here('../public'));
  const browsers = browserMarks({ secure: https, key: deriveKey(keyring, 'browser').toString('base64url') });
  const renderer = createRenderer({ viewsDir: here('../views'), i18n, assets });

  // Upstreams
  const rollups = startRollups({ db, clock, log, onOdd: metrics.oddAnswer });
  const observe = (source: string, answered: boolean) => rollups.note(source, answered);
  const upstreams = openUpstreams({
    config,
    db,
    keyring,
    log,
    clock,
    observe,
  });
  const { health, population, face, sendSms, bridges, checks, healthy } = upstreams;
  const hashQueue = createHashQueue({ concurrency: config.processes > 1 ? 1 : 2 });

  const addressOf = (ctx: Context) => clientAddress(ctx, config.trustedProxies);
  const openWork = boundOpenWork({ db, clock, keyring }, { addressOf, browsers });

  // Engine
  const clients = clientAdapter({ db });
  const shadow = createShadow({ log });
  const shadows = startShadows({ db, log, watch: shadow });
  const engine = await startEngine({
    issuer: config.issuer,
    db,
    clock,
    keyring,
    log,
    acrValues: acrLabels(policy),
    adapter: (name) => (name === 'Client' ? clients : models.adapter(name)),
    readStanding: standingReader(database, onStatement),
    requestScope: models.requestScope,
    replayUnique: models.replayUnique,
    recordDecision: models.recordDecision,
    shadow,
    trustedProxies: config.trustedProxies,
    browsers,
    openWork,
    allowLoopback: config.allowLoopback,
    observe: (provider: Provider) => {
      observeEngine(provider, { metrics, log, db, clock });
      recordRefusals(provider, { db, clock, log, recordDecision: models.recordDecision });
      takeSignOuts(provider, { db, clock, keyring }, () => deliveries.loggedOut());
    },
    pages: enginePages({ renderer, log }),
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
    browsers,
    clientAddress: addressOf,
  };
  const door = (ctx: Context) => ({ req: ctx.req, res: ctx.res });
  const router = new Router();
  const deliveries = startDeliveries(router, {
    ...{ config, db, clock, keyring, log, engine },
    unique: models.replayUnique,
    onSetAside: metrics.setAside,
  });
  journeyRoutes(router, {
    ...shared,
    bridges,
    checks,
    population,
    face,
    faceOrigin: new URL(config.face.url).origin,
    health,
    sendSms,
    engine: {
      open: (ctx, uid) => openInteraction(engine.provider, door(ctx), { uid, browser: browsers.of(ctx) }),
      again: (ctx) => repeatRequest(engine.provider, door(ctx), clock()),
      finish: (ctx, outcome) => finishInteraction(engine.provider, door(ctx), outcome, clock()),
      refuse: (ctx, error, description) => refuseInteraction(engine.provider, door(ctx), error, description),
    },
  });
  const area = {
    issuer: config.issuer,
    store: areaSessionStore(db, keyring),
    clock,
    renderer,
    browsers,
    openWork,
    postLogoutRedirectUri: `${config.issuer}${signedOutPath}`,
  };
  const account = areaSession({
    ...area,
    clientId: 'account',
    clientSecret: accountClientSecret(keyring),
    basePath: '/account',
    dominates: async (held, needed) => dominates((await currentPolicy(db)).document.levels, held, needed),
    publicPaths: ['/signed-out'],
  });
  const accountRouter = accountRoutes({
    ...shared,
    areaSession: account,
    bridges,
    checks,
    endSession: deliveries.endSession,
    isSignedIn: (ctx) => isSignedIn(engine.provider, door(ctx)),
    sessionOfSid: (accountId, sid) => sessionUidOfSid(engine.provider, db, accountId, 'account', sid),
  });

  const admin = areaSession({
    ...area,
    clientId: 'admin',
    clientSecret: adminClientSecret(keyring),
    basePath: '/admin',
    requiredAcr: staffAcr,
    // SP 800-63B-4 2.3.3: at AAL3, at most 12 hours, or 15 minutes without activity.
    idleSec: 900,
  });
  const staffRouter = adminRouter({
    ...shared,
    areaSession: admin,
    bridges,
    checks,
    healthy,
    population,
    health,
    reloadKeys: () => engine.refresh(),
    originOf: (token) => tokenOrigin({ provider: engine.provider, db, keyring }, token),
    clientFault: (metadata) => metadataFault(engine.provider, metadata),
    allowLoopback: config.allowLoopback,
    endSession: deliveries.endSession,
  });

  const api = startApi({ config, db, clock, keyring, log, engine, i18n, health });

  // Order of one request. Errors are answered inside the headers; the engine comes last and answers by itself.
  const app = new Koa({ proxy: config.trustedProxies > 0, maxIpsCount: config.trustedProxies });
  app.keys = [...keyring.cookieKeys];
  app.silent = true;
  app.use(requestId());
  app.use(observeRequest(metrics, log));
  app.use(securityHeaders({ https }));
  app.use(errorPages({ renderer, log }));
  app.use(issuerHost(config.issuer));
  app.use(api.routes());
  app.use(assets.middleware);
  const formGuards = [
    bodyLimit(),
    csrf({ secret: deriveKey(keyring, 'csrf').toString('base64url'), origin: config.issuer, protects: isForm }),
  ];
  for (const guard of formGuards) app.use(onOurPaths(guard));
  app.use(preferences({ i18n, secure: https }));
  app.use(home());
  app.use(router.routes()).use(account.middleware).use(accountRouter.routes());
  app.use(admin.middleware).use(staffRouter.routes());

  const notices = startNotices({ db, clock, keyring, log, i18n, sendSms, onSetAside: metrics.setAside });
  const background = startBackground({ db, clock, keyring, log, config });
  const readiness = startReadiness({ db, clock, metrics, log });
  return {
    handle: dispatch({ engine, ours: app.callback(), metrics, log, issuer: config.issuer }),
    engine,
    metrics,
    stopReadiness: () => {
      readiness.drain();
      deliveries.release();
    },
    ready: readiness.ready,
    async close() {
      readiness.stop();
      background.stop();
      upstreams.close();
      await notices.stop();
      await rollups.stop();
      await shadows.stop();
      await deliveries.close();
      engine.close();
      await database.close();
    },
  };
}
