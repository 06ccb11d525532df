import type Router from '@koa/router';
import { starts } from './admin/preview.ts';
import { countFor } from './admin/preview-count.ts';
import { adminApi } from './admin-api/index.ts';
import { longestWay } from './assurance/preview.ts';
import type { Config } from './config.ts';
import type { Engine } from './engine.ts';
import type { I18n } from './i18n/index.ts';
import type { Clock } from './lib/clock.ts';
import type { Keyring } from './lib/crypto.ts';
import type { Log } from './lib/log.ts';
import { apiPath, apiResource, apiScope } from './oidc/api-tokens.ts';
import { metadataFault } from './oidc/clients.ts';
import { appOfToken } from './oidc/signals.ts';
import type { Db } from './storage/db.ts';

/** The Admin API with what it takes from the engine and shares with the console. */
export function startApi(deps: {
  config: Config;
  db: Db;
  clock: Clock;
  keyring: Keyring;
  log: Log;
  engine: Engine;
  i18n: I18n;
  health: () => Readonly<Record<string, boolean>>;
}): Router {
  const { config, engine, db, clock, ...shared } = deps;
  return adminApi({
    ...shared,
    db,
    clock,
    issuer: config.issuer,
    address: { path: apiPath, resource: apiResource(config.issuer), scope: apiScope },
    allowLoopback: config.allowLoopback,
    appOfToken: (token) => appOfToken(engine.provider, token),
    clientFault: (metadata) => metadataFault(engine.provider, metadata),
    reloadKeys: () => engine.refresh(),
    count: (key, policies) => countFor({ db, clock }, key, policies),
    longestWay: ({ old, next }) => longestWay(next, { old, starts: starts(clock()), now: clock() }),
  });
}
