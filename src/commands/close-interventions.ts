import { doneSince, needs, type Part, stops, transition } from '../assurance/interventions.ts';
import type { AuditEvent } from '../audit/events.ts';
import { changeData } from '../audit/fields.ts';
import { lockAccount } from '../storage/accounts.ts';
import { append } from '../storage/audit.ts';
import { sealNote } from '../storage/audit-notes.ts';
import type { Db } from '../storage/db.ts';
import { evidenceOf, revokeEvidence } from '../storage/evidence.ts';
import { closeIntervention, type OpenIntervention, openInterventions, toldApps } from '../storage/interventions.ts';
import { endEventsUntil, hasEventSince } from '../storage/sessions.ts';
import { announce, type Initiator } from './announce.ts';
import { staffRoles } from './change-rules.ts';
import type { Cause, CommandDeps } from './command.ts';
import { movedMeanwhile } from './intervention-rules.ts';

export interface Close {
  readonly accountId: string;
  readonly at: Date;
  readonly how: 'lifted' | 'expired' | 'done' | 'superseded';
  readonly actor: AuditEvent['actor'];
  readonly reason: string | null;
  readonly note: string | null;
  readonly cause: Cause;
}

/** Ends one that is open, in the caller's transaction, which holds the account. */
export async function closeOne(
  tx: Db,
  deps: Pick<CommandDeps, 'keyring'>,
  intervention: OpenIntervention,
  close: Close,
): Promise<void> {
  const { accountId, at, how, actor, reason, note } = close;
  const { id, kind } = intervention;
  const lifting = { at, how, by: actor.id, reason, note };
  if (!(await closeIntervention(tx, deps.keyring, { id, accountId }, lifting))) throw movedMeanwhile();
  const sealed = await sealNote(tx, deps.keyring, { type: 'intervention.ended', at, accountId }, note);
  const left = (await openInterventions(tx, accountId)).map((other) => other.kind);
  await append(tx, {
    at,
    type: 'intervention.ended',
    actor,
    accountId,
    clientId: close.cause.clientId,
    requestId: close.cause.requestId,
    outcome: 'ok',
    reason,
    data: {
      ...{ interventionId: id, kind, how },
      ...(actor.kind === 'citizen' || actor.kind === 'system' ? {} : { roles: await staffRoles(tx, actor.id) }),
      ...(sealed === null ? {} : { note: sealed }),
      ...changeData({ open: [...left, kind].toSorted() }, { open: left }),
    },
  });
}

/** Says that the account works again, if nothing else stops it. After the close. */
export async function announceEnabled(
  tx: Db,
  deps: Pick<CommandDeps, 'keyring'>,
  { id, kind }: OpenIntervention,
  about: { accountId: string; at: Date; initiator: Initiator },
): Promise<void> {
  if (!stops(kind)) return;
  const left = await openInterventions(tx, about.accountId);
  if (left.some((other) => stops(other.kind))) return;
  await announce(tx, deps.keyring, { ...about, event: 'account-enabled', also: await toldApps(tx, id) });
}

/**
 * The citizen signed in or proved who they are: what that was asked for by ends of itself. What it cut off never comes
 * back: sign-ins of before stay ended, identity evidence of before is revoked.
 */
export async function liftByDoing(
  tx: Db,
  deps: Pick<CommandDeps, 'keyring'>,
  did: { accountId: string; part: Part; at: Date; cause: Cause },
): Promise<void> {
  const { accountId, part, at, cause } = did;
  const waitingNow = async () =>
    (await openInterventions(tx, accountId)).filter(({ kind }) => needs(kind).includes(part));
  // Nearly every sign-in.
  if ((await waitingNow()).length === 0) return;
  await lockAccount(tx, accountId);
  const waiting = await waitingNow();
  const evidence = await evidenceOf(tx, accountId);
  const open = await Promise.all(
    waiting.map(async (item) => ({
      kind: item.kind,
      done: doneSince(item, { evidence, events: (await hasEventSince(tx, accountId, item.at)) ? [{ at }] : [] }),
    })),
  );
  const next = transition(open, { do: part });
  if ('refused' in next) return;
  const actor = { kind: 'citizen', id: accountId } as const;
  for (const item of waiting.filter(({ kind }) => next.closes.some((close) => close.kind === kind))) {
    await closeOne(tx, deps, item, { accountId, at, how: 'done', actor, reason: null, note: null, cause });
    // A sign-in that was being written while the intervention was set is not among those it ended.
    if (needs(item.kind).includes('sign_in')) await endEventsUntil(tx, accountId, item.at, at);
    if (!needs(item.kind).includes('prove')) continue;
    const ids = evidence
      .filter(({ kind, recordedAt, revokedAt }) => kind !== 'contact' && revokedAt === null && recordedAt <= item.at)
      .map(({ id }) => id);
    if (ids.length > 0) await revokeEvidence(tx, { accountId, ids, at, reason: 'proved_anew' });
  }
}
