import type { Config } from './config.ts';
import type { Clock } from './lib/clock.ts';
import type { Keyring } from './lib/crypto.ts';
import type { Log } from './lib/log.ts';
import { smsGateway } from './lib/sms.ts';
import { createUpstream } from './lib/upstream.ts';
import { openOutside } from './open-bridges.ts';
import { faceService } from './proofing/face.ts';
import { populationRegister } from './proofing/population.ts';
import type { Db } from './storage/db.ts';
import { watched } from './watched.ts';

/** All services of others that we call, each behind its own circuit. */
export function openUpstreams(deps: {
  config: Config;
  db: Db;
  keyring: Keyring;
  log: Log;
  clock: Clock;
  /** Hears of every call whether the service answered. */
  observe: (source: string, answered: boolean) => void;
}) {
  const { config, clock, observe } = deps;
  const { allowLoopback } = config;
  const own = {
    population: createUpstream('population', { observe }),
    face: createUpstream('face', { observe }),
    sms: createUpstream('sms', { observe }),
  };
  const signed = (name: 'population' | 'face') => ({
    baseUrl: config[name].url,
    clientId: config[name].appId,
    secret: config[name].secret,
    allowLoopback,
    upstream: own[name],
    clock,
  });
  const outside = openOutside({ ...deps, allowLoopback });
  return {
    ...outside,
    population: watched(deps, populationRegister(signed('population')), { nameOnly: true }),
    face: faceService(signed('face')),
    sendSms: smsGateway({ url: config.sms.url, token: config.sms.token, allowLoopback, upstream: own.sms }),
    health: () => ({
      population: own.population.healthy(),
      face: own.face.healthy(),
      sms: own.sms.healthy(),
    }),
    close() {
      outside.close();
      for (const upstream of Object.values(own)) upstream.close();
    },
  };
}
