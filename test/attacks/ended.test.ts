import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandDeps } from '../../src/commands/command.ts';
import { endOwnSessions } from '../../src/commands/end-sessions.ts';
import { endSessionsOf } from '../../src/commands/end-sessions-of.ts';
import { intervene } from '../../src/commands/intervene.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { assignRole } from '../../src/storage/staff.ts';
import {
  admitAtLevelOne,
  knownCitizen,
  parkSignIn,
  type RelyingParty,
  relyingParty,
  residents,
  signIn,
} from '../signals/citizens.ts';
import { prepareTransmitter, registerReceiver, type Transmitter } from '../signals/support.ts';
import { databaseKinds } from '../support/databases.ts';
import { storedAccount } from '../support/rows.ts';

describe.each(databaseKinds)('a sign-in that waits for its last redirect [%s]', { timeout: 60_000 }, (kind) => {
  let city: Transmitter;
  let app: RelyingParty;
  let deps: CommandDeps;
  let staff: string;
  let number = 0;
  const people = residents(20);

  beforeAll(async () => {
    city = await prepareTransmitter(kind);
    deps = { db: city.database.knex, keyring: city.keyring, clock: systemClock };
    await registerReceiver(deps, 'receiver');
    await admitAtLevelOne(deps, 'receiver');
    staff = (await storedAccount(deps.db)).id;
    await assignRole(deps.db, { accountId: staff, role: 'support', grantedBy: 'test', at: new Date() });
    await city.start();
    app = relyingParty(city.issuer, 'receiver');
  });
  afterAll(() => city?.close());

  const cause = { requestId: 'r', clientId: 'account' };
  async function somebody() {
    number += 1;
    const resident = people[number];
    if (!resident) throw new Error('nobody is left');
    return knownCitizen(deps, resident, 700 + number);
  }
  /** Whether the browser, sent on, comes out at the app with a code. */
  async function resume({ browser, next }: Awaited<ReturnType<typeof parkSignIn>>): Promise<'code' | 'asked again'> {
    const { outside } = await browser.follow(next);
    return outside?.searchParams.get('code') ? 'code' : 'asked again';
  }

  it('becomes one when nobody ends it', async () => {
    const known = await somebody();
    expect(await resume(await parkSignIn(city.issuer, app, known))).toBe('code');
  });

  it('ends with "sign out everywhere"', async () => {
    const known = await somebody();
    const parked = await parkSignIn(city.issuer, app, known);
    await endOwnSessions(deps, { accountId: known.accountId, which: {}, cause });
    expect(await resume(parked)).toBe('asked again');
  });

  it('ends when all other sessions are ended from another browser', async () => {
    const known = await somebody();
    const own = await signIn(city.issuer, app, known);
    const [session] = await deps.db('session_records').where({ account_id: known.accountId });
    const parked = await parkSignIn(city.issuer, app, known);
    await endOwnSessions(deps, { accountId: known.accountId, which: { except: String(session?.uid) }, cause });
    expect(await resume(parked)).toBe('asked again');
    expect((await app.again(own.browser)).id_token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  it('ends when staff end all sessions', async () => {
    const known = await somebody();
    const parked = await parkSignIn(city.issuer, app, known);
    const by = { accountId: staff, cause: { requestId: 'r', clientId: 'admin' } };
    expect(await endSessionsOf(deps, { by, accountId: known.accountId, uid: null })).toHaveProperty('done');
    expect(await resume(parked)).toBe('asked again');
  });

  it.each(['suspended', 'blocked', 'reauthenticate'] as const)('ends with the intervention %s', async (what) => {
    const known = await somebody();
    const parked = await parkSignIn(city.issuer, app, known);
    const by = { accountId: staff, cause: { requestId: 'r', clientId: 'admin' } };
    const wanted = { by, accountId: known.accountId, kind: what, reason: 'takeover_suspected' } as const;
    expect(await intervene(deps, { ...wanted, note: null, until: null })).toHaveProperty('done');
    expect(await resume(parked)).toBe('asked again');
  });

  it('of one account does not end with the sessions of another', async () => {
    const [known, other] = [await somebody(), await somebody()];
    const parked = await parkSignIn(city.issuer, app, known);
    await endOwnSessions(deps, { accountId: other.accountId, which: {}, cause });
    expect(await resume(parked)).toBe('code');
  });

  it('leaves a line in the audit although no session was there yet', async () => {
    const known = await somebody();
    await parkSignIn(city.issuer, app, known);
    await endOwnSessions(deps, { accountId: known.accountId, which: {}, cause });
    const lines = await deps.db('audit').where({ account_id: known.accountId, type: 'session.ended' });
    expect(lines).toHaveLength(1);
  });
});
