import type Router from '@koa/router';
import type { Middleware } from 'koa';
import { assess, bestLevel } from '../assurance/assess.ts';
import { plan } from '../assurance/plan.ts';
import { requirementFor } from '../assurance/requirement.ts';
import { offersFor } from '../commands/offers.ts';
import { maskDocument } from '../identity/person.ts';
import { maskPhone } from '../identity/phone.ts';
import { contactsOf } from '../storage/accounts.ts';
import { passkeysOf, passwordOf, totpOf } from '../storage/authenticators.ts';
import { consentsOf } from '../storage/consents.ts';
import { anyCounter } from '../storage/counters.ts';
import { evidenceOf } from '../storage/evidence.ts';
import { personOf } from '../storage/persons.ts';
import { currentPolicy } from '../storage/policies.ts';
import { eventsOfSession, sessionRecordsOf } from '../storage/sessions.ts';
import { fromOpenSources } from '../storage/sources.ts';
import { activityItems } from './activity.ts';
import { type Handler, param, type SignedIn, withCitizen } from './context.ts';
import type { AccountDeps } from './deps.ts';

const prefix = 'urn:shimin:loa:';

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
  deps.renderer.render(ctx, 'account/overview', {
    name: person?.name ?? null,
    phone: phone ? maskPhone(phone.value) : null,
    documents: (person?.documents ?? []).map(({ type, number }) => ({ type, masked: maskDocument(number) })),
    ...standing,
    passkeys: passkeys.length,
    hasPassword: password !== null,
    apps: consents.length,
    sessions: sessions.length,
    latest,
  });
};

async function standingOf(deps: AccountDeps, citizen: SignedIn): Promise<object> {
  const { db } = deps;
  const { account, session } = citizen;
  const now = deps.clock();
  const uid = session.sid === null ? null : await deps.sessionOfSid(account.id, session.sid);
  const [{ document: policy }, evidence, events, passkeys, password, totp] = await Promise.all([
    currentPolicy(db),
    evidenceOf(db, account.id),
    uid === null ? [] : eventsOfSession(db, uid),
    passkeysOf(db, account.id),
    passwordOf(db, account.id),
    totpOf(db, account.id),
  ]);
  const best = bestLevel(policy, assess(policy, await fromOpenSources(db, evidence), events, now));
  const index = best ? policy.levels.findIndex((level) => level.id === best.level) : -1;
  const next = policy.levels[index + 1];
  const offers = offersFor(
    { passkeys, hasPassword: password !== null, hasTotp: totp !== null, recoveryCodesLeft: 0 },
    { population: true, face: true, counter: await anyCounter(db) },
  );
  const request = next ? { acrValues: [], claimsAcr: { essential: true, values: [next.id] }, prompt: [] } : null;
  const ways = request
    ? plan({
        policy,
        requirement: requirementFor(policy, 'account', request),
        evidence,
        events,
        offers,
        now,
        interaction: null,
      })
    : null;
  const way = ways?.kind === 'ways' ? ways.ways[0] : undefined;
  return {
    level: best?.level.startsWith(prefix) ? best.level.slice(prefix.length) : '0',
    since: best?.since ?? null,
    until: best && best.until.getTime() < 8.64e15 ? best.until : null,
    next:
      next && way
        ? {
            level: next.id.slice(prefix.length),
            raiseUrl: `/account/raise/${next.id.slice(prefix.length)}`,
            steps: way.steps,
            minutes: way.minutes,
          }
        : null,
  };
}

/** A sign-in at the wanted level to our own area: the journey does the rest. */
function raise(deps: AccountDeps): Middleware {
  return async (ctx, next) => {
    const level = /^[1-4]$/.exec(param(ctx, 'level'))?.[0];
    if (level === undefined) return next();
    await deps.areaSession.requireAcr(`${prefix}${level}`, { returnTo: `/account/raise/${level}` })(ctx, async () => {
      ctx.status = 303;
      ctx.redirect('/account');
    });
  };
}

export function overviewRoutes(router: Router, deps: AccountDeps): void {
  router.get('/account', withCitizen(deps, overview));
  router.get('/account/raise/:level', raise(deps));
}
