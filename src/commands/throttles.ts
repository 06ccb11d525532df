import { blindIndex } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { knowsDevice, noteDevice } from '../storage/known-devices.ts';
import { clear, giveBack, type HitResult, hit, wasHit } from '../storage/throttle.ts';
import type { CommandDeps } from './command.ts';

interface Limit {
  readonly limit: number;
  readonly windowSec: number;
  /** How long it stays shut once passed; 0: until the window ends. */
  readonly lockSec: number;
}

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * Every limit of tries there is, by whom it counts: docs/limits.md says why each is so high and no higher. An entry with
 * `Address` in its name counts what failed or is not done yet: what comes to a good end is given back, so that the
 * hundreds behind one address of a service hall or a carrier don't stop each other.
 */
export const limits = {
  passwordTarget: { limit: 10, windowSec: hour, lockSec: 15 * minute },
  passwordDevice: { limit: 10, windowSec: hour, lockSec: 15 * minute },
  passwordAddress: { limit: 300, windowSec: hour, lockSec: 15 * minute },
  totpAccount: { limit: 10, windowSec: hour, lockSec: 15 * minute },
  totpDevice: { limit: 10, windowSec: hour, lockSec: 15 * minute },
  recoveryAccount: { limit: 5, windowSec: hour, lockSec: hour },
  recoveryDevice: { limit: 5, windowSec: hour, lockSec: hour },
  smsTarget: { limit: 5, windowSec: hour, lockSec: hour },
  smsAddress: { limit: 60, windowSec: hour, lockSec: hour },
  codeTarget: { limit: 10, windowSec: hour, lockSec: hour },
  passkeyAddress: { limit: 300, windowSec: hour, lockSec: 5 * minute },
  bridgeAddress: { limit: 300, windowSec: hour, lockSec: 15 * minute },
  bridgeTarget: { limit: 20, windowSec: hour, lockSec: hour },
  qrAddress: { limit: 300, windowSec: hour, lockSec: 5 * minute },
  qrTicket: { limit: 5, windowSec: 2 * minute, lockSec: 0 },
  qrAccount: { limit: 20, windowSec: hour, lockSec: 15 * minute },
  qrAnswerAddress: { limit: 200, windowSec: hour, lockSec: 15 * minute },
  registerAccount: { limit: 10, windowSec: day, lockSec: hour },
  registerTarget: { limit: 10, windowSec: day, lockSec: day },
  registerAddress: { limit: 200, windowSec: day, lockSec: hour },
  carrierAccount: { limit: 10, windowSec: day, lockSec: hour },
  carrierTarget: { limit: 10, windowSec: day, lockSec: day },
  createAddress: { limit: 2_000, windowSec: day, lockSec: hour },
  /** How often a person is told that somebody proves with their name and number. */
  ownerTold: { limit: 1, windowSec: day, lockSec: 0 },
  /** What sources say, watched for what is odd: nobody is stopped by these. */
  oddYes: { limit: 1, windowSec: day, lockSec: 0 },
  oddNo: { limit: 1, windowSec: day, lockSec: 0 },
  oddNames: { limit: 2, windowSec: day, lockSec: 0 },
  oddGuesses: { limit: 3, windowSec: day, lockSec: 0 },
  oddTotal: { limit: 100, windowSec: hour, lockSec: 0 },
  oddTold: { limit: 1, windowSec: day, lockSec: 0 },
  counterOpen: { limit: 20, windowSec: day, lockSec: 0 },
  counterRow: { limit: 10, windowSec: 15 * minute, lockSec: 15 * minute },
  counterDay: { limit: 300, windowSec: day, lockSec: hour },
  counterAddress: { limit: 200, windowSec: hour, lockSec: 15 * minute },
  counterRegister: { limit: 60, windowSec: hour, lockSec: hour },
  peopleHour: { limit: 60, windowSec: hour, lockSec: 15 * minute },
  peopleDay: { limit: 300, windowSec: day, lockSec: hour },
  openBrowser: { limit: 60, windowSec: 30 * minute, lockSec: 0 },
  openAddress: { limit: 300, windowSec: 30 * minute, lockSec: 0 },
  openClient: { limit: 20_000, windowSec: 30 * minute, lockSec: 0 },
  pushedClient: { limit: 1_500, windowSec: minute, lockSec: 0 },
  pushedAddress: { limit: 300, windowSec: minute, lockSec: 0 },
  apiClient: { limit: 600, windowSec: minute, lockSec: 0 },
} as const satisfies Record<string, Limit>;
export type LimitName = keyof typeof limits;

