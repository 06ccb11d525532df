import { z } from 'zod';
import type { AuditEvent } from '../audit/events.ts';
import { newId } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { contactsOf, lockAccount, setAccountStatus } from '../storage/accounts.ts';
import { findApp } from '../storage/apps.ts';
import { append } from '../storage/audit.ts';
import type { Change } from '../storage/changes.ts';
import type { Db } from '../storage/db.ts';
import { moveRows, restoreRows } from '../storage/merge-rows.ts';
import {
  aliasesOf,
  appsThatKnow,
  closeMerge,
  insertAliases,
  keepSnapshot,
  lockMerge,
  openMerge,
} from '../storage/merges.ts';
import { endEventsUntil, endSessions } from '../storage/sessions.ts';
import { connectedApps } from '../storage/signal-streams.ts';
import { actorOf } from './actor.ts';
import type { CommandDeps } from './command.ts';
import { withLevelChange } from './level-change.ts';
import { bothSaidYes, isBarred, isFinal, type TwoAccounts, UNDO_MS } from './merge-rules.ts';
import { notifyContacts } from './notify.ts';
import { tellApps } from './tell-apps.ts';

interface Approved {
  readonly approver: string;
  readonly at: Date;
  readonly requestId: string | null;
}

/**
 * Makes one account of two, in the transaction that approves it: everything that the person signs in with, is found by and
 * has proved is the account's that stays; sessions of both end; both hear of it on every contact.
 * @throws ShiminError `change_stale` when one of the accounts is not as it was when it was proposed
 */
export async function mergeAccounts(
  tx: Db,
  deps: CommandDeps,
  change: Change,
  pair: TwoAccounts,
  by: Approved,
): Promise<void> {
  const { keepId, goneId } = pair;
  const { at } = by;
  await lockBoth(tx, pair);
  if ((await isBarred(tx, deps, pair, at)) || !(await bothSaidYes(tx, change.id, pair))) throw stale();
  const undoUntil = new Date(at.getTime() + UNDO_MS);
  const merge = { id: newId(), keepId, goneId, changeId: change.id, mergedAt: at, undoUntil };
  if (!(await openMerge(tx, merge))) throw stale();
  const aliases = await sectorsOfGone(tx, pair, at);
  const contacts = await contactsOfBoth(tx, deps, pair);
  await endBoth(tx, deps, pair, at);
  const about = { accountId: keepId, at, initiator: 'admin' as const };
  const taken = await withLevelChange(tx, deps.keyring, about, () => moveRows(tx, deps.keyring, pair, at));
  await setAccountStatus(tx, goneId, 'suspended', at);
  await keepSnapshot(tx, deps.keyring, merge.id, taken);
  await insertAliases(tx, merge.id, keepId, aliases);
  await note(tx, change, pair, by, 'account.merged', merge.id);
  await tellBoth(tx, deps, contacts, 'accounts_merged', at);
}

/**
 * Makes two accounts again of what was one, as they were. Consent withdrawn and evidence revoked since stay so.
 * @throws ShiminError `change_stale` when it is undone already or its time is over
 */
export async function undoMerge(
  tx: Db,
  deps: CommandDeps,
  change: Change,
  { mergeId, ...pair }: TwoAccounts & { readonly mergeId: string },
  by: Approved,
): Promise<void> {
  const { at } = by;
  await lockBoth(tx, pair);
  if (await isFinal(tx, mergeId, pair, at)) throw stale();
  const merge = await lockMerge(tx, deps.keyring, mergeId);
  if (merge === null) throw stale();
  // Told before anything is taken back: contacts that were removed since come back with it.
  const before = await contactsOfBoth(tx, deps, pair);
  await endBoth(tx, deps, pair, at);
  const about = { accountId: pair.keepId, at, initiator: 'admin' as const };
  await withLevelChange(tx, deps.keyring, about, () => restoreRows(tx, merge.taken, at));
  await setAccountStatus(tx, pair.goneId, 'active', at);
  if (!(await closeMerge(tx, mergeId, at))) throw stale();
  await note(tx, change, pair, by, 'account.merge_undone', mergeId);
  await tellBoth(tx, deps, [...(await contactsOfBoth(tx, deps, pair)), ...before], 'merge_undone', at);
}

