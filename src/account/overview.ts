import type Router from '@koa/router';
import type { Middleware } from 'koa';
import { anything } from '../assurance/accepted.ts';
import { oneOfEach } from '../assurance/bridge-offers.ts';
import { askedEachTime } from '../assurance/each-time.ts';
import { bestLevel } from '../assurance/held.ts';
import { addressOfLevel, levelOfAddress, levelShown, levelsAbove, noLevelShown } from '../assurance/level-shown.ts';
import { plan } from '../assurance/plan.ts';
import { requirementFor } from '../assurance/requirement.ts';
import { isUntied } from '../assurance/untied.ts';
import { offersFor } from '../commands/offers.ts';
import { forCategory, outsideOffers } from '../commands/outside-offers.ts';
import { tieFor, underTie } from '../commands/tie-offer.ts';
import { maskDocument } from '../identity/person.ts';
import { maskPhone } from '../identity/phone.ts';
import { standingOfAccount } from '../standing/account.ts';
import { namedRecord } from '../standing/named-record.ts';
import { contactsOf } from '../storage/accounts.ts';
import { passkeysOf, passwordOf, totpOf } from '../storage/authenticators.ts';
import { consentsOf } from '../storage/consents.ts';
import { anyCounter } from '../storage/counters.ts';
import { openQuestions } from '../storage/merge-answers.ts';
import { personOf } from '../storage/persons.ts';
import { sessionRecordsOf } from '../storage/sessions.ts';
import type { AreaSession } from '../web/area-session.ts';
import { activityItems } from './activity.ts';
import { type Handler, param, type SignedIn, withCitizen } from './context.ts';
import type { AccountDeps } from './deps.ts';
import { askedOf } from './interventions.ts';

/** The interaction that a way would be gone in; no event is of it yet. */
const toCome = 'to come';

const overview: Handler = async (deps, ctx, citizen) => {
  const { account } = citizen;
  const { db, keyring } = deps;
  const [person, contacts, passkeys, password, consents, sessions, standing, latest] = await Promise.all([
    personOf(db, keyring, account.id),
    contactsOf(db, keyring, account.id),
    passkeysOf(db, account.id),
    passwordOf(db, account.id),
    consentsOf(db, account.id),
    sessionRecordsOf(db, account.id),
    standingOf(deps, citizen),
    activityItems(deps, ctx, account.id, { limit: 5 }),
  ]);
  const phone = contacts.find((contact) => contact.kind === 'phone');
  const { assessment, ...shown } = standing;
  deps.renderer.render(ctx, 'account/overview', {
    name: namedRecord(person, assessment)?.name ?? null,
    phone: phone ? maskPhone(phone.value) : null,
    documents: (person?.documents ?? []).map(({ type, number }) => ({ type, masked: maskDocument(number) })),
    ...shown,
    merges: (await openQuestions(db, account.id, deps.clock())).length,
    interventions: (await askedOf(deps, account.id)).map((item) => ({
      ...item,
      raiseUrl: item.needs.includes('prove') ? (shown.next?.raiseUrl ?? '/account/counter') : null,
    })),
    passkeys: passkeys.length,
    hasPassword: password !== null,
    apps: consents.length,
    sessions: sessions.length,
    latest,
  });
};

async function standingOf(deps: AccountDeps, citizen: SignedIn) {
  const { db } = deps;
  const { account, session } = citizen;
  const now = deps.clock();
  const uid = session.sid === null ? null : await deps.sessionOfSid(account.id, session.sid);
  const [{ policy, assessment, evidence, events }, contacts, passkeys, password, totp] = await Promise.all([
    standingOfAccount(db, account.id, { at: now, sessionUid: uid }),
    contactsOf(db, deps.keyring, account.id),
    passkeysOf(db, account.id),
    passwordOf(db, account.id),
    totpOf(db, account.id),
  ]);
  const best = bestLevel(policy, assessment);
  const eachTime = askedEachTime(policy, assessment);
  const held = assessment.held.map(({ level }) => level);
  // What only a sign-in at an app gives, and only for that sign-in, is nothing to be had here; nor what our staff sign in with.
  const notHere = [...eachTime, policy.apps.admin?.floor];
  const above = levelsAbove(policy, held, best?.level ?? null).filter((id) => !notHere.includes(id));
  const checks = await deps.checks.list();
  const phone = contacts.find(({ kind }) => kind === 'phone')?.value ?? null;
  const tie = tieFor({ policy, acceptance: anything, evidence, phone, checks, saidNo: false, now });
  const own = offersFor(
    { passkeys, hasPassword: password !== null, hasTotp: totp !== null, recoveryCodesLeft: 0 },
    { population: true, face: true, counter: await anyCounter(db), silentTie: tie === 'silent' },
  );
  const outside = { checks, bridges: await deps.bridges.list(), faceHealthy: true };
  const all = [...forCategory(own, evidence), ...underTie(outsideOffers(outside, evidence, null, now), tie)];
  const { offers } = oneOfEach(all, () => '');
  const wayTo = (level: string) => {
    const request = { acrValues: [], claimsAcr: { essential: true, values: [level] }, prompt: [] };
    const requirement = requirementFor(policy, 'account', request);
    const ways = plan({ policy, requirement, evidence, events, offers, now, interaction: toCome });
    return ways.kind === 'ways' ? ways.ways[0] : undefined;
  };
  const signsInOnly = (level: string) =>
    wayTo(level)?.steps.every((step) => offers.some(({ id, kind }) => id === step && kind === 'authenticate')) === true;
  const [next] = above.flatMap((id) => {
    const way = wayTo(id);
    return way ? [{ id, way }] : [];
  });
  return {
    assessment,
    untied: isUntied(assessment, evidence, now),
    level: best ? levelShown(policy, best.level) : noLevelShown,
    since: best?.since ?? null,
    until: best && best.until.getTime() < 8.64e15 ? best.until : null,
    eachTime: eachTime.map((id) => ({ level: levelShown(policy, id), ready: signsInOnly(id) })),
    next: next
      ? {
          level: levelShown(policy, next.id),
          raiseUrl: `/account/raise/${addressOfLevel(policy, next.id)}`,
          steps: next.way.steps,
          minutes: next.way.minutes,
        }
      : null,
  };
}

/** A sign-in at the wanted level to our own area: the journey does the rest. */
function raise(deps: AccountDeps): Middleware {
  return async (ctx, next) => {
    const session: AreaSession | undefined = ctx.state.area;
    if (session === undefined) return next();
    const { policy, assessment } = await standingOfAccount(deps.db, session.accountId, { at: deps.clock() });
    const acr = levelOfAddress(policy, param(ctx, 'level'));
    if (acr === null) return next();
    // The session remembers the level it began with; who has lost the identity behind it since goes the way anew.
    const lost = !assessment.identities.includes(acr);
    const wish = { returnTo: `/account/raise/${addressOfLevel(policy, acr)}`, ...(lost ? { maxAge: 0 } : undefined) };
    await deps.areaSession.requireAcr(acr, wish)(ctx, async () => {
      ctx.status = 303;
      ctx.redirect('/account');
    });
  };
}

export function overviewRoutes(router: Router, deps: AccountDeps): void {
  router.get('/account', withCitizen(deps, overview));
  router.get('/account/raise/:level', raise(deps));
}
