import { type Bindable, strengthOf } from '../assurance/binding.ts';
import { strengths } from '../assurance/evidence.ts';
import type { UpstreamFacts } from '../assurance/upstream-facts.ts';
import { ShiminError } from '../lib/errors.ts';
import { lockAccount } from '../storage/accounts.ts';
import { append } from '../storage/audit.ts';
import { passkeysOf, passwordOf, totpOf } from '../storage/authenticators.ts';
import { type Db, transaction } from '../storage/db.ts';
import { evidenceBy, insertEvidence, revokeEvidence, saidSince } from '../storage/evidence.ts';
import {
  findIdentity,
  identitiesOf,
  insertIdentity,
  keepSubjects,
  noteStrength,
  removeIdentity,
  touchIdentity,
} from '../storage/external-identities.ts';
import { endEventsOf, endSessions, insertEvent } from '../storage/sessions.ts';
import { announce } from './announce.ts';
import { type Binding, bindTo, refusalToBind } from './bind.ts';
import { liftByDoing } from './close-interventions.ts';
import type { Cause, CommandDeps } from './command.ts';
import { withLevelChange } from './level-change.ts';
import { notify } from './notify.ts';
import { tellApps } from './tell-apps.ts';
import { tellingOwner, vouchedClaims } from './tell-owner.ts';
import { claimPerson } from './upstream-person.ts';

export interface UpstreamUse {
  readonly accountId: string;
  readonly facts: UpstreamFacts;
  /** The authorization request in which it happened; null: on the account page, where it is no sign-in. */
  readonly interaction: string | null;
  readonly cause: Cause;
}

/** What is to be bound, for the rule. */
const bindable = ({ event }: UpstreamFacts): Bindable => ({ kind: 'identity', event });

/**
 * Links an upstream identity to an account on the ground given, and writes what the upstream vouches for: all of it or
 * nothing. The same identity once more only renews what is known. What is linked in a request is no sign-in in it, unless
 * it is how the account was found.
 * @throws ShiminError `identity_in_use`: linked elsewhere, or the person has another account; `identity_mismatch`;
 * `binding_too_weak`
 */
export async function linkIdentity(deps: CommandDeps, use: UpstreamUse & Pick<Binding, 'ground'>): Promise<void> {
  const { accountId, facts, cause } = use;
  const attempt = { accountId, claims: vouchedClaims(facts), cause };
  return tellingOwner(deps, attempt, () => linkOrRenew(deps, use));
}

async function linkOrRenew(deps: CommandDeps, use: UpstreamUse & Pick<Binding, 'ground'>): Promise<void> {
  const { accountId, facts, ground, cause } = use;
  const known = await findIdentity(deps.db, deps.keyring, facts.bridge, facts.subjects);
  if (known === null) {
    const binding = { accountId, adding: bindable(facts), ground, cause };
    return bindTo(deps, binding, (tx) => link(tx, deps, use));
  }
  await transaction(deps.db, async (tx) => {
    await lockAccount(tx, accountId);
    await renew(tx, deps, use);
  });
}

/** The identity once more: its sign-in, and what is vouched for now. */
async function renew(tx: Db, deps: CommandDeps, use: UpstreamUse): Promise<void> {
  const { bridge, subjects } = use.facts;
  const known = await findIdentity(tx, deps.keyring, bridge, subjects);
  // Unlinked meanwhile, or another's: nothing is linked on the quiet.
  if (known === null) throw new ShiminError('identity_unknown', { status: 409, detail: { bridge } });
  if (known.accountId !== use.accountId) throw inUse(bridge);
  await keepSubjects(tx, deps.keyring, known, subjects);
  await take(tx, deps, use, known, deps.clock());
}

/**
 * The first way in of an account, within the transaction that makes it.
 * @throws ShiminError as `linkIdentity`
 */
export async function linkFirst(tx: Db, deps: CommandDeps, use: UpstreamUse): Promise<void> {
  const first = { ...use, ground: { kind: 'new_account' } as const, adding: bindable(use.facts) };
  const refused = await refusalToBind(tx, first, deps.clock());
  if (refused !== null) throw new ShiminError(refused, { status: 403, detail: { bridge: use.facts.bridge } });
  await link(tx, deps, first);
}

