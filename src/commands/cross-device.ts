import { z } from 'zod';
import { approvingEvent, crossDeviceFacts } from '../assurance/cross-device.ts';
import { blindIndex, randomDigits, randomToken, timingSafeEqualStrings } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { livingEvents } from '../standing/sign-ins.ts';
import { findAccount } from '../storage/accounts.ts';
import { append } from '../storage/audit.ts';
import { passkeysOf } from '../storage/authenticators.ts';
import { type Db, transaction } from '../storage/db.ts';
import { peek, put, putNew, take } from '../storage/pending.ts';
import { insertEvent } from '../storage/sessions.ts';
import { liftByDoing } from './close-interventions.ts';
import type { Cause, CommandDeps } from './command.ts';
import { tryOnce } from './throttles.ts';

/** From the moment the computer shows it (security.md D19). */
export const lifetimeMs = 120_000;
/** An answer of the last second still reaches the computer, which asks every few seconds. */
export const pickUpMs = 10_000;
/** Of 10^8: guessing is stopped by the ticket, the account and the address. */
const digits = 8;
/** A phone's clockwork of whole seconds (`auth_time`). */
const slackMs = 2_000;

const asked = z.object({
  interaction: z.string(),
  clientId: z.string(),
  /** What the app needs; shown to whoever is asked. */
  level: z.string().nullable(),
  place: z.string(),
  userAgent: z.string(),
  code: z.string(),
  /** The app wants a new sign-in: one of before the question is none. */
  anew: z.boolean(),
  at: z.number(),
  until: z.number(),
});
/** A computer's question to a phone. */
export type CrossDeviceRequest = z.infer<typeof asked>;

const answered = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('approved'),
    interaction: z.string(),
    clientId: z.string(),
    accountId: z.string(),
    sessionUid: z.string(),
    eventId: z.string(),
  }),
  z.object({ kind: z.literal('refused'), reason: z.string() }),
]);
type Answer = z.infer<typeof answered>;

const [ticketKind, codeKind, answerKind] = ['qr', 'qr-code', 'qr-answer'];
const answerId = (ticket: string) => `qr-answer:${ticket}`;
/** Keyed: eight digits behind a plain hash would be read out of a copy of the database. */
const codeId = ({ keyring }: CommandDeps, code: string) => `qr-code:${blindIndex(keyring, 'qr-code', code)}`;

/**
 * A computer's question: `ticket` goes into the QR code, `code` only onto the screen, so that a QR code that was passed on
 * is worth nothing without what stands beside it.
 */
export async function askOtherDevice(
  deps: CommandDeps,
  question: Pick<CrossDeviceRequest, 'interaction' | 'clientId' | 'level' | 'place' | 'userAgent' | 'anew'>,
): Promise<{ ticket: string; code: string; until: Date }> {
  const at = deps.clock();
  const until = new Date(at.getTime() + lifetimeMs);
  const ticket = randomToken();
  const row = { interactionUid: question.interaction, accountId: null, expiresAt: until };
  // Two live questions never have one code: whoever typed it would answer somebody else's.
  for (let tries = 0; tries < 10; tries += 1) {
    const code = randomDigits(digits);
    const stored = await transaction(deps.db, async (tx) => {
      const own = { ...row, id: codeId(deps, code), kind: codeKind, payload: { ticket } };
      if (!(await putNew(tx, own, deps.keyring))) return false;
      const payload = { ...question, code, at: at.getTime(), until: until.getTime() };
      await put(tx, { ...row, id: ticket, kind: ticketKind, payload }, deps.keyring);
      return true;
    });
    if (stored) return { ticket, code, until };
  }
  throw new ShiminError('service_busy', { status: 503, retryAfter: lifetimeMs / 1000 });
}

/** Null: unknown, answered or too old, and nobody learns which. */
export async function questionOf(deps: CommandDeps, ticket: string): Promise<CrossDeviceRequest | null> {
  const found = asked.safeParse(await peek(deps.db, ticket, ticketKind, deps.clock(), deps.keyring));
  return found.success ? found.data : null;
}

/** The ticket that a typed code stands for. */
export async function ticketOf(deps: CommandDeps, code: string): Promise<string | null> {
  const payload = await peek(deps.db, codeId(deps, code), codeKind, deps.clock(), deps.keyring);
  const found = z.object({ ticket: z.string() }).safeParse(payload);
  return found.success ? found.data.ticket : null;
}

export interface Decision {
  readonly ticket: string;
  readonly approve: boolean;
  /** As it stands on the computer's screen; not asked of who refuses. */
  readonly code: string;
  readonly accountId: string;
  /** The SSO session of the phone; null: it is over. */
  readonly sessionUid: string | null;
  readonly cause: Cause;
}

/** `gone`: unknown, answered meanwhile or too old. */
export type Decided = 'approved' | 'refused' | 'gone' | 'code_wrong' | 'too_weak';

/**
 * What the phone says, once: of any number of answers one takes the ticket away. Each try at the code is counted before it
 * is looked at, so that parallel ones don't get more.
 */
