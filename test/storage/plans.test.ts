import type { Knex } from 'knex';
import { beforeAll, expect, it } from 'vitest';
import { findAccount, findAccountByContact, findAccountByUserHandle } from '../../src/storage/accounts.ts';
import { findApp } from '../../src/storage/apps.ts';
import { activityOf, append } from '../../src/storage/audit.ts';
import {
  advancePasskey,
  findPasskeyByCredentialId,
  passkeysOf,
  passwordOf,
  totpOf,
  useRecoveryCode,
} from '../../src/storage/authenticators.ts';
import { caseByCode, casesOf, liveCaseOf, overdueCases } from '../../src/storage/counter-cases.ts';
import type { Database, Db } from '../../src/storage/db.ts';
import {
  appsOfDecisions,
  decisionBehind,
  decisionById,
  decisionsOf,
  decisionsOfRequest,
} from '../../src/storage/decisions.ts';
import { evidenceOf } from '../../src/storage/evidence.ts';
import { failuresOf } from '../../src/storage/failures.ts';
import {
  interventionSpans,
  interventionsOf,
  openInterventions,
  overdueInterventions,
} from '../../src/storage/interventions.ts';
import { knowsDevice } from '../../src/storage/known-devices.ts';
import { heldThen, sessionsOfSecond } from '../../src/storage/past.ts';
import { peek, take } from '../../src/storage/pending.ts';
import { findAccountByDocument } from '../../src/storage/persons.ts';
import { currentPolicy } from '../../src/storage/policies.ts';
import {
  adoptEvents,
  endEventsUntil,
  eventsOfInteraction,
  eventsOfSession,
  hasEventSince,
  sessionRecordsOf,
} from '../../src/storage/sessions.ts';
import { keyEpoch } from '../../src/storage/signing-keys.ts';
import { lookOf, pruneLooks } from '../../src/storage/staff-looks.ts';
import { hit } from '../../src/storage/throttle.ts';
import { withDatabases } from '../support/databases.ts';
import { t0, testKeyring } from '../support/rows.ts';

