import { beforeAll, expect, it } from 'vitest';
import type { AppSettings } from '../../src/commands/app-settings.ts';
import type { By } from '../../src/commands/change-rules.ts';
import { decideChange } from '../../src/commands/decide-change.ts';
import {
  changeApp,
  createApp,
  revisionOf,
  rotateSecret,
  type Saved,
  switchApp,
} from '../../src/commands/manage-app.ts';
import { consentsFor, streamHealth, waitingByApp } from '../../src/storage/app-facts.ts';
import { findApp, isEnabled } from '../../src/storage/apps.ts';
import { saveConsent, withdrawConsent } from '../../src/storage/consents.ts';
import type { Database } from '../../src/storage/db.ts';
import { enqueue } from '../../src/storage/outbox.ts';
import { insertStream } from '../../src/storage/signal-streams.ts';
import { withDatabases } from '../support/databases.ts';
import { later, storedAccount, t0, testKeyring } from '../support/rows.ts';
import { type Office, openOffice } from './staff-support.ts';

const inFour = (text: string) => ({ 'zh-Hans': text, 'zh-Hant': text, en: text, pt: text });
const settings: AppSettings = {
  name: inFour('Parks'),
  purpose: inFour('to book a pitch'),
  ownerName: 'Parks department',
  applicationType: 'web',
  redirectUris: ['https://parks.example/back'],
  postLogoutUris: [],
  clientUri: null,
  logoUri: null,
  authMethod: 'client_secret_basic',
  jwks: null,
  jwksUri: null,
  backchannelLogoutUri: null,
  sectorIdentifierUri: null,
  scopes: [],
  refreshTokens: true,
  firstParty: false,
};
const judge = { rules: { allowLoopback: false }, check: () => null };

withDatabases('what the console knows of an app', (makeDb) => {
  let database: Database;
  let office: Office;
  let by: By;
  let second: By;
  beforeAll(async () => {
    database = await makeDb();
    office = await openOffice(database.knex);
    by = await office.member('app_admin');
    second = await office.member('owner');
  });
  const db = () => database.knex;
  const app = async () => {
    const found = await findApp(db(), 'parks');
    if (found === null) throw new Error('no app');
    return found;
  };

  const approve = async ({ change }: Saved) => {
    if (change === null) throw new Error('nothing to approve');
    const { id, revision } = change;
    await decideChange(office.deps, { by: second, id, revision, decision: 'approve', reason: '' });
  };

  it('proposes a new app once, however many try at once, and tells its secret to one of them', async () => {
    const tries = Array.from({ length: 5 }, () => createApp(office.deps, { by, id: 'parks', settings, judge }));
    const results = await Promise.all(tries);
    expect(new Set(results.map(({ change }) => change?.id)).size).toBe(1);
    expect(results.filter(({ secret }) => secret !== null)).toHaveLength(1);
    expect(await findApp(db(), 'parks')).toBeNull();
    await approve(results[0] ?? { change: null, secret: null, again: false });
    expect((await app()).ownerName).toBe('Parks department');
  });

  it('lets one of two who saw the same settings change them', async () => {
    const revision = revisionOf(await app());
    const change = (ownerName: string) =>
      changeApp(office.deps, { by, id: 'parks', revision, settings: { ...settings, ownerName }, judge });
    const results = await Promise.allSettled([change('One'), change('Two')]);
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'draft_conflict' } });
  });

  it('rotates its secret and switches it off and on', async () => {
    const before = (await app()).metadata.client_secret;
    const proposed = await rotateSecret(office.deps, { by, id: 'parks', overlapHours: 1 });
    expect((await app()).metadata.client_secret).toBe(before);
    await approve(proposed);
    const { metadata } = await app();
    expect(metadata.client_secret).not.toBe(before);
    expect(metadata.shimin_retiring_secret).toEqual({ hash: before, until: t0.getTime() + 3_600_000 });
    await switchApp(office.deps, { by, id: 'parks', enabled: false });
    expect(isEnabled(await app())).toBe(false);
    await switchApp(office.deps, { by, id: 'parks', enabled: true });
    expect(isEnabled(await app())).toBe(true);
  });

  it('counts consents in force', async () => {
    const people = await Promise.all([1, 2, 3].map(() => storedAccount(db())));
    for (const { id: accountId } of people)
      await saveConsent(db(), { accountId, clientId: 'parks', scopes: ['openid'], claims: [], givenAt: t0 });
    await withdrawConsent(db(), people[0]?.id ?? '', 'parks', later(1));
    expect([await consentsFor(db(), 'parks'), await consentsFor(db(), 'pools')]).toEqual([2, 0]);
  });

  it('tells what waits from what fails', async () => {
    for (const target of ['parks', 'parks', 'pools'])
      await enqueue(db(), { kind: 'kind', target, payload: {}, at: t0 }, testKeyring);
    expect(await waitingByApp(db(), 'another')).toEqual(new Map());
    await db()('outbox').where({ target: 'pools' }).update({ attempts: 2 });
    expect(await waitingByApp(db(), 'kind')).toEqual(
      new Map([
        ['parks', { waiting: 2, failing: 0 }],
        ['pools', { waiting: 1, failing: 1 }],
      ]),
    );
  });

  it('tells how event streams stand', async () => {
    expect(await streamHealth(db())).toEqual([]);
    const push = { method: 'push' as const, endpointUrl: 'https://parks.example/events', authorization: null };
    const rest = { eventsRequested: null, description: null };
    const id = await insertStream(db(), testKeyring, 'parks', { ...push, ...rest }, t0);
    expect(await streamHealth(db())).toEqual([
      { clientId: 'parks', method: 'push', status: 'enabled', waiting: 0, failing: false },
    ]);
    await db()('signal_streams').where({ id }).update({ push_attempts: 3 });
    expect(await streamHealth(db())).toMatchObject([{ failing: true }]);
  });
});
