import { type Bindable, type BindingRefusal, type Ground, mayBind } from '../assurance/binding.ts';
import { ShiminError } from '../lib/errors.ts';
import { whatCounts } from '../standing/what-counts.ts';
import { lockAccount } from '../storage/accounts.ts';
import { append } from '../storage/audit.ts';
import { passkeysOf } from '../storage/authenticators.ts';
import { type Db, transaction } from '../storage/db.ts';
import { openInterventions } from '../storage/interventions.ts';
import { eventsOfInteraction, eventsOfSession, type StoredEvent } from '../storage/sessions.ts';
import { disabledSources } from '../storage/sources.ts';
import { rolesOf } from '../storage/staff.ts';
import type { Cause, CommandDeps } from './command.ts';
import { waysInOf } from './ways-in.ts';

/**
 * Where the holder of an account signed in for a change: in one authorization request, or for one sign-in to an area of
 * ours. A sign-in to any other app, however lately, is none.
 */
export type Ceremony =
  | { readonly kind: 'interaction'; readonly interaction: string }
  | {
      readonly kind: 'area';
      /** The SSO session that came of it. */
      readonly session: string | null;
      /** From when the area sent the person to sign in until they came back. */
      readonly times: readonly { readonly since: Date; readonly until: Date }[];
    };

/** How long a sign-in stands for what is bound (SP 800-63C-4 3.7.1 for links: both sides at about one time). */
export const ceremonyMs = 15 * 60_000;

/**
 * What was shown in a ceremony and still stands, by this account: nothing by a passkey that was added in the same request,
 * is set aside or gone, nor by a bridge that is switched off.
 */
export async function shownIn(db: Db, accountId: string, ceremony: Ceremony, at: Date): Promise<StoredEvent[]> {
  const from = new Date(at.getTime() - ceremonyMs);
  const times = ceremony.kind === 'area' ? ceremony.times : [{ since: from, until: at }];
  const during = (moment: Date) =>
    moment >= from && times.some(({ since, until }) => moment >= since && moment <= until);
  const all =
    ceremony.kind === 'interaction'
      ? await eventsOfInteraction(db, ceremony.interaction)
      : ceremony.session === null
        ? []
        : await eventsOfSession(db, ceremony.session);
  const own = all.filter((event) => event.accountId === accountId && during(event.at));
  const interventions = await openInterventions(db, accountId);
  const facts = { evidence: [], events: own, interventions };
  const { usable, events } = whatCounts(facts, { off: await disabledSources(db), at });
  if (!usable) return [];
  const keys = new Map((await passkeysOf(db, accountId)).map((key) => [key.credentialId, key]));
  return events.filter(({ method, credentialId, interaction }) => {
    if (method !== 'passkey') return true;
    const key = keys.get(credentialId ?? '');
    return key !== undefined && (key.boundIn === null || key.boundIn !== interaction);
  });
}

export interface Binding {
  readonly accountId: string;
  readonly adding: Bindable;
  readonly ground: Exclude<Ground, { kind: 'signed_in' }> | Ceremony;
  readonly cause: Cause;
}

/** Asks the one rule (`assurance/binding.ts`), of what is stored at this moment. Null: it may be bound. */
export async function refusalToBind(tx: Db, binding: Binding, at: Date): Promise<BindingRefusal | null> {
  const { accountId, adding, ground } = binding;
  const of: Ground =
    ground.kind === 'interaction' || ground.kind === 'area'
      ? { kind: 'signed_in', shown: await shownIn(tx, accountId, ground, at) }
      : ground;
  const staff = (await rolesOf(tx, accountId)).length > 0;
  const verdict = mayBind(adding, await waysInOf(tx, accountId), staff, of);
  return verdict.ok ? null : verdict.reason;
}

/**
 * Does what binds something to an account, in one transaction, if the rule lets it; a refusal leaves its line in the audit
 * and nothing else.
 * @throws ShiminError `binding_too_weak`, `staff_password`
 */
export async function bindTo<T>(
  deps: CommandDeps,
  binding: Binding,
  write: (tx: Db, at: Date) => Promise<T>,
): Promise<T> {
  const at = deps.clock();
  const result = await transaction(deps.db, async (tx): Promise<{ done: T } | { refused: BindingRefusal }> => {
    await lockAccount(tx, binding.accountId);
    const refused = await refusalToBind(tx, binding, at);
    if (refused === null) return { done: await write(tx, at) };
    await noteRefusal(tx, binding, at, refused);
    return { refused };
  });
  if ('refused' in result)
    throw new ShiminError(result.refused, { status: 403, detail: { adding: binding.adding.kind } });
  return result.done;
}

/** The same question before the person is asked for anything more; the command that writes asks again. */
export const askToBind = (deps: CommandDeps, binding: Binding): Promise<void> => bindTo(deps, binding, async () => {});

async function noteRefusal(tx: Db, { accountId, adding, cause }: Binding, at: Date, reason: string): Promise<void> {
  await append(tx, {
    at,
    type: 'authenticator.refused',
    actor: { kind: 'citizen', id: accountId },
    accountId,
    clientId: cause.clientId,
    requestId: cause.requestId,
    outcome: 'refused',
    reason,
    data: { kind: adding.kind },
  });
}