async function link(tx: Db, deps: CommandDeps, use: UpstreamUse & Pick<Binding, 'ground'>): Promise<void> {
  const at = deps.clock();
  const { accountId, facts, interaction, ground } = use;
  const { bridge, subjects } = facts;
  const known = await findIdentity(tx, deps.keyring, bridge, subjects);
  if (known && known.accountId !== accountId) throw inUse(bridge);
  // Whoever is signed in already adds a way in, which counts from the next request on.
  const boundIn = ground.kind === 'interaction' ? interaction : null;
  const added = { accountId, bridge, subjects, at, boundIn };
  const id = known?.id ?? (await insertIdentity(tx, deps.keyring, added));
  await take(tx, deps, use, { id, boundIn }, at);
  if (known) return;
  await notify(tx, deps, { accountId, kind: 'identity_linked', bridge, at });
  await note(tx, use, at, 'identity.linked', { bridge });
  const data = { credential_type: `urn:shimin:bridge:${bridge}`, change_type: 'create' };
  await announce(tx, deps.keyring, { accountId, event: 'credential-change', data, at, initiator: 'user' });
}

/**
 * A sign-in by an identity that is linked already: it becomes an authentication event of its account, and what it vouches
 * for is renewed.
 * @throws ShiminError `identity_unknown` when it is linked to no account (any more); `identity_mismatch`
 */
export async function signInByBridge(deps: CommandDeps, use: Omit<UpstreamUse, 'accountId'>): Promise<string> {
  const at = deps.clock();
  return transaction(deps.db, async (tx) => {
    const { bridge, subjects } = use.facts;
    const known = await findIdentity(tx, deps.keyring, bridge, subjects);
    if (!known) throw new ShiminError('identity_unknown', { status: 409, detail: { bridge } });
    const own = { ...use, accountId: known.accountId };
    await lockAccount(tx, known.accountId);
    // Unlinked while this waited for the account.
    if ((await findIdentity(tx, deps.keyring, bridge, subjects))?.id !== known.id)
      throw new ShiminError('identity_unknown', { status: 409, detail: { bridge } });
    await keepSubjects(tx, deps.keyring, known, subjects);
    await touchIdentity(tx, known.id, at);
    await take(tx, deps, own, known, at);
    await liftByDoing(tx, deps, { accountId: known.accountId, part: 'sign_in', at, cause: use.cause });
    await note(tx, own, at, 'authentication.succeeded', { methods: ['bridge'] });
    return known.accountId;
  });
}

const RENEW_AFTER_MS = 30 * 24 * 3_600_000;

/** Writes the sign-in and the proof; what was vouched for a moment ago is not written again. */
async function take(
  tx: Db,
  deps: CommandDeps,
  use: UpstreamUse,
  { id: identityId, boundIn }: { readonly id: string; readonly boundIn: string | null },
  at: Date,
): Promise<void> {
  const { accountId, facts, interaction, cause } = use;
  const record = await claimPerson(tx, deps, accountId, facts);
  if (facts.event) await noteStrength(tx, identityId, strengthOf([facts.event]));
  if (facts.event && interaction !== null && boundIn !== interaction) {
    const credentialId = `${facts.bridge}:${identityId}`;
    await insertEvent(tx, { ...facts.event, accountId, credentialId, sessionUid: null, interactionUid: interaction });
  }
  const { evidence } = facts;
  const row = evidence && { ...evidence, record, accountId, recordedAt: at, reference: identityId };
  // The ledger is read for every token: a daily sign-in must not make it a row longer each time.
  const said = row !== null && (await saidSince(tx, row, new Date(at.getTime() - RENEW_AFTER_MS)));
  const stronger = facts.supersedes ? await strongerThan(tx, accountId, facts, identityId) : [];
  if (stronger.length === 0 && (row === null || said)) return;
  await withLevelChange(tx, deps.keyring, { accountId, at, initiator: 'user' }, async () => {
    if (stronger.length > 0) await revokeEvidence(tx, { accountId, ids: stronger, at, reason: 'upstream_says_less' });
    if (row === null || said) return;
    await insertEvidence(tx, row);
    await liftByDoing(tx, deps, { accountId, part: 'prove', at, cause });
  });
  if (stronger.length > 0) {
    const data = { kinds: ['upstream'], count: stronger.length };
    await note(tx, use, at, 'evidence.revoked', data);
  }
  if (evidence === null || said) return;
  await note(tx, use, at, 'evidence.recorded', {
    kind: evidence.kind,
    source: evidence.source,
    strength: evidence.strength,
    category: evidence.category,
  });
}

