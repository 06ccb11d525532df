import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { peek, put, take, update } from '../storage/pending.ts';
import type { CommandDeps } from './command.ts';

const kind = 'bridge';
const lifetimeMs = 10 * 60_000;

const waiting = z.object({
  link: z.string().nullable(),
  qr: z.string().nullable(),
  every: z.number(),
  until: z.number(),
  askedAt: z.number(),
});
const kept = z.object({
  bridge: z.string(),
  to: z.string(),
  bound: z.string(),
  browser: z.string().nullable(),
  accountId: z.string().nullable(),
  leftAt: z.number().optional(),
  keep: z.unknown(),
  waiting: waiting.nullable(),
});

/** Somebody on their way to an upstream. */
export interface Departure {
  readonly bridge: string;
  /** Path of ours where the answer is taken. */
  readonly to: string;
  /** What the departure belongs to: an authorization request, an account, a member of staff. */
  readonly bound: string;
  /** Hash of the secret of the browser they left in; the answer is taken in no other. */
  readonly browser: string | null;
  /** Who was signed in when they left; null: nobody. */
  readonly accountId: string | null;
  /** When they left, for judging whether the sign-in there is a new one; absent: not departed, or before it was kept. */
  readonly leftAt?: number | undefined;
  /** What the bridge wants to see again. */
  readonly keep: unknown;
  /** What is shown while the person acts in an app, and when the upstream was asked last; null: it sends them back. */
  readonly waiting: z.infer<typeof waiting> | null;
}

/** 32 letters and digits, which every upstream takes as `state` (Alipay and WeChat limit it). */
export const newState = (): string => randomBytes(16).toString('hex');

export async function depart(deps: CommandDeps, state: string, departure: Departure): Promise<void> {
  const { accountId, bound } = departure;
  const ends = Math.max(deps.clock().getTime() + lifetimeMs, (departure.waiting?.until ?? 0) + 60_000);
  const payload = { ...departure, leftAt: deps.clock().getTime() };
  const row = { id: state, kind, interactionUid: bound, accountId, payload, expiresAt: new Date(ends) };
  await put(deps.db, row, deps.keyring);
}

/** Where the answer to this state is taken; null: unknown, late, taken, or another upstream's (mix-up, RFC 9700 4.4). */
export async function destinationOf(deps: CommandDeps, state: unknown, bridge: string): Promise<string | null> {
  if (typeof state !== 'string') return null;
  const found = kept.safeParse(await peek(deps.db, state, kind, deps.clock(), deps.keyring));
  return found.success && found.data.bridge === bridge ? found.data.to : null;
}

/** Whoever comes back, as the page that takes the answer knows them. */
export type Expected = Pick<Departure, 'bridge' | 'bound' | 'browser' | 'accountId'>;

const isOf = (departure: Departure, expected: Expected) =>
  departure.bridge === expected.bridge &&
  departure.bound === expected.bound &&
  departure.browser !== null &&
  departure.browser === expected.browser &&
  (departure.accountId === null || departure.accountId === expected.accountId);

/** The departure of whoever comes back, still there; null: unknown, late, taken or somebody else's. */
export async function departureOf(deps: CommandDeps, state: unknown, expected: Expected): Promise<Departure | null> {
  if (typeof state !== 'string') return null;
  const found = kept.safeParse(await peek(deps.db, state, kind, deps.clock(), deps.keyring));
  return found.success && isOf(found.data, expected) ? found.data : null;
}

/** Notes that the upstream is asked now. */
export async function noteAsked(deps: CommandDeps, state: string, departure: Departure): Promise<void> {
  const { waiting: shown } = departure;
  if (shown === null) return;
  const payload = { ...departure, waiting: { ...shown, askedAt: deps.clock().getTime() } };
  await update(deps.db, state, payload, deps.keyring);
}

/**
 * Takes the departure back, once: of any number of equal callbacks one gets it. Null also where it belongs to something
 * or somebody else by now; it is gone either way.
 */
export async function arrive(deps: CommandDeps, state: unknown, expected: Expected): Promise<Departure | null> {
  if (typeof state !== 'string') return null;
  const found = kept.safeParse(await take(deps.db, state, kind, deps.clock(), deps.keyring));
  return found.success && isOf(found.data, expected) ? found.data : null;
}