export async function answerComputer(deps: CommandDeps, decision: Decision): Promise<Decided> {
  const question = await questionOf(deps, decision.ticket);
  if (question === null) return 'gone';
  if (!decision.approve) return conclude(deps, decision, question, { kind: 'refused', reason: 'by_person' });
  const { allowed } = await tryOnce(deps, 'qrTicket', decision.ticket);
  if (!allowed) {
    await conclude(deps, decision, question, { kind: 'refused', reason: 'too_many_codes' });
    return 'gone';
  }
  if (!timingSafeEqualStrings(decision.code, question.code)) {
    await refuse(deps.db, deps, decision, question.clientId, 'code_wrong');
    return 'code_wrong';
  }
  const { sessionUid, accountId } = decision;
  const since = question.anew ? new Date(question.at - slackMs) : null;
  const event = approvingEvent(await livingEvents(deps.db, accountId, sessionUid, deps.clock()), deps.clock(), since);
  if (event === null || sessionUid === null) {
    await refuse(deps.db, deps, decision, question.clientId, 'too_weak');
    return 'too_weak';
  }
  const { interaction, clientId } = question;
  const answer = { kind: 'approved', interaction, clientId, accountId, sessionUid, eventId: event.id } as const;
  return conclude(deps, decision, question, answer);
}

async function conclude(
  deps: CommandDeps,
  decision: Decision,
  { interaction, clientId, code, until }: CrossDeviceRequest,
  answer: Answer,
): Promise<Decided> {
  const at = deps.clock();
  return transaction(deps.db, async (tx) => {
    if ((await take(tx, decision.ticket, ticketKind, at, deps.keyring)) === null) return 'gone';
    await take(tx, codeId(deps, code), codeKind, at, deps.keyring);
    const row = {
      id: answerId(decision.ticket),
      kind: answerKind,
      interactionUid: interaction,
      accountId: answer.kind === 'approved' ? answer.accountId : null,
      payload: answer,
      expiresAt: new Date(until + pickUpMs),
    };
    await put(tx, row, deps.keyring);
    if (answer.kind === 'refused') await refuse(tx, deps, decision, clientId, answer.reason);
    else await note(tx, deps, { ...decision, clientId }, 'cross_device.approved', null);
    return answer.kind;
  });
}

/** `waiting`: nobody has answered. */
export type Arrival =
  | { readonly kind: 'waiting' | 'signed_in' }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * The computer asks what the phone said. An approval becomes its sign-in, once, in the request that asked, if the phone's
 * own sign-in still stands: whoever signs out everywhere in between has stopped this, too.
 */
export async function arriveFromOtherDevice(
  deps: CommandDeps,
  input: { ticket: string; interaction: string; signedInAs: string | null; cause: Cause },
): Promise<Arrival> {
  const { interaction, signedInAs, cause } = input;
  const id = answerId(input.ticket);
  const at = deps.clock();
  // Asked every few seconds: looking comes first, so that waiting writes nothing.
  if ((await peek(deps.db, id, answerKind, at, deps.keyring)) === null) return { kind: 'waiting' };
  return transaction(deps.db, async (tx): Promise<Arrival> => {
    const found = answered.safeParse(await take(tx, id, answerKind, at, deps.keyring));
    if (!found.success) return { kind: 'waiting' };
    if (found.data.kind === 'refused') return found.data;
    const { accountId, sessionUid, eventId, clientId } = found.data;
    const event = (await livingEvents(tx, accountId, sessionUid, at)).find((each) => each.id === eventId);
    const known =
      event !== undefined && (await passkeysOf(tx, accountId)).some((key) => key.credentialId === event.credentialId);
    const account = await findAccount(tx, accountId);
    const foreign = found.data.interaction !== interaction || (signedInAs !== null && signedInAs !== accountId);
    if (foreign || !known || account?.status !== 'active') {
      const reason = foreign ? 'another_person' : 'ended';
      await refuse(tx, deps, { accountId, cause }, clientId, reason);
      return { kind: 'refused', reason };
    }
    const facts = crossDeviceFacts(event);
    await insertEvent(tx, { ...facts, accountId, sessionUid: null, interactionUid: interaction });
    await liftByDoing(tx, deps, { accountId, part: 'sign_in', at, cause });
    await note(tx, deps, { accountId, cause, clientId }, 'authentication.succeeded', null, { methods: [facts.method] });
    return { kind: 'signed_in' };
  });
}

/** A code that stands for nothing was typed: guessing leaves a trace. */
export async function noteUnknownCode(deps: CommandDeps, by: { accountId: string; cause: Cause }): Promise<void> {
  await refuse(deps.db, deps, by, by.cause.clientId, 'code_unknown');
}

type By = Pick<Decision, 'accountId' | 'cause'>;

const refuse = (db: Db, deps: CommandDeps, by: By, clientId: string | null, reason: string) =>
  note(db, deps, { ...by, clientId }, 'cross_device.refused', reason);

async function note(
  db: Db,
  deps: CommandDeps,
  { accountId, cause, clientId }: By & { clientId: string | null },
  type: 'cross_device.approved' | 'cross_device.refused' | 'authentication.succeeded',
  reason: string | null,
  data: Parameters<typeof append>[1]['data'] = {},
): Promise<void> {
  const event = {
    at: deps.clock(),
    type,
    actor: { kind: 'citizen', id: accountId } as const,
    accountId,
    clientId,
    requestId: cause.requestId,
    outcome: reason === null ? ('ok' as const) : ('refused' as const),
    reason,
    data,
  };
  await transaction(db, (tx) => append(tx, event));
}
