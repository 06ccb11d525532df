import { z } from 'zod';
import type { AcrRequest } from '../assurance/requirement.ts';
import type { Db } from './db.ts';
import type { DecisionRow } from './oidc-models/decision-row.ts';
import { json, row, time, toMs } from './rows.ts';

/** `met`: answered; `step_up` and `reauthenticate`: the person was asked; `refused`: the app got an error. */
export const decisionOutcomes = ['met', 'step_up', 'reauthenticate', 'refused'] as const;
export type DecisionOutcome = (typeof decisionOutcomes)[number];

/** One decision about the level of an authorization request. */
export interface Decision {
  readonly id: string;
  readonly at: Date;
  readonly accountId: string;
  readonly clientId: string;
  readonly sessionUid: string | null;
  /** The chain of interactions it belongs to; null: answered without a page. */
  readonly interaction: string | null;
  readonly requestId: string | null;
  readonly policyVersion: number;
  readonly outcome: DecisionOutcome;
  /** The level the answer rests on. */
  readonly level: string | null;
  /** The label that was answered. */
  readonly acr: string | null;
  /** The protocol's error where it was refused. */
  readonly reason: string | null;
  readonly request: AcrRequest;
}

/** Errors that an app is told for want of a level, or of somebody to sign in again (OpenID Connect Core 3.1.2.6). */
const levelErrors = ['unmet_authentication_requirements', 'login_required'];

/** Whether the level was what it was about: people also decline, and apps ask for what they may not have. */
export const isAboutLevel = ({ outcome, reason }: Decision): boolean =>
  outcome !== 'refused' || reason === null || levelErrors.includes(reason);

/**
 * Whether the rules alone decided it, so that other rules would have decided otherwise. What the app was told at the end
 * of a journey is what became of an earlier decision; with prompt=none there was no journey.
 */
export const isOfRules = (decision: Decision): boolean =>
  isAboutLevel(decision) &&
  (decision.outcome !== 'refused' || decision.reason === null || decision.request.prompt.includes('none'));

/** Whether a wish was offered and left: the app wished for something else than it was told. */
export function wasWishLeft({ outcome, acr, request }: Decision): boolean {
  const wishes = [...request.acrValues, ...(request.claimsAcr?.values ?? [])];
  return outcome === 'met' && acr !== null && wishes.length > 0 && !wishes.includes(acr);
}

export function toDecisionRow(decision: Decision): DecisionRow {
  const { at, request, interaction, ...rest } = decision;
  return { ...rest, at: toMs(at), interactionUid: interaction, request: JSON.stringify(request) };
}

const requestSchema = z.object({
  acrValues: z.array(z.string()),
  claimsAcr: z.object({ essential: z.boolean(), values: z.array(z.string()) }).exactOptional(),
  maxAge: z.number().exactOptional(),
  prompt: z.array(z.string()),
  scopes: z.array(z.string()).exactOptional(),
  resources: z.array(z.string()).exactOptional(),
  actions: z.array(z.string()).exactOptional(),
});

const decisionRow = row({
  id: z.string(),
  at: time,
  accountId: z.string(),
  clientId: z.string(),
  sessionUid: z.string().nullable(),
  interactionUid: z.string().nullable(),
  requestId: z.string().nullable(),
  policyVersion: z.number(),
  outcome: z.enum(decisionOutcomes),
  level: z.string().nullable(),
  acr: z.string().nullable(),
  reason: z.string().nullable(),
  request: json(requestSchema),
});

function toDecision(raw: unknown): Decision {
  const { interactionUid, ...decision } = decisionRow.parse(raw);
  return { ...decision, interaction: interactionUid };
}

export async function decisionById(db: Db, id: string): Promise<Decision | null> {
  const found = await db('decisions').where({ id }).first();
  return found === undefined ? null : toDecision(found);
}

/** Of one person, the newest first; `before` is the last id of the page before, `from` and `to` a span of time. */
export async function decisionsOf(
  db: Db,
  accountId: string,
  page: {
    before?: string | undefined;
    limit: number;
    clientId?: string | undefined;
    from?: Date | undefined;
    to?: Date | undefined;
  },
): Promise<Decision[]> {
  const rows = db('decisions').where({ account_id: accountId }).orderBy('id', 'desc').limit(page.limit);
  if (page.before !== undefined) rows.where('id', '<', page.before);
  if (page.clientId !== undefined) rows.where({ client_id: page.clientId });
  if (page.from !== undefined) rows.where('id', '>=', firstIdOf(page.from));
  if (page.to !== undefined) rows.where('id', '<', firstIdOf(page.to));
  return (await rows).map(toDecision);
}

/** The apps at which something was decided about a person. */
export async function appsOfDecisions(db: Db, accountId: string): Promise<string[]> {
  const rows = await db('decisions').where({ account_id: accountId }).distinct('client_id').orderBy('client_id');
  return rows.map((raw) => z.object({ client_id: z.string() }).parse(raw).client_id);
}

/**
 * What was decided in one request, oldest first. Request ids have no index, which every sign-in would pay for; the span
 * bounds the walk along the primary key instead.
 */
export async function decisionsOfRequest(
  db: Db,
  requestId: string,
  span: { from: Date; to: Date },
): Promise<Decision[]> {
  const rows = await db('decisions')
    .where('id', '>=', firstIdOf(span.from))
    .where('id', '<', firstIdOf(span.to))
    .where({ request_id: requestId })
    .orderBy('id')
    .limit(20);
  return rows.map(toDecision);
}

/** Everybody's since a moment, in order of time, for the replay of a draft and for the dashboard. */
export async function decisionsSince(
  db: Db,
  page: { since: Date; afterId?: string | undefined; limit: number; clientId?: string | undefined },
): Promise<Decision[]> {
  const rows = db('decisions')
    .where('id', '>', page.afterId ?? firstIdOf(page.since))
    .orderBy('id')
    .limit(page.limit);
  if (page.clientId !== undefined) rows.where({ client_id: page.clientId });
  return (await rows).map(toDecision);
}

/** What a token was issued on: the last answer to this app in this session up to that moment. */
export async function decisionBehind(
  db: Db,
  token: { accountId: string; clientId: string; sessionUid: string; issuedAt: Date },
): Promise<Decision | null> {
  const found = await db('decisions')
    .where({ account_id: token.accountId, client_id: token.clientId, session_uid: token.sessionUid, outcome: 'met' })
    .where('id', '<', firstIdOf(new Date(token.issuedAt.getTime() + 1_000)))
    .orderBy('id', 'desc')
    .first();
  return found === undefined ? null : toDecision(found);
}

/** Deletes decisions older than `before`, a batch at a time. */
export async function pruneDecisions(db: Db, before: Date, limit = 1_000): Promise<number> {
  const old = db('decisions').where('id', '<', firstIdOf(before)).limit(limit).select('id');
  return db('decisions').whereIn('id', old).delete();
}

/** The smallest UUIDv7 of a millisecond (RFC 9562 section 5.7): ids compare as the times they were made at. */
export function firstIdOf(at: Date): string {
  const hex = Math.max(0, at.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
