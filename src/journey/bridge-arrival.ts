import type { Context } from 'koa';
import { dominates } from '../assurance/level.ts';
import type { UpstreamFacts } from '../assurance/upstream-facts.ts';
import type { OpenBridge } from '../bridges/index.ts';
import { linkIdentity, signInByBridge } from '../commands/link-identity.ts';
import { refuseIdentity } from '../commands/refuse-identity.ts';
import { ShiminError } from '../lib/errors.ts';
import { factsOf, groundsNow } from '../standing/account.ts';
import { identityLevel } from '../standing/identity-level.ts';
import { type Facts, judged } from '../standing/what-counts.ts';
import { findAccount } from '../storage/accounts.ts';
import { findIdentity } from '../storage/external-identities.ts';
import { openInterventions } from '../storage/interventions.ts';
import { findDocumentHolder } from '../storage/persons.ts';
import { setCookie } from '../web/cookies.ts';
import { seeOther } from '../web/forms.ts';
import { ceremonyOf, mayBindHere } from './binding.ts';
import { lastWayCookie } from './bridge-cookie.ts';
import { causeOf } from './context.ts';
import type { JourneyDeps } from './deps.ts';
import type { Situation } from './gather.ts';
import { saveState } from './state.ts';

/** What follows from an upstream's answer: a sign-in, a proof, or the question whose it is. */
export async function arrived(
  deps: JourneyDeps,
  ctx: Context,
  situation: Situation,
  open: OpenBridge,
  facts: UpstreamFacts,
  /** Who was signed in when they left; somebody who signed in since is asked before anything is linked. */
  leftAs: string | null,
): Promise<void> {
  const { citizen, interaction } = situation;
  const use = { facts, interaction: interaction.cid, cause: causeOf(ctx, situation) };
  try {
    const known = await findIdentity(deps.db, deps.keyring, facts.bridge, facts.subjects);
    if (citizen) {
      const adding = { kind: 'identity', event: facts.event } as const;
      if (
        known ? known.accountId === citizen.account.id : leftAs !== null && (await mayBindHere(deps, situation, adding))
      ) {
        await linkIdentity(deps, { ...use, accountId: citizen.account.id, ground: ceremonyOf(situation) });
        return await go(deps, ctx, situation);
      }
      if (known) throw new ShiminError('identity_in_use', { status: 409 });
      return await ask(deps, ctx, situation, facts);
    }
    if (known) return await signIn(deps, ctx, situation, open, use);
    if (open.use === 'sign_in' && (await sameProofedPerson(deps, situation, use)))
      return await go(deps, ctx, situation);
    return await ask(deps, ctx, situation, facts);
  } catch (error) {
    if (!(error instanceof ShiminError) || !(error.code in told)) throw error;
    return refuse(deps, ctx, situation, facts.bridge, error.code, error);
  }
}

const told: Readonly<Record<string, true>> = {
  identity_in_use: true,
  identity_mismatch: true,
  identity_minor: true,
  identity_unknown: true,
  link_only: true,
  account_suspended: true,
  binding_too_weak: true,
};

async function signIn(
  deps: JourneyDeps,
  ctx: Context,
  situation: Situation,
  open: OpenBridge,
  use: Parameters<typeof signInByBridge>[1],
): Promise<void> {
  if (open.use !== 'sign_in' || use.facts.event === null)
    return refuse(deps, ctx, situation, use.facts.bridge, 'link_only');
  const known = await findIdentity(deps.db, deps.keyring, use.facts.bridge, use.facts.subjects);
  const account = known && (await findAccount(deps.db, known.accountId));
  if (account?.status !== 'active') throw new ShiminError('account_suspended', { status: 403 });
  await signInByBridge(deps, use);
  rememberWay(deps, ctx, use.facts.bridge);
  return go(deps, ctx, situation);
}

/** On this device, for the order of the sign-in page; it says nothing of who it was. */
function rememberWay(deps: JourneyDeps, ctx: Context, bridge: string): void {
  setCookie(ctx, lastWayCookie, bridge, { secure: deps.issuer.startsWith('https:'), maxAgeSec: 365 * 24 * 3600 });
}

/**
 * Nobody is signed in and the identity is new, but the person is not: the account of the same document is theirs where it
 * is known to be theirs in person, and this proof is worth no less. An account that was proved by name and number alone
 * is not opened so: whoever knew the number could have made it to wait for its owner (D02-D06).
 */
async function sameProofedPerson(
  deps: JourneyDeps,
  { policy }: Situation,
  use: Parameters<typeof signInByBridge>[1],
): Promise<boolean> {
  const { facts } = use;
  const { documentType, documentNumber } = facts.claims;
  const { evidence, event } = facts;
  if (evidence === null || event === null || event.factors.length < 2) return false;
  if (documentType === undefined || documentNumber === undefined || !evidence.confirmed.includes('document_number'))
    return false;
  const owner = await findDocumentHolder(deps.db, deps.keyring, documentType, documentNumber);
  const account = owner && (await findAccount(deps.db, owner.accountId));
  if (owner === null || account?.status !== 'active') return false;
  if ((await openInterventions(deps.db, account.id)).length > 0) return false;
  const now = deps.clock();
  const grounds = { ...(await groundsNow(deps.db, now)), policy };
  const brought = { ...evidence, id: 'brought', recordedAt: now, revokedAt: null };
  const levelOf = (facts: Facts) => identityLevel(policy, judged(grounds, facts).assessment);
  const known = await factsOf(deps.db, account.id);
  // What somebody proved of themselves by other documents does not make this document theirs.
  const here = levelOf({ ...known, evidence: known.evidence.filter(({ record }) => record === owner.record) });
  const there = levelOf({ evidence: [brought], events: [], interventions: [] });
  const inPerson = (policy.levels.find(({ id }) => id === here)?.ial ?? 0) >= 2;
  const noLess = dominates(policy.levels, there, here);
  if (!inPerson || !noLess) return false;
  await linkIdentity(deps, { ...use, accountId: account.id, ground: { kind: 'proofed_anew', inPerson, noLess } });
  return true;
}

/** Keeps the answer until the person has said, and shown, which account is theirs. */
async function ask(deps: JourneyDeps, ctx: Context, situation: Situation, facts: UpstreamFacts): Promise<void> {
  const upstream = { facts, at: deps.clock().getTime() };
  await saveState(deps, situation.interaction, { ...situation.state, notice: null, upstream });
  seeOther(ctx, situation.base);
}

async function go(deps: JourneyDeps, ctx: Context, situation: Situation): Promise<void> {
  await saveState(deps, situation.interaction, { ...situation.state, notice: null, upstream: null });
  seeOther(ctx, situation.base);
}

/** A page that says what happened and offers another way; an audit line is there and nothing else (D08-D14). */
export async function refuse(
  deps: JourneyDeps,
  ctx: Context,
  situation: Situation,
  bridge: string,
  reason: string,
  cause?: unknown,
): Promise<void> {
  if (cause !== undefined) deps.log.warn({ err: cause, bridge, reason }, 'bridge refused');
  const accountId = situation.citizen?.account.id ?? null;
  await refuseIdentity(deps, { accountId, bridge, reason, cause: causeOf(ctx, situation) });
  const notice = { kind: 'bridge' as const, reason, bridge };
  await saveState(deps, situation.interaction, { ...situation.state, upstream: null, notice });
  seeOther(ctx, situation.base);
}
