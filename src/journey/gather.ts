import type { Context } from 'koa';
import type { Assessment } from '../assurance/assess.ts';
import type { AuthenticationEvent, Evidence } from '../assurance/evidence.ts';
import { inForce, stops } from '../assurance/interventions.ts';
import type { AssurancePolicy } from '../assurance/policy.ts';
import { type Requirement, requirementFor, satisfies, type Verdict } from '../assurance/requirement.ts';
import type { Holdings } from '../commands/offers.ts';
import { ShiminError } from '../lib/errors.ts';
import type { Interaction } from '../oidc/interaction.ts';
import { acrRequest } from '../oidc/request.ts';
import { judged } from '../standing/what-counts.ts';
import { type Account, findAccount } from '../storage/accounts.ts';
import { type App, findApp } from '../storage/apps.ts';
import { passkeysOf, passwordOf, recoveryCodesLeft, totpOf } from '../storage/authenticators.ts';
import { evidenceOf } from '../storage/evidence.ts';
import { type InterventionRecord, interventionsOf, openInterventions } from '../storage/interventions.ts';
import { currentPolicy } from '../storage/policies.ts';
import { eventsOfInteraction, eventsOfSession } from '../storage/sessions.ts';
import { disabledSources } from '../storage/sources.ts';
import type { JourneyDeps } from './deps.ts';
import { type JourneyState, loadState } from './state.ts';

/** Everything that decides what the person is asked next. */
export interface Situation {
  readonly interaction: Interaction;
  /** Address prefix of this interaction's pages and forms. */
  readonly base: string;
  readonly app: App;
  readonly state: JourneyState;
  readonly policy: AssurancePolicy;
  readonly requirement: Requirement;
  /** Null: nobody is signed in yet. */
  readonly citizen: Citizen | null;
  /** Whoever is signed in may do nothing: staff stopped the account. Then `citizen` is null. */
  readonly stop: Stop | null;
}

/** What staff put on an account, as the citizen reads it. */
export type Stop = Pick<InterventionRecord, 'kind' | 'reason' | 'at' | 'until'>;

export interface Citizen {
  readonly account: Account;
  readonly evidence: readonly Evidence[];
  readonly events: readonly AuthenticationEvent[];
  readonly assessment: Assessment;
  readonly verdict: Verdict;
  readonly holdings: Holdings;
}

/**
 * Reads what is proved so far. The person is the one of the SSO session, else the one whose authenticator was used in
 * this interaction; the two can't differ, because `useOf` refuses it.
 * @throws ShiminError `interaction_expired`, `client_invalid`
 */
export async function gather(deps: JourneyDeps, ctx: Context, uid: string): Promise<Situation> {
  const interaction = await deps.engine.open(ctx, uid);
  const db = deps.db;
  const app = await findApp(db, interaction.clientId);
  if (!app) throw new ShiminError('client_invalid', { status: 400 });
  const { document: policy } = await currentPolicy(db);
  const state = await loadState(deps, interaction);
  const requirement = requirementFor(policy, app.id, acrRequest(interaction.params));
  const found = await gatherCitizen(deps, interaction, policy, requirement, state);
  const who = found !== null && 'stop' in found ? { citizen: null, stop: found.stop } : { citizen: found, stop: null };
  return { interaction, base: `/interaction/${interaction.uid}`, app, state, policy, requirement, ...who };
}

async function gatherCitizen(
  deps: JourneyDeps,
  interaction: Interaction,
  policy: AssurancePolicy,
  requirement: Requirement,
  state: JourneyState,
): Promise<Citizen | { stop: Stop } | null> {
  const { db } = deps;
  const now = deps.clock();
  const here = await eventsOfInteraction(db, interaction.cid);
  const accountId = interaction.sessionAccountId ?? here.at(-1)?.accountId ?? null;
  if (accountId === null) return null;
  const account = await findAccount(db, accountId);
  if (!account) return null;
  if (account.status !== 'active') throw new ShiminError('account_suspended', { status: 403 });
  const ofSession =
    interaction.sessionUid && interaction.sessionAccountId ? await eventsOfSession(db, interaction.sessionUid) : [];
  const byId = new Map(
    [...ofSession, ...here].filter((event) => event.accountId === accountId).map((event) => [event.id, event]),
  );
  const facts = {
    interventions: await openInterventions(db, accountId),
    evidence: await evidenceOf(db, accountId),
    events: [...byId.values()],
  };
  const grounds = { policy, off: await disabledSources(db), at: now };
  const found = judged(grounds, facts, { acceptance: requirement, interaction: interaction.cid });
  // A session without one living event (ended, or from before a reset) is a stranger's session.
  if (found.events.length === 0) return null;
  if (!found.usable) return { stop: await stopOf(deps, accountId) };
  const { evidence, assessment } = found;
  const { events } = found.accepted;
  const offered = state.offered || interaction.offered;
  const verdict = satisfies(assessment, requirement, policy, { interaction: interaction.cid, offered, events });
  const [passkeys, password, totp, codes] = await Promise.all([
    passkeysOf(db, accountId),
    passwordOf(db, accountId),
    totpOf(db, accountId),
    recoveryCodesLeft(db, accountId),
  ]);
  const holdings = { passkeys, hasPassword: password !== null, hasTotp: totp !== null, recoveryCodesLeft: codes };
  return { account, evidence, events, assessment, verdict, holdings };
}

/** Refuses a ceremony of another person than the one who is signed in: a step-up never changes the person. */
export function samePerson(situation: Situation, accountId: string): void {
  const signedIn = situation.interaction.sessionAccountId ?? situation.citizen?.account.id ?? null;
  if (signedIn !== null && signedIn !== accountId)
    throw new ShiminError('passkey_rejected', { status: 403, detail: { reason: 'another_person' } });
}

/** The intervention that stops the account; told to whoever has just signed in to it. */
async function stopOf(deps: JourneyDeps, accountId: string): Promise<Stop> {
  const all = await interventionsOf(deps.db, deps.keyring, accountId);
  const open = inForce(all, deps.clock()).find(({ kind, liftedAt }) => liftedAt === null && stops(kind));
  // Lifted a moment ago: the next page goes on.
  if (!open) throw new ShiminError('account_suspended', { status: 403 });
  return open;
}
