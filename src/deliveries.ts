import type Router from '@koa/router';
import type { Provider } from 'oidc-provider';
import { signalMessage } from './commands/announce.ts';
import { announceLevels } from './commands/announce-levels.ts';
import type { CommandDeps } from './commands/command.ts';
import { expireInterventions } from './commands/expire-interventions.ts';
import { announceSignOut, queueLogout } from './commands/sign-out.ts';
import { logoutMessage, tellApps } from './commands/tell-apps.ts';
import type { Config } from './config.ts';
import type { Engine } from './engine.ts';
import { startLoop } from './jobs/loop.ts';
import { type Deliver, startOutbox } from './jobs/outbox.ts';
import { startSignalPush } from './jobs/signals.ts';
import type { Clock } from './lib/clock.ts';
import type { Keyring } from './lib/crypto.ts';
import type { Log } from './lib/log.ts';
import { pairwiseSubjects } from './oidc/provider.ts';
import { deliverLogout, endSsoSession, interceptSignOut } from './oidc/sessions.ts';
import { algorithmOf, appOfToken, recipientOf, setSigner } from './oidc/signals.ts';
import { signalRoutes } from './signals/index.ts';
import type { Db } from './storage/db.ts';

/** What we owe others: logout tokens, security events. Written with what they tell of, delivered from here. */
export interface Deliveries {
  /** Ends one SSO session and has its apps told. */
  endSession(uid: string): Promise<void>;
  /** Waits a little for logout tokens on their way: whoever signs out sees it everywhere at once. */
  loggedOut(): Promise<void>;
  /** Nobody is kept waiting from now on. */
  release(): void;
  close(): Promise<void>;
}

/** A logout token tells of the present; a day later it is history. */
const LOGOUT_WORTH_MS = 24 * 60 * 60 * 1000;
const LOGOUT_PATIENCE_MS = 1_000;
/** A fan-out is one transaction: done twice, the second does nothing. So what a crash left is taken up soon. */
const FAN_OUT_LEASE_MS = 2_000;
/** How soon a published policy or a switched source is noticed. */
const LEVELS_EVERY_MS = 500;
/** How soon the end of an intervention is told; it counts for nothing from its end on. */
const INTERVENTIONS_EVERY_MS = 500;

export function startDeliveries(
  router: Router,
  deps: {
    config: Config;
    db: Db;
    clock: Clock;
    keyring: Keyring;
    log: Log;
    engine: Engine;
    unique: (sender: string, nonce: string, expSeconds: number) => Promise<boolean>;
    onSetAside: (queue: string) => void;
  },
): Deliveries {
  const { config, db, clock, keyring, log, engine } = deps;
  const subjects = pairwiseSubjects(keyring.pairwiseSalt);
  const { onSetAside } = deps;
  const shared = { db, clock, keyring, log, onSetAside };
  const eventSetAside = (jti: string) => {
    log.error({ jti }, 'signal set aside: it can not be read');
    onSetAside('signals');
  };
  let wakePush: () => void = () => undefined;
  const signals = signalRoutes(
    router,
    {
      ...shared,
      onSetAside: eventSetAside,
      issuer: config.issuer,
      allowLoopback: config.allowLoopback,
      population: { clientId: config.population.appId, secret: config.population.secret },
      unique: deps.unique,
      engine: {
        appOfToken: (value) => appOfToken(engine.provider, value),
        recipient: (clientId, accountId) =>
          recipientOf({ provider: engine.provider, db }, subjects, clientId, accountId),
        algorithmOf: (clientId) => algorithmOf(engine.provider, clientId),
        sign: setSigner({ db, keyring }),
      },
    },
    () => wakePush(),
  );
  const sayLogout: Deliver = async ({ id, payload, createdAt }) => {
    if (clock().getTime() - createdAt.getTime() > LOGOUT_WORTH_MS)
      log.error({ messageId: id }, 'logout token given up: its app was away for a day');
    else await deliverLogout(engine.provider, db, payload);
    return false;
  };
  const push = startSignalPush({ ...shared, push: signals.push, onSetAside: eventSetAside });
  wakePush = push.wake;
  // Each kind by itself: a crowd of logouts must not stand before a signal, nor the other way round.
  // What is said last of a person must be what was true last.
  const fanOut = startOutbox({
    ...shared,
    handlers: { [signalMessage]: signals.fanOut },
    inOrder: true,
    leaseMs: FAN_OUT_LEASE_MS,
  });
  const logouts = startOutbox({ ...shared, handlers: { [logoutMessage]: sayLogout } });
  const levels = startLoop({
    log,
    name: 'levels',
    everyMs: LEVELS_EVERY_MS,
    async run() {
      const more = await announceLevels({ db, clock, keyring });
      // A city takes many goes; people's requests come in between.
      await new Promise((resolve) => setImmediate(resolve));
      return more;
    },
  });
  const interventions = startLoop({
    log,
    name: 'interventions',
    everyMs: INTERVENTIONS_EVERY_MS,
    run: async () => (await expireInterventions({ db, clock, keyring })) > 0,
  });
  // As long as the apps answer.
  const loggedOut = () => logouts.settled(LOGOUT_PATIENCE_MS);
  return {
    loggedOut,
    async endSession(uid) {
      await endSsoSession(engine.provider, db, uid, (tx, accountId) =>
        tellApps(tx, keyring, { accountId, which: { uid }, at: clock(), initiator: 'user' }),
      );
      await loggedOut();
    },
    release: signals.close,
    async close() {
      signals.close();
      await Promise.all([fanOut.stop(), logouts.stop(), levels.stop(), interventions.stop()]);
      await push.stop();
    },
  };
}

/** A sign-out at an app goes the same way as one on the account page. */
export function takeSignOuts(provider: Provider, deps: CommandDeps, loggedOut: () => Promise<void>): void {
  interceptSignOut(provider, {
    async logout(app) {
      await queueLogout(deps, app);
      await loggedOut();
    },
    ending: (session) => announceSignOut(deps, session),
  });
}