/** The key is hashed, so that the table holds no number and no address. */
const bucketOf = ({ keyring }: CommandDeps, name: LimitName, key: string) =>
  `${name}:${blindIndex(keyring, 'throttle', key)}`;

/** Counts one try and says whether it may go on. */
export function tryOnce(deps: CommandDeps, name: LimitName, key: string, weight = 1): Promise<HitResult> {
  return hit(deps.db, { bucket: bucketOf(deps, name, key), ...limits[name], now: deps.clock(), weight });
}

/**
 * Counts one try.
 * @throws ShiminError `too_many_requests` with `retryAfter`
 */
export async function count(deps: CommandDeps, name: LimitName, key: string): Promise<void> {
  const { allowed, retryAfterSec } = await tryOnce(deps, name, key);
  if (!allowed)
    throw new ShiminError('too_many_requests', { status: 429, retryAfter: retryAfterSec, detail: { limit: name } });
}

/** Whether anything was counted there of late; counts nothing. */
export function isCounted(deps: CommandDeps, name: LimitName, key: string): Promise<boolean> {
  return wasHit(deps.db, bucketOf(deps, name, key), deps.clock());
}

/** It was a good one: it doesn't count. */
export function uncount(deps: CommandDeps, name: LimitName, key: string): Promise<void> {
  return giveBack(deps.db, bucketOf(deps, name, key), deps.clock());
}

/** Starts counting anew. */
export function forget(deps: CommandDeps, name: LimitName, key: string): Promise<void> {
  return clear(deps.db, bucketOf(deps, name, key));
}

/** A device on which nobody signed in to an account for so long is a stranger's again. */
export const deviceKnownMs = 400 * day * 1000;

/** Who is guessed at, and from where: `accountId` null where nobody has the number, `browser` null where it has no secret. */
export interface Guess {
  /** What was typed to say who it is, or the account. */
  readonly target: string;
  readonly accountId: string | null;
  readonly browser: string | null;
}

const ofDevices = { password: 'passwordDevice', totp: 'totpDevice', recovery: 'recoveryDevice' } as const;
const ofStrangers = { password: 'passwordTarget', totp: 'totpAccount', recovery: 'recoveryAccount' } as const;

/**
 * Counts a guess at somebody's secret. All unknown devices share one budget, so that guessing from many places gains
 * nothing; a device on which the account signed in before has its own, so that who only knows the number can't use it up.
 * @returns what takes the count back, when the guess was right
 */
export async function countGuess(
  deps: CommandDeps,
  kind: keyof typeof ofDevices,
  guess: Guess,
): Promise<() => Promise<void>> {
  const device = await knownDevice(deps, guess);
  const name = device === null ? ofStrangers[kind] : ofDevices[kind];
  const key = device ?? guess.target;
  await count(deps, name, key);
  return () => uncount(deps, name, key);
}

async function knownDevice(deps: CommandDeps, { accountId, browser }: Guess): Promise<string | null> {
  if (accountId === null || browser === null) return null;
  const device = deviceOf(deps, accountId, browser);
  const since = new Date(deps.clock().getTime() - deviceKnownMs);
  return (await knowsDevice(deps.db, accountId, device, since)) ? device : null;
}

const deviceOf = ({ keyring }: CommandDeps, accountId: string, browser: string) =>
  blindIndex(keyring, 'device', `${accountId}:${browser}`);

/** Somebody has signed in on it: from now on it has its own budget. Once a day is enough. */
export async function rememberDevice(deps: CommandDeps, accountId: string, browser: string | null): Promise<void> {
  if (browser === null) return;
  const now = deps.clock();
  const device = deviceOf(deps, accountId, browser);
  if (await knowsDevice(deps.db, accountId, device, new Date(now.getTime() - day * 1000))) return;
  await noteDevice(deps.db, accountId, device, now);
}
