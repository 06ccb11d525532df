import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../../bench/browser.ts';
import type { InterventionKind } from '../../src/assurance/interventions.ts';
import type { CommandDeps } from '../../src/commands/command.ts';
import { intervene } from '../../src/commands/intervene.ts';
import { liftIntervention } from '../../src/commands/lift-intervention.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { openInterventions } from '../../src/storage/interventions.ts';
import { assignRole } from '../../src/storage/staff.ts';
import {
  admitAtLevelOne,
  type Known,
  knownCitizen,
  proveAgain,
  type RelyingParty,
  relyingParty,
  residents,
  showPasskey,
  signIn,
} from '../signals/citizens.ts';
import {
  accessToken,
  apiOf,
  caep,
  eventOf,
  prepareTransmitter,
  registerReceiver,
  risc,
  startReceiver,
  type Transmitter,
  until,
} from '../signals/support.ts';
import { databaseKinds } from '../support/databases.ts';
import { storedAccount } from '../support/rows.ts';

const [one, three] = ['urn:shimin:loa:1', 'urn:shimin:loa:3'];

describe.each(databaseKinds)('interventions over HTTP [%s]', { timeout: 60_000 }, (kind) => {
  let transmitter: Transmitter;
  let receiver: Awaited<ReturnType<typeof startReceiver>>;
  let app: RelyingParty;
  let deps: CommandDeps;
  let staff: string;
  const people = residents(20);
  let number = 0;

  beforeAll(async () => {
    transmitter = await prepareTransmitter(kind);
    const { issuer, database, keyring } = transmitter;
    deps = { db: database.knex, keyring, clock: systemClock };
    await registerReceiver(deps, 'receiver');
    await admitAtLevelOne(deps, 'receiver');
    staff = (await storedAccount(deps.db)).id;
    await assignRole(deps.db, { accountId: staff, role: 'support', grantedBy: 'test', at: new Date() });
    await transmitter.start();
    receiver = await startReceiver(issuer, 'receiver');
    const api = apiOf(issuer, await accessToken(issuer, 'receiver'));
    await api('POST', '/ssf/stream', { delivery: { method: 'urn:ietf:rfc:8935', endpoint_url: receiver.url } });
    app = relyingParty(issuer, 'receiver');
  });
  afterAll(async () => {
    await receiver?.close();
    await transmitter?.close();
  });

  const by = () => ({ accountId: staff, cause: { requestId: 'request-1', clientId: 'admin' } });
  async function put(known: Known, what: InterventionKind): Promise<string> {
    const wanted = { by: by(), accountId: known.accountId, kind: what, reason: 'takeover_suspected' } as const;
    const result = await intervene(deps, { ...wanted, note: 'a note for colleagues', until: null });
    if (!('done' in result)) throw new Error(result.denied);
    return result.done;
  }
  async function somebody() {
    number += 1;
    const resident = people[number];
    if (!resident) throw new Error('nobody is left');
    const known = await knownCitizen(deps, resident, number);
    const session = await signIn(transmitter.issuer, app, known);
    return { known, ...session };
  }
  const news = (subject: string) =>
    [...receiver.effects.values()]
      .filter(({ claims }) => JSON.stringify(claims.sub_id).includes(subject))
      .map(({ claims }) => eventOf(claims));
  const heard = (subject: string, type: string) =>
    until(() => news(subject).find((event) => event?.type === type), 1_000);
  const form = (grant: string) => ({ grant_type: 'refresh_token', refresh_token: grant });
  const silent = async (browser: Browser) =>
    (await browser.follow(app.authorizePath({ prompt: 'none' }))).outside?.searchParams.get('error') ?? 'answered';
  const kindsOpen = async ({ accountId }: Known) =>
    (await openInterventions(deps.db, accountId)).map((item) => item.kind);

  it.each(['suspended', 'blocked'] as const)(
    '%s: nothing works from the next request on, until it is lifted',
    async (what) => {
      const { known, browser, tokens, subject } = await somebody();
      const id = await put(known, what);
      expect((await app.post('/token', form(tokens.refresh_token))).body.error).toBe('invalid_grant');
      expect((await app.userinfo(tokens.access_token)).status).toBe(401);
      expect(await app.introspect(tokens.access_token)).toEqual({ active: false });
      expect(await app.introspect(tokens.refresh_token)).toEqual({ active: false });
      expect(await silent(browser)).toBe('login_required');
      expect((await heard(subject, risc('account-disabled')))?.body).toMatchObject({ reason: 'hijacking' });
      await heard(subject, caep('session-revoked'));

      // Whoever proves that the account is theirs is told what happened and whom to ask, and goes back to the app.
      const page = await pageOf(known);
      expect(page.body).toContain(what === 'blocked' ? '您的账户已被封禁' : '您的账户已暂停使用');
      expect(page.body).toContain('账户可能被他人使用');
      expect(page.body).toContain('请拨打下方的服务热线');
      expect(page.body).not.toContain('a note for colleagues');
      expect(await page.decline()).toBe('access_denied');

      const lifted = { by: by(), accountId: known.accountId, id, reason: 'cleared', note: null } as const;
      expect(await liftIntervention(deps, lifted)).toEqual({ done: null });
      await heard(subject, risc('account-enabled'));
      // What it ended stays ended; a new sign-in works.
      expect((await app.post('/token', form(tokens.refresh_token))).body.error).toBe('invalid_grant');
      expect(await app.introspect((await signIn(transmitter.issuer, app, known)).tokens.access_token)).toMatchObject({
        active: true,
        acr: three,
      });
    },
  );

  it('reauthenticate: everything of before is over, and a new sign-in lifts it', async () => {
    const { known, browser, tokens, subject } = await somebody();
    await put(known, 'reauthenticate');
    expect((await app.post('/token', form(tokens.refresh_token))).body.error).toBe('invalid_grant');
    expect((await app.userinfo(tokens.access_token)).status).toBe(401);
    expect(await app.introspect(tokens.access_token)).toEqual({ active: false });
    expect(await silent(browser)).toBe('login_required');
    await heard(subject, caep('session-revoked'));
    const anew = await signIn(transmitter.issuer, app, known);
    expect(await app.introspect(anew.tokens.access_token)).toMatchObject({ active: true, acr: three });
    expect(await kindsOpen(known)).toEqual([]);
    // The session of before does not come back with it.
    expect(await silent(browser)).toBe('login_required');
    expect(news(subject).map((event) => event?.type)).not.toContain(risc('account-disabled'));
  });

  it('reprove: the level falls in every answer, and proving anew lifts it', async () => {
    const { known, browser, tokens, subject } = await somebody();
    expect(await app.introspect(tokens.access_token)).toMatchObject({ acr: three });
    await put(known, 'reprove');
    const told = await heard(subject, caep('assurance-level-change'));
    expect(told?.body).toMatchObject({ previous_level: three, current_level: one, change_direction: 'decrease' });
    expect(await app.introspect(tokens.access_token)).toMatchObject({ active: true, acr: one });
    expect((await app.userinfo(tokens.access_token)).body.acr).toBe(one);
    const refreshed = await app.refresh(tokens.refresh_token);
    expect(await app.introspect(refreshed.access_token)).toMatchObject({ acr: one });
    expect(await app.introspect((await app.again(browser)).access_token)).toMatchObject({ acr: one });
    await proveAgain(deps, known.accountId, known.resident);
    expect(await kindsOpen(known)).toEqual([]);
    expect(await app.introspect(refreshed.access_token)).toMatchObject({ active: true, acr: three });
  });

  it('both: each part for itself, until both are done', async () => {
    const { known, browser, tokens, subject } = await somebody();
    await put(known, 'reauthenticate_and_reprove');
    expect((await app.post('/token', form(tokens.refresh_token))).body.error).toBe('invalid_grant');
    expect(await app.introspect(tokens.access_token)).toEqual({ active: false });
    expect(await silent(browser)).toBe('login_required');
    await heard(subject, caep('assurance-level-change'));
    const anew = await signIn(transmitter.issuer, app, known);
    expect(await app.introspect(anew.tokens.access_token)).toMatchObject({ active: true, acr: one });
    expect(await kindsOpen(known)).toEqual(['reauthenticate_and_reprove']);
    await proveAgain(deps, known.accountId, known.resident);
    expect(await app.introspect(anew.tokens.access_token)).toMatchObject({ active: true, acr: three });
    expect(await kindsOpen(known)).toEqual([]);
  });

  it('an end that passes ends it for every answer, before anybody writes it down', async () => {
    const { known, tokens, subject } = await somebody();
    const end = new Date(Date.now() + 700);
    const wanted = { by: by(), accountId: known.accountId, kind: 'reprove', reason: 'data_leak' } as const;
    await intervene(deps, { ...wanted, note: null, until: end });
    expect(await app.introspect(tokens.access_token)).toMatchObject({ acr: one });
    await new Promise((resolve) => setTimeout(resolve, end.getTime() - Date.now() + 5));
    expect(await app.introspect(tokens.access_token)).toMatchObject({ acr: three });
    await until(() => news(subject).find((event) => event?.body.current_level === three), 2_000);
    expect(await kindsOpen(known)).toEqual([]);
  });

  /** What somebody sees who signs in, and where the way back to the app leads. */
  async function pageOf(known: Known) {
    const { browser, base, page } = await showPasskey(transmitter.issuer, app, known);
    const body = page?.body ?? '';
    return {
      body,
      async decline() {
        const csrf = /name="_csrf" value="([^"]*)"/.exec(body)?.[1] ?? '';
        const { location = '' } = await browser.send('POST', `${base}/decline`, {
          headers: { origin: transmitter.issuer },
          body: `${new URLSearchParams({ _csrf: csrf })}`,
        });
        const { outside } = await browser.follow(new URL(location, transmitter.issuer).href);
        return outside?.searchParams.get('error');
      },
    };
  }
});
