import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PersonCategory } from '../../src/assurance/evidence.ts';
import { proofs, provedBy } from '../../src/assurance/worth.ts';
import type { CommandDeps } from '../../src/commands/command.ts';
import { openCounterCase } from '../../src/commands/counter-open.ts';
import { recordEvidence } from '../../src/commands/record-evidence.ts';
import { counterChecks } from '../../src/identity/counter.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { codeOf } from '../../src/storage/counter-cases.ts';
import { addDocument, personOf } from '../../src/storage/persons.ts';
import {
  admitAtLevelOne,
  type Known,
  type RelyingParty,
  registeredCitizen,
  relyingParty,
  showPasskey,
  signIn,
} from '../signals/citizens.ts';
import { accessToken, apiOf, caep, eventOf, registerReceiver, startPoller, until } from '../signals/support.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { databaseKinds, type FreshDatabase, freshDatabase } from '../support/databases.ts';
import { dayInYears } from '../support/days.ts';
import { csrfOf, Jar } from '../support/jar.ts';
import { ownNumber } from '../support/rows.ts';
import { openStaffroom, type Staffroom } from '../support/staff-http.ts';
import { chooseThere, signedInAt } from './area-support.ts';

interface Typed {
  readonly name: string;
  readonly documentType: string;
  readonly documentNumber: string;
  readonly birthDate: string;
  readonly category: PersonCategory;
}
const resident = (name: string, documentNumber: string): Typed => ({
  ...{ name, documentType: 'cn_resident_id', documentNumber, category: 'mainland' },
  birthDate: [documentNumber.slice(6, 10), documentNumber.slice(10, 12), documentNumber.slice(12, 14)].join('-'),
});
const permit = (name: string, documentNumber: string, birthDate: string): Typed => ({
  ...{ name, documentType: 'cn_hm_travel_permit', documentNumber, birthDate, category: 'hong_kong' },
});
const wish = (acr: string | null) =>
  JSON.stringify({
    userinfo: { verified_claims: { verification: { trust_framework: null }, claims: { name: null } } },
    ...(acr === null ? {} : { id_token: { acr: { essential: true, values: [acr] } } }),
  });
let phones = 100;

