import {
  endsSessions,
  type InterventionKind,
  type InterventionReason,
  inForce,
  type SystemReason,
  stops,
  transition,
} from '../assurance/interventions.ts';
import type { AuditEvent } from '../audit/events.ts';
import { changeData } from '../audit/fields.ts';
import { newId } from '../lib/crypto.ts';
import { findAccount, lockAccount } from '../storage/accounts.ts';
import { append } from '../storage/audit.ts';
import { sealNote } from '../storage/audit-notes.ts';
import { type Db, transaction } from '../storage/db.ts';
import { insertIntervention, openInterventions, toldApps } from '../storage/interventions.ts';
import { endEventsUntil, endSessions } from '../storage/sessions.ts';
import { connectedApps } from '../storage/signal-streams.ts';
import { actorOf } from './actor.ts';
import { announce, type Initiator } from './announce.ts';
import { type By, staffRoles } from './change-rules.ts';
import { closeOne } from './close-interventions.ts';
import type { Cause, CommandDeps } from './command.ts';
import { expireIn } from './expire-interventions.ts';
import { denialOf, deny, type InterventionDenial, type InterventionResult } from './intervention-rules.ts';
import { withLevelChange } from './level-change.ts';
import { tellApps } from './tell-apps.ts';

export interface NewIntervention {
  readonly by: By;
  readonly accountId: string;
  readonly kind: InterventionKind;
  readonly reason: InterventionReason;
  /** For other staff; the citizen does not see it. */
  readonly note: string | null;
  readonly until: Date | null;
}

/**
 * Puts an intervention on an account. From the commit on every token, refresh, userinfo and introspection is answered under
 * it; sessions end where it asks for that, and the apps are told. Answers the intervention's id.
 */
export async function intervene(deps: CommandDeps, wanted: NewIntervention): Promise<InterventionResult<string>> {
  const { by, accountId, kind } = wanted;
  return transaction(deps.db, async (tx) => {
    await lockAccount(tx, accountId);
    const at = deps.clock();
    await expireIn(tx, deps, accountId, at);
    const agent: Agent = {
      actor: actorOf(by.accountId),
      initiator: 'admin',
      cause: by.cause,
      roles: await staffRoles(tx, by.accountId),
    };
    const denied = await denialOf(tx, by, accountId);
    const set = denied === null ? await interveneIn(tx, deps, wanted, agent) : { denied };
    return 'denied' in set ? deny(tx, at, by, { accountId, operation: 'set', kind }, set.denied) : set;
  });
}

/** Who sets it, or what. */
export interface Agent {
  readonly actor: AuditEvent['actor'];
  readonly initiator: Initiator;
  readonly cause: Cause;
  readonly roles: readonly string[];
}

/** The same inside a larger command, for whoever may; the account is locked. Nothing is written where it can't be. */
export async function interveneIn(
  tx: Db,
  deps: CommandDeps,
  wanted: Omit<NewIntervention, 'by' | 'reason'> & { readonly reason: InterventionReason | SystemReason },
  { actor, initiator, cause, roles }: Agent,
): Promise<InterventionResult<string>> {
  const { accountId, kind, reason, note, until } = wanted;
  const at = deps.clock();
  const open = await openInterventions(tx, accountId);
  const next = transition(
    open.map((item) => ({ kind: item.kind, done: [] })),
    { do: 'set', kind },
  );
  const denied = await goneOrPast(tx, wanted, at);
  if (denied !== null) return { denied };
  if ('refused' in next) return { denied: next.refused };

  const id = newId();
  const closing = open.filter((item) => next.closes.some((close) => close.kind === item.kind));
  await withLevelChange(tx, deps.keyring, { accountId, at, initiator, reason }, async () => {
    for (const item of closing)
      await closeOne(tx, deps, item, { accountId, at, how: 'superseded', actor, reason: null, note: null, cause });
    await insertIntervention(tx, deps.keyring, {
      ...{ id, accountId, kind, reason, note, at, until },
      actor: actor.id,
      toldApps: stops(kind) ? await appsToTell(tx, accountId, at, closing) : [],
    });
    const sealed = await sealNote(tx, deps.keyring, { type: 'intervention.set', at, accountId }, note);
    const now = (await openInterventions(tx, accountId)).map((item) => item.kind);
    await append(tx, {
      at,
      type: 'intervention.set',
      actor,
      accountId,
      clientId: cause.clientId,
      requestId: cause.requestId,
      outcome: 'ok',
      reason,
      data: {
        ...{ interventionId: id, kind, until: until?.toISOString() ?? null },
        roles: [...roles],
        ...(sealed === null ? {} : { note: sealed }),
        ...changeData({ open: now.filter((other) => other !== kind) }, { open: now, until: until?.toISOString() }),
      },
    });
  });
  if (stops(kind) && !open.some((item) => stops(item.kind)))
    await announceDisabled(tx, deps, { accountId, reason, initiator }, at);
  if (endsSessions(kind)) await endEverything(tx, deps, accountId, initiator, at);
  return { done: id };
}

async function goneOrPast(
  tx: Db,
  wanted: Pick<NewIntervention, 'accountId' | 'until'>,
  at: Date,
): Promise<InterventionDenial | null> {
  const account = await findAccount(tx, wanted.accountId);
  if (account === null || account.status === 'closed') return 'gone';
  return inForce([wanted], at).length === 0 ? 'past' : null;
}

/** The apps connected now, and those that heard of a weaker stop before. */
async function appsToTell(
  tx: Db,
  accountId: string,
  at: Date,
  closing: readonly { readonly id: string }[],
): Promise<string[]> {
  const before = await Promise.all(closing.map(({ id }) => toldApps(tx, id)));
  return [...new Set([...before.flat(), ...(await connectedApps(tx, accountId, at, null))])];
}

/** Before the grants go: they say who is connected. RISC 1.0 2.4 knows one reason that is ours. */
async function announceDisabled(
  tx: Db,
  deps: CommandDeps,
  { accountId, reason, initiator }: Pick<NewIntervention, 'accountId'> & { reason: string; initiator: Initiator },
  at: Date,
): Promise<void> {
  const data = reason === 'takeover_suspected' ? { data: { reason: 'hijacking' } } : undefined;
  await announce(tx, deps.keyring, {
    accountId,
    event: 'account-disabled',
    at,
    initiator,
    reason,
    ...data,
  });
}

/** All sessions with their tokens, and the sign-ins that have not become a session yet. */
async function endEverything(
  tx: Db,
  deps: CommandDeps,
  accountId: string,
  initiator: Initiator,
  at: Date,
): Promise<void> {
  await tellApps(tx, deps.keyring, { accountId, which: {}, at, initiator });
  await endSessions(tx, accountId, { at });
  await endEventsUntil(tx, accountId, at, at);
}