/** What this identity vouched for before and does not now: the upstream has lowered its account. */
async function strongerThan(tx: Db, accountId: string, { bridge, evidence }: UpstreamFacts, identityId: string) {
  const now = evidence === null ? -1 : strengths.indexOf(evidence.strength);
  const rows = await evidenceBy(tx, accountId, { source: bridge, reference: identityId });
  return rows
    .filter(({ revokedAt, strength }) => revokedAt === null && strengths.indexOf(strength) > now)
    .map(({ id }) => id);
}

/**
 * Takes an identity off an account, with what it vouched for and every session that was opened by it (D15). False when it
 * is not this account's.
 * @throws ShiminError `last_way_in` when nothing would be left to sign in with
 */
export async function unlinkIdentity(
  deps: CommandDeps,
  input: { accountId: string; id: string; cause: Cause },
): Promise<boolean> {
  const at = deps.clock();
  const { accountId, id, cause } = input;
  return transaction(deps.db, async (tx) => {
    await lockAccount(tx, accountId);
    const identities = await identitiesOf(tx, accountId);
    const gone = identities.find((identity) => identity.id === id);
    if (!gone || !(await removeIdentity(tx, accountId, id))) return false;
    const own = (await passkeysOf(tx, accountId)).length > 0;
    const [secret, codes] = [await passwordOf(tx, accountId), await totpOf(tx, accountId)];
    const password = secret !== null && codes !== null && !secret.stopped && !codes.stopped;
    // Another upstream's word is no way in to count on: it may be switched off in a second.
    if (!own && !password) throw new ShiminError('last_way_in', { status: 409 });
    const about = { accountId, at, initiator: 'user' as const };
    await withLevelChange(tx, deps.keyring, about, () =>
      revokeEvidence(tx, { accountId, of: { source: gone.bridge, reference: id }, at, reason: 'unlinked' }),
    );
    for (const uid of await endEventsOf(tx, accountId, `${gone.bridge}:${id}`, at)) {
      await tellApps(tx, deps.keyring, { accountId, which: { uid }, at, initiator: 'user' });
      await endSessions(tx, accountId, { uid, at });
    }
    await notify(tx, deps, { accountId, kind: 'identity_unlinked', bridge: gone.bridge, at });
    await note(tx, { accountId, cause }, at, 'identity.unlinked', { bridge: gone.bridge });
    const data = { credential_type: `urn:shimin:bridge:${gone.bridge}`, change_type: 'delete' };
    await announce(tx, deps.keyring, { accountId, event: 'credential-change', data, at, initiator: 'user' });
    return true;
  });
}

const inUse = (bridge: string) => new ShiminError('identity_in_use', { status: 409, detail: { bridge } });

async function note(
  tx: Db,
  { accountId, cause }: Pick<UpstreamUse, 'accountId' | 'cause'>,
  at: Date,
  type: 'identity.linked' | 'identity.unlinked' | 'authentication.succeeded' | 'evidence.recorded' | 'evidence.revoked',
  data: Parameters<typeof append>[1]['data'],
): Promise<void> {
  await append(tx, {
    at,
    type,
    actor: { kind: 'citizen', id: accountId },
    accountId,
    clientId: cause.clientId,
    requestId: cause.requestId,
    outcome: 'ok',
    reason: null,
    data,
  });
}