/** Name and number of somebody else were typed, and a register knows such a person: nothing else of it is the maker's. */
describe.each(databaseKinds)('an account made with the name and number of somebody else [%s]', (kind) => {
  let fresh: FreshDatabase;
  let city: TestCity;
  let room: Staffroom;
  let deps: CommandDeps;
  let app: RelyingParty;
  let poller: ReturnType<typeof startPoller>;

  beforeAll(async () => {
    fresh = await freshDatabase(kind);
    city = await startCity({ SHIMIN_DATABASE_URL: fresh.url });
    room = await openStaffroom(city);
    deps = { db: room.db, keyring: room.keyring, clock: systemClock };
    const scope = 'openid profile ssf.manage ssf.read';
    await registerReceiver(deps, 'probe', { scope });
    await registerReceiver(deps, 'reader', { scope, shimin_first_party: false });
    await admitAtLevelOne(deps, 'probe', 'reader');
    // Longer than a node believes the policy that it read.
    await new Promise((done) => setTimeout(done, 1_100));
    app = relyingParty(city.issuer, 'probe');
    const token = await accessToken(city.issuer, 'probe');
    const { body } = await apiOf(city.issuer, token)('POST', '/ssf/stream', {
      delivery: { method: 'urn:ietf:rfc:8936' },
    });
    poller = startPoller(city.issuer, 'probe', token, body.delivery.endpoint_url);
  });
  afterAll(async () => {
    await poller?.close();
    await room?.close();
    await city?.close();
    await fresh?.remove();
  });

  const cause = { requestId: null, clientId: 'test' };
  const claim = (accountId: string, claims: Typed, tied = false) => {
    const proof = claims.category === 'mainland' ? proofs.population : proofs['exit-entry'];
    const facts = { category: claims.category, expiresAt: null, reference: `r-${claims.documentNumber}` };
    return recordEvidence(deps, {
      ...{ accountId, claims, cause },
      facts: { ...(tied ? ownNumber : provedBy(proof)), ...facts },
    });
  };
  async function trap(claims: Typed): Promise<Omit<Known, 'resident'>> {
    phones += 1;
    const made = await registeredCitizen(deps, phones);
    await claim(made.accountId, claims);
    return made;
  }
  const rows = (table: string, accountId: string) => room.db(table).where({ account_id: accountId });

  it.each([
    ['a foreign one', 'singpass', 'tan-wei-ming', resident('谭伟明', '440305198001201215'), 'TAN WEI MING'],
    ['one of Hong Kong', 'iam-smart', 'chan-tai-man', permit('CHAN SIU MING', 'H10076543', '1985-03-03'), '陳大文'],
    ['one without a Chinese name', 'iam-smart', 'smith-john', permit('林小明', 'H10076544', '1978-05-01'), 'SMITH'],
    [
      'the same category and birthday',
      'iam-smart',
      'chan-tai-man',
      permit('林小明', 'H10076545', '1985-03-03'),
      '陳大文',
    ],
  ])('takes no identity of its maker’s own: %s', async (_what, bridge, person, typed, own) => {
    const { accountId, citizen } = await trap(typed);
    const before = await personOf(deps.db, deps.keyring, accountId);
    const { browser, csrf } = await signedInAt(city.issuer, citizen, '/account/identities');
    const left = await browser.post(`/account/identities/${bridge}/start`, { _csrf: csrf });
    const back = await chooseThere(left, person);
    const answer = await browser.follow(back.pathname + back.search);
    expect(answer.body).toMatch(/role="alert"/);
    expect(await rows('external_identities', accountId)).toEqual([]);
    expect(await personOf(deps.db, deps.keyring, accountId)).toEqual(before);
    expect(await rows('audit', accountId).where({ type: 'identity.refused' })).toMatchObject([
      { reason: 'identity_mismatch', outcome: 'refused' },
    ]);

    // No real name, let alone a real person; and neither name is told of anybody.
    for (const level of [2, 3]) {
      const asked = await browser.follow(
        app.authorizePath({ claims: wish(`urn:shimin:loa:${level}`) }),
        (at) => at.port === '9',
      );
      expect([level, asked.at.pathname.split('/')[1]]).toEqual([level, 'interaction']);
    }
    const { outside } = await (await showPasskey(city.issuer, app, { citizen })).browser.follow(
      app.authorizePath({ scope: 'openid profile', claims: wish(null), prompt: 'none' }),
    );
    const tokens = await app.exchange(outside?.searchParams.get('code') ?? '');
    const told = [
      (await app.userinfo(tokens.access_token)).body,
      await app.introspect(tokens.access_token),
      JSON.parse(`${Buffer.from(tokens.id_token.split('.')[1] ?? '', 'base64url')}`),
    ];
    for (const each of told) {
      expect(each).toMatchObject({ acr: 'urn:shimin:loa:1', assurance: { ial: 0 } });
      expect(each).not.toHaveProperty('name');
      expect(each).not.toHaveProperty('verified_claims');
      for (const name of [typed.name, own]) expect(JSON.stringify(each)).not.toContain(name);
    }
  });

  it('does not get its owner’s sign-in at an upstream: they are asked whose account it is', async () => {
    const made = await trap(resident('李晓明', '440305198806151219'));
    const browser = new Jar(city.issuer);
    const { at, body } = await browser.follow(app.authorizePath());
    const left = await browser.post(`${at.pathname}/bridge/guangdong/start`, { _csrf: csrfOf(body) });
    const back = await chooseThere(left, 'li-xiaoming');
    const answer = await browser.follow(back.pathname + back.search);
    expect([answer.at.pathname, answer.status]).toEqual([at.pathname, 200]);
    expect(answer.body).toContain('show=sign-in');
    expect(answer.body).toContain('show=register');
    expect(await rows('external_identities', made.accountId)).toEqual([]);
    expect(await rows('authentication_events', made.accountId)).toEqual([]);
    expect(await rows('evidence', made.accountId).where({ kind: 'upstream' })).toEqual([]);
  });

  it('is shown to support as what it is, and no app is shown its name where people agree to what is passed on', async () => {
    const { accountId, citizen } = await trap(resident('陈嘉怡', '440305199502282425'));
    const support = await room.desk(['support']);
    const pageOf = async () => {
      await support.post('/admin/people/find', { kind: 'account', value: accountId, reason: 'citizen_called' });
      return (await support.get(`/admin/people/${accountId}`, 'text/html')).text();
    };
    expect(await pageOf()).toMatch(/id="untied">Name and number only/);
    const reader = relyingParty(city.issuer, 'reader');
    const request = { scope: 'openid profile' };
    const { browser } = await signIn(city.issuer, app, { citizen });
    const consent = async () => (await browser.follow(reader.authorizePath(request))).page?.body ?? '';
    expect(await consent()).toContain('/consent"');
    expect(await consent()).not.toContain('陈嘉怡');

    // Another record of the same person, and what ties them to it: that one’s name is what the app would get.
    const told = { name: '陳嘉儀', birthDate: '1995-02-28' };
    const [passport] = [{ type: 'passport', number: 'E55566677' }];
    const record = await deps.db.transaction((tx) =>
      addDocument(tx, deps.keyring, { accountId, ...passport, at: new Date(), told }),
    );
    const officials = {
      ...provedBy(proofs.counter_two),
      category: 'mainland',
      expiresAt: null,
      reference: null,
    } as const;
    await recordEvidence(deps, { accountId, facts: officials, record, actor: { kind: 'system', id: 'test' }, cause });
    expect(await pageOf()).not.toContain('id="untied"');
    expect(await consent()).toContain('陳嘉儀');
    expect(await consent()).not.toContain('陈嘉怡');
  });

  it('is won back at the desk: its sessions and tokens are dead, its apps are told, and its identity is the holder’s', async () => {
    const ouyang = resident('欧阳雪', '440305199908082263');
    const loser = await trap(ouyang);
    await claim(loser.accountId, ouyang, true);
    const { browser, tokens, subject } = await signIn(city.issuer, app, loser);
    expect(await app.introspect(tokens.access_token)).toMatchObject({ active: true, assurance: { ial: 1 } });
    phones += 1;
    const holder = await registeredCitizen(deps, phones);
    const found = await openCounterCase(deps, { accountId: holder.accountId, officials: 2, cause });
    const code = (await codeOf(deps.db, deps.keyring, found)) ?? '';
    const entry = {
      ...{ as: 'mainland.cn_resident_id', number: ouyang.documentNumber, name: ouyang.name },
      ...{ birthDate: ouyang.birthDate, validUntil: dayInYears(9) },
      ...Object.fromEntries(counterChecks.map((check) => [`check_${check}`, 'on'])),
    };
    const confirms = async () => {
      const clerk = await room.desk(['clerk']);
      await clerk.post('/admin/counter/seat', { counter: 'civic-centre-1' });
      expect((await clerk.post('/admin/counter/take', { code })).status).toBe(303);
      expect((await clerk.post(`/admin/counter/cases/${found.id}/confirm`, entry)).status).toBe(303);
    };
    await confirms();
    // One official alone takes nothing.
    expect(await app.introspect(tokens.access_token)).toMatchObject({ active: true, assurance: { ial: 1 } });
    await confirms();

    expect(await app.introspect(tokens.access_token)).toEqual({ active: false });
    expect(await app.introspect(tokens.refresh_token)).toEqual({ active: false });
    expect((await app.userinfo(tokens.access_token)).status).toBe(401);
    const { outside } = await browser.follow(app.authorizePath({ prompt: 'none' }));
    expect(outside?.searchParams.get('error')).toBe('login_required');
    const types = () =>
      poller.received
        .filter(({ claims }) => Reflect.get(Object(claims.sub_id), 'sub') === subject)
        .map(({ claims }) => eventOf(claims)?.type ?? '');
    await until(() => types().length >= 2);
    expect(types()).toEqual(expect.arrayContaining([caep('session-revoked'), caep('assurance-level-change')]));
    expect(await personOf(deps.db, deps.keyring, loser.accountId)).toBeNull();
    expect(await personOf(deps.db, deps.keyring, holder.accountId)).toMatchObject({ name: '欧阳雪' });
    // Signed in anew the loser is nobody by name.
    const anew = await signIn(city.issuer, app, loser);
    expect(await app.introspect(anew.tokens.access_token)).toMatchObject({ active: true, assurance: { ial: 0 } });
  });
});
