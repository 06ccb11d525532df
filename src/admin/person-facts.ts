import type { Context } from 'koa';
import { type Evidence, isAlive } from '../assurance/evidence.ts';
import { inForce, needs } from '../assurance/interventions.ts';
import { levelName, type Teller } from '../assurance/speech.ts';
import { isUntied } from '../assurance/untied.ts';
import { maskDocument, maskName } from '../identity/person.ts';
import { maskPhone } from '../identity/phone.ts';
import { standingOfAccount } from '../standing/account.ts';
import { identityLevel, noLevel } from '../standing/identity-level.ts';
import { type Account, contactsOf } from '../storage/accounts.ts';
import { listApps } from '../storage/apps.ts';
import { passkeysOf, passwordOf, totpOf } from '../storage/authenticators.ts';
import { consentsOf } from '../storage/consents.ts';
import { decisionsOf } from '../storage/decisions.ts';
import { interventionsOf } from '../storage/interventions.ts';
import { personOf } from '../storage/persons.ts';
import { sessionRecordsOf } from '../storage/sessions.ts';
import { dateFormats } from '../web/dates.ts';
import { deviceName } from '../web/device-name.ts';
import { localeOf } from '../web/preferences.ts';
import { wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';
import { namesOf } from './names.ts';

/** All that support sees of one account: masked where it is personal, dates and names of kinds where it is not. */
export async function personFacts(deps: AdminDeps, ctx: Context, account: Account): Promise<object> {
  const { db, keyring } = deps;
  const { id } = account;
  const now = deps.clock();
  const [person, contacts, interventions, standing] = await Promise.all([
    personOf(db, keyring, id),
    contactsOf(db, keyring, id),
    interventionsOf(db, keyring, id),
    standingOfAccount(db, id, { at: now }),
  ]);
  const open = interventions.filter(({ liftedAt }) => liftedAt === null);
  const { policy } = standing;
  const level = identityLevel(policy, standing.assessment);
  const stateOf = (item: Evidence) => {
    if (!isAlive(item, now)) return 'ended';
    if (standing.evidence.includes(item)) return 'counts';
    return standing.off.has(item.source) ? 'off' : 'anew';
  };
  const teller = tellerOf(deps, ctx);
  const name = await namesOf(
    deps,
    interventions.flatMap(({ actor, liftedBy }) => [actor, liftedBy]),
  );
  const living = new Set(inForce(open, now));
  return {
    person: {
      id,
      status: standing.usable ? account.status : 'suspended',
      name: person ? maskName(person.name) : null,
      untied: isUntied(standing.assessment, standing.evidence, now),
      category: person?.category ?? null,
      documents: (person?.documents ?? []).map(({ type, number }) => ({ type, masked: maskDocument(number) })),
      phones: contacts.filter(({ kind }) => kind === 'phone').map(({ value }) => maskPhone(value)),
      since: account.createdAt,
      level: level === noLevel ? null : levelName(policy, level, teller),
    },
    evidence: standing.facts.evidence.toReversed().map((item) => ({
      kind: item.kind,
      source: item.source,
      recordedAt: item.recordedAt,
      expiresAt: item.expiresAt,
      state: stateOf(item),
    })),
    interventions: interventions.map((item) => ({
      id: item.id,
      kind: item.kind,
      reason: item.reason,
      note: item.note,
      at: item.at,
      until: item.until,
      by: name(item.actor),
      open: living.has(item),
      needs: needs(item.kind),
      ended: item.liftedAt === null ? null : { at: item.liftedAt, how: item.liftedHow, note: item.liftNote },
    })),
    ...(await doings(deps, ctx, id, (each) => levelName(policy, each, teller))),
  };
}

/** How they sign in, where they are signed in, what they agreed to, and what was decided last. */
async function doings(deps: AdminDeps, ctx: Context, id: string, level: (id: string) => string): Promise<object> {
  const { db } = deps;
  const [passkeys, password, totp, sessions, consents, decisions, apps] = await Promise.all([
    passkeysOf(db, id),
    passwordOf(db, id),
    totpOf(db, id),
    sessionRecordsOf(db, id),
    consentsOf(db, id),
    decisionsOf(db, id, { limit: 10 }),
    listApps(db),
  ]);
  const { i18n } = deps.renderer;
  const names = new Map(apps.map((app) => [app.id, i18n.pick(app.name, localeOf(ctx, i18n))]));
  const appName = (clientId: string) => names.get(clientId) ?? clientId;
  return {
    passkeys: passkeys.map(({ name, createdAt, lastUsedAt }) => ({ name, createdAt, lastUsedAt })),
    hasPassword: password !== null,
    hasTotp: totp !== null,
    sessions: sessions.map(({ uid, userAgent, createdAt, lastSeenAt }) => ({
      uid,
      device: deviceName(userAgent),
      createdAt,
      lastSeenAt,
    })),
    consents: consents.map(({ clientId, givenAt, basis }) => ({
      app: appName(clientId),
      givenAt,
      passedOn: basis === 'city_rules',
    })),
    decisions: decisions.map((decision) => ({
      at: decision.at,
      app: appName(decision.clientId),
      outcome: decision.outcome,
      level: decision.level === null ? null : level(decision.level),
    })),
  };
}

function tellerOf(deps: AdminDeps, ctx: Context): Teller {
  const { i18n } = deps.renderer;
  const locale = localeOf(ctx, i18n);
  return {
    text: wordsOf(deps, ctx),
    has: (key) => i18n.has(locale, key),
    time: dateFormats(locale).time,
    voice: 'auditor',
  };
}