/** Everything that one sign-in may ask the database. */
const lookUps: Record<string, (db: Db) => Promise<unknown>> = {
  findAccount: (db) => findAccount(db, 'x'),
  findAccountByUserHandle: (db) => findAccountByUserHandle(db, 'x'),
  findAccountByContact: (db) => findAccountByContact(db, testKeyring, 'phone', '+861'),
  findAccountByDocument: (db) => findAccountByDocument(db, testKeyring, 'resident_id', '1'),
  findPasskeyByCredentialId: (db) => findPasskeyByCredentialId(db, 'x'),
  passkeysOf: (db) => passkeysOf(db, 'x'),
  advancePasskey: (db) => advancePasskey(db, 'x', { counter: 1, backupState: true, at: t0 }),
  passwordOf: (db) => passwordOf(db, 'x'),
  totpOf: (db) => totpOf(db, 'x'),
  useRecoveryCode: (db) => useRecoveryCode(db, 'x', 'y', t0),
  evidenceOf: (db) => evidenceOf(db, 'x'),
  eventsOfSession: (db) => eventsOfSession(db, 'x'),
  eventsOfInteraction: (db) => eventsOfInteraction(db, 'x'),
  adoptEvents: (db) => adoptEvents(db, { interactionUid: 'x', accountId: 'x', sessionUid: 's', at: t0 }),
  sessionRecordsOf: (db) => sessionRecordsOf(db, 'x'),
  take: (db) => take(db, 'x', 'k', t0, testKeyring),
  peek: (db) => peek(db, 'x', 'k', t0, testKeyring),
  findApp: (db) => findApp(db, 'x'),
  currentPolicy: (db) => currentPolicy(db).catch(() => null),
  keyEpoch: (db) => keyEpoch(db),
  failuresOf: (db) => failuresOf(db, 'x'),
  knowsDevice: (db) => knowsDevice(db, 'x', 'y', t0),
  hit: (db) => hit(db, { bucket: 'x', limit: 1, windowSec: 1, lockSec: 1, now: t0 }),
  decisionById: (db) => decisionById(db, 'x'),
  decisionsOf: (db) => decisionsOf(db, 'x', { before: 'y', limit: 20, clientId: 'z', from: t0, to: t0 }),
  decisionsOfRequest: (db) => decisionsOfRequest(db, 'x', { from: t0, to: t0 }),
  decisionBehind: (db) => decisionBehind(db, { accountId: 'x', clientId: 'y', sessionUid: 's', issuedAt: t0 }),
  appsOfDecisions: (db) => appsOfDecisions(db, 'x'),
  heldThen: (db) => heldThen(db, 'x', t0),
  sessionsOfSecond: (db) => sessionsOfSecond(db, t0),
  activityOf: (db) => activityOf(db, 'x', { limit: 20, before: 9 }),
  caseByCode: (db) => caseByCode(db, testKeyring, 'x'),
  liveCaseOf: (db) => liveCaseOf(db, 'x'),
  casesOf: (db) => casesOf(db, 'x', 10),
  overdueCases: (db) => overdueCases(db, t0),
  openInterventions: (db) => openInterventions(db, 'x'),
  interventionsOf: (db) => interventionsOf(db, testKeyring, 'x'),
  interventionSpans: (db) => interventionSpans(db, ['x', 'y']),
  overdueInterventions: (db) => overdueInterventions(db, t0),
  endEventsUntil: (db) => endEventsUntil(db, 'x', t0, t0),
  hasEventSince: (db) => hasEventSince(db, 'x', t0),
  lookOf: (db) => lookOf(db, 'x', 'y', t0),
  pruneLooks: (db) => pruneLooks(db, t0),
  append: (db) =>
    append(db, {
      at: t0,
      type: 'session.ended',
      actor: { kind: 'system', id: 'x' },
      accountId: null,
      clientId: null,
      requestId: null,
      outcome: 'ok',
      reason: null,
      data: {},
    }),
};

interface Statement {
  sql: string;
  bindings: Knex.RawBinding[];
}

withDatabases('query plans', (makeDb, kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await makeDb({ poolMax: 1 });
    // An empty table is always scanned, unless the planner is told not to; what stays is what has no index.
    if (kind === 'postgres') await database.knex.raw('set enable_seqscan = off');
  });

  it.each(Object.keys(lookUps))('%s never scans a table', async (name) => {
    const statements: Statement[] = [];
    const note = (query: Statement) => {
      if (/^(select|update|delete|insert|with)/.test(query.sql) && query.bindings.length > 0) statements.push(query);
      else if (/^select/.test(query.sql)) statements.push(query);
    };
    database.knex.on('query', note);
    await lookUps[name]?.(database.knex);
    database.knex.off('query', note);
    expect(statements.length).toBeGreaterThan(0);
    for (const { sql, bindings } of statements) expect(scans(await explain(database, sql, bindings)), sql).toBe(false);
  });

  it('would notice a scan', async () => {
    expect(scans(await explain(database, 'select * from accounts where locale = ?', ['x']))).toBe(true);
    expect(scans(await explain(database, 'update passkeys set name = ? where name = ?', ['x', 'y']))).toBe(true);
  });

  /** Walking through a whole index is a scan, too. */
  function scans(plan: string): boolean {
    if (kind === 'sqlite') return /\bSCAN (?!CONSTANT ROW)/.test(plan);
    // max() of a key reads one end of its index.
    const oneEnd = /Limit.*Index Only Scan Backward/.test(plan);
    return plan.includes('Seq Scan') || (plan.includes(' Scan') && !plan.includes('Index Cond') && !oneEnd);
  }
});

async function explain({ knex, kind }: Database, sql: string, bindings: Knex.RawBinding[]): Promise<string> {
  const asked = kind === 'sqlite' ? `explain query plan ${sql}` : `explain ${sql.replace(/\$\d+/g, '?')}`;
  return JSON.stringify(await knex.raw(asked, bindings));
}
