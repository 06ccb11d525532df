import { notAccepted } from '../assurance/accepted.ts';
import { oneOfEach, parseBridgeStep, withTwins } from '../assurance/bridge-offers.ts';
import { type Offer, type Plan, plan } from '../assurance/plan.ts';
import { addedHere } from './binding.ts';
import type { Situation } from './gather.ts';
import type { PageName } from './pages.ts';

export type Next = { kind: 'page'; page: PageName; step?: string } | { kind: 'finish' };

const page = (name: PageName): Next => ({ kind: 'page', page: name });

const stepPages: Readonly<Record<string, PageName>> = {
  passkey: 'sign-in',
  password: 'password',
  'enrol-passkey': 'enrol-passkey',
  population: 'prove-population',
  face: 'prove-face',
  'face-permit': 'prove-face',
  'exit-entry': 'prove-check',
  unionpay: 'prove-check',
  carrier: 'prove-tie',
  counter: 'prove-counter',
  counter_two: 'prove-counter',
};

/** The ways to what this request needs, from what is proved now. */
export function waysFor(situation: Situation, offers: readonly Offer[], now: Date): Plan {
  const { citizen, interaction, policy, requirement } = situation;
  const lists = policy.levels.flatMap(({ identity }) =>
    identity.flatMap(({ rules }) => rules.map(({ sources }) => sources)),
  );
  const accepted = { ...requirement, categories: null };
  const { offers: some, twins } = oneOfEach(offers, (source) =>
    [
      ...lists.map((sources) => sources === null || sources.includes(source)),
      notAccepted(accepted, { source, kind: 'upstream', category: null }) === null,
    ].join(),
  );
  const found = plan({
    policy,
    requirement,
    evidence: citizen?.evidence ?? [],
    events: citizen?.events ?? [],
    offers: some,
    now,
    interaction: interaction.cid,
  });
  return withTwins(found, offers, twins);
}

/**
 * What the person sees next: computed from what is proved, not stored. `show` is the person's own choice among pages
 * of equal right (password instead of passkey, register instead of sign in).
 */
export function nextStep(
  situation: Situation,
  ways: Plan,
  seen: {
    readonly consentMissing: boolean;
    readonly show: string;
    /** An upstream's answer waits for its account; `fresh`: the person signed in here for it, too. */
    readonly upstream: { readonly pending: boolean; readonly fresh: boolean };
    /** Whether the phone may sign this browser in. */
    readonly phone: boolean;
  },
): Next {
  const { citizen, state } = situation;
  const { consentMissing, show, upstream, phone } = seen;
  if (situation.stop !== null) return page('stopped');
  if (state.notice?.kind === 'bridge') return page('bridge-refused');
  if (state.recoveryCodes.length > 0) return page('recovery-codes');
  if (state.passwordOf !== null) return page(show === 'recovery-code' ? 'recovery-code' : 'totp');
  if (upstream.pending && show === '')
    return page(citizen === null ? 'bridge-new' : upstream.fresh ? 'bridge-link' : 'sign-in');
  if (show === 'qr' && phone && citizen?.verdict.kind !== 'met') return page('qr');
  if (!citizen) return signIn(situation, show);
  if (state.notice !== null) return page(state.notice.kind === 'unavailable' ? 'prove-unavailable' : 'prove-refused');
  if (citizen.verdict.kind === 'met') return consentMissing ? page('consent') : { kind: 'finish' };
  if (addedHere(situation)) return page('added');
  if (show === 'password' && citizen.holdings.hasPassword) return page('password');
  const step = stepUpStep(state.way, ways);
  return step === undefined ? page('choose') : { kind: 'page', page: pageOf(step), step };
}

function signIn(situation: Situation, show: string): Next {
  const { registration } = situation.state;
  if (show === 'password') return page('password');
  if (show === 'register' || show === 'register-password') {
    if (!registration) return page('register');
    if (registration.taken) return page('register-taken');
    if (!registration.confirmed) return page('register-code');
    if (registration.passwordHash !== null) return page('register-totp');
    return page(show === 'register-password' ? 'register-password' : 'register-authenticator');
  }
  return page('sign-in');
}

/** The next step of the way that was chosen while it still leads there; the choice itself otherwise. */
function stepUpStep(chosen: readonly string[], ways: Plan): string | undefined {
  if (ways.kind !== 'ways') return undefined;
  const onTheWay = ways.ways.find(
    (way) =>
      way.steps.length <= chosen.length &&
      way.steps.every((step, i) => step === chosen[chosen.length - way.steps.length + i]),
  );
  return onTheWay?.steps[0] ?? onlyReauthentication(ways);
}

const pageOf = (step: string): PageName =>
  parseBridgeStep(step) === null ? (stepPages[step] ?? 'choose') : 'prove-bridge';

/** When signing in again is all that is missing there is nothing to choose: the passkey page offers the password too. */
function onlyReauthentication(ways: Extract<Plan, { kind: 'ways' }>): string | undefined {
  const first = ways.ways[0];
  return first && first.steps.length === 1 && (first.steps[0] === 'passkey' || first.steps[0] === 'password')
    ? first.steps[0]
    : undefined;
}