const stale = () => new ShiminError('change_stale', { status: 409 });

/** In one order, so that two merges of the same accounts wait for each other instead of dead-locking. */
async function lockBoth(tx: Db, { keepId, goneId }: TwoAccounts): Promise<void> {
  for (const id of [keepId, goneId].sort()) await lockAccount(tx, id);
}

/** All sessions with their tokens and grants, and sign-ins that have not become a session yet. */
async function endBoth(tx: Db, deps: CommandDeps, { keepId, goneId }: TwoAccounts, at: Date): Promise<void> {
  for (const accountId of [keepId, goneId]) {
    await tellApps(tx, deps.keyring, { accountId, which: {}, at, initiator: 'admin' });
    await endSessions(tx, accountId, { at });
    await endEventsUntil(tx, accountId, at, at);
  }
}

const sectorFields = z.object({ sector_identifier_uri: z.string().optional(), redirect_uris: z.array(z.string()) });

/** OpenID Connect Core 8.1; the engine names sectors the same way. */
async function sectorsOf(tx: Db, clientIds: readonly string[]): Promise<Set<string>> {
  const sectors = new Set<string>();
  for (const id of new Set(clientIds)) {
    const fields = sectorFields.safeParse((await findApp(tx, id))?.metadata);
    const address = fields.data?.sector_identifier_uri ?? fields.data?.redirect_uris[0];
    if (address !== undefined && URL.canParse(address)) sectors.add(new URL(address).host);
  }
  return sectors;
}

/**
 * Where only the account that goes is known: apps there must find their user again, so they go on seeing the subject they
 * have. Where both are known the one that stays is who the person is from now on.
 */
async function sectorsOfGone(tx: Db, { keepId, goneId }: TwoAccounts, at: Date): Promise<Map<string, string>> {
  const known = async (id: string) => {
    const aliases = await aliasesOf(tx, id);
    const apps = [...(await appsThatKnow(tx, id)), ...(await connectedApps(tx, id, at, null))];
    const sectors = new Set([...aliases.keys(), ...(await sectorsOf(tx, apps))]);
    return new Map([...sectors].map((sector) => [sector, aliases.get(sector) ?? id]));
  };
  const keep = await known(keepId);
  return new Map([...(await known(goneId))].filter(([sector]) => !keep.has(sector)));
}

interface Told {
  readonly accountId: string;
  readonly contact: Awaited<ReturnType<typeof contactsOf>>[number];
}

async function contactsOfBoth(tx: Db, deps: CommandDeps, { keepId, goneId }: TwoAccounts): Promise<Told[]> {
  const told: Told[] = [];
  for (const accountId of [keepId, goneId])
    for (const contact of await contactsOf(tx, deps.keyring, accountId)) told.push({ accountId, contact });
  return told;
}

/** Each contact once, in the language of the account it was of. */
async function tellBoth(
  tx: Db,
  deps: CommandDeps,
  told: readonly Told[],
  kind: 'accounts_merged' | 'merge_undone',
  at: Date,
): Promise<void> {
  const each = new Map(told.map((one) => [`${one.contact.kind}:${one.contact.value}`, one]));
  for (const { accountId, contact } of each.values())
    await notifyContacts(tx, deps, [contact], { accountId, kind, at });
}

/** A line in the activity of both. */
async function note(
  tx: Db,
  change: Change,
  { keepId, goneId }: TwoAccounts,
  by: Approved,
  type: Extract<AuditEvent['type'], 'account.merged' | 'account.merge_undone'>,
  mergeId: string,
): Promise<void> {
  for (const accountId of [keepId, goneId]) {
    await append(tx, {
      at: by.at,
      type,
      actor: actorOf(by.approver),
      accountId,
      clientId: 'admin',
      requestId: by.requestId,
      outcome: 'ok',
      reason: null,
      data: { mergeId, changeId: change.id, kept: keepId, gone: goneId },
    });
  }
}
