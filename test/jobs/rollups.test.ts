import { beforeAll, expect, it } from 'vitest';
import { rollUp } from '../../src/jobs/rollups.ts';
import { newId } from '../../src/lib/crypto.ts';
import { answerReplay } from '../../src/oidc/provider.ts';
import { append } from '../../src/storage/audit.ts';
import { countsSince } from '../../src/storage/daily-counts.ts';
import type { Database } from '../../src/storage/db.ts';
import { finishVisit, noteVisit } from '../../src/storage/journey-visits.ts';
import { oidcModels } from '../../src/storage/oidc-models.ts';
import { onReplay } from '../storage/oidc-models-support.ts';
import { withDatabases } from '../support/databases.ts';

const past = new Date(Date.now() - 3_600_000);

withDatabases('counts a day', (makeDb) => {
  let database: Database;
  beforeAll(async () => {
    database = await makeDb();
  });
  const clock = () => new Date();
  /** Two processes at once, again and again until nothing is left. */
  const rollUpTwice = async () => {
    const deps = { db: database.knex, clock };
    for (let round = 0; round < 6; round += 1) await Promise.all([rollUp(deps), rollUp(deps)]);
  };

  it('count each decision once, whoever counts and however often', async () => {
    const models = oidcModels(database, { onReplay, answerReplay });
    for (let i = 0; i < 30; i += 1) {
      await models.recordDecision({
        id: newId(),
        at: past,
        accountId: 'a',
        clientId: i % 3 === 0 ? 'library' : 'social-insurance',
        sessionUid: null,
        interaction: null,
        requestId: null,
        policyVersion: 1,
        outcome: i % 2 === 0 ? 'met' : 'step_up',
        level: i % 2 === 0 ? 'one' : null,
        acr: null,
        reason: null,
        request: { acrValues: [], prompt: [] },
      });
    }
    await rollUpTwice();
    const counts = await countsSince(database.knex, 'signin', 0);
    expect(counts.map(({ a, b, c, count }) => [a, b, c, count])).toEqual([
      ['library', 'met', 'one', 5],
      ['library', 'step_up', '', 5],
      ['social-insurance', 'met', 'one', 10],
      ['social-insurance', 'step_up', '', 10],
    ]);
  });

  it('count sign-ins by method from the audit', async () => {
    const event = (type: 'authentication.succeeded' | 'authentication.failed', methods: string[]) =>
      append(database.knex, {
        at: past,
        type,
        actor: { kind: 'citizen', id: 'a' },
        accountId: 'a',
        clientId: 'library',
        requestId: null,
        outcome: type === 'authentication.succeeded' ? 'ok' : 'refused',
        reason: null,
        data: { methods },
      });
    await event('authentication.succeeded', ['password', 'totp']);
    await event('authentication.failed', ['totp']);
    await rollUpTwice();
    const counts = await countsSince(database.knex, 'method', 0);
    expect(counts.map(({ a, b, count }) => [a, b, count])).toEqual([
      ['password', 'ok', 1],
      ['totp', 'ok', 1],
      ['totp', 'refused', 1],
    ]);
  });

  it('say on which page people left, once they can not come back', async () => {
    const db = database.knex;
    const visit = (cid: string, page: string, at: Date) => noteVisit(db, { cid, clientId: 'library', page, at });
    await visit('left', 'sign-in', past);
    await visit('left', 'prove-face', past);
    await visit('ended', 'sign-in', past);
    await finishVisit(db, 'ended', past);
    await visit('ended', 'sign-in', past);
    await visit('under way', 'sign-in', new Date());
    await rollUpTwice();
    const counts = await countsSince(db, 'journey', 0);
    expect(counts.map(({ a, b, c, count }) => [a, b, c, count])).toEqual([
      ['library', 'ended', '', 1],
      ['library', 'left', 'prove-face', 1],
    ]);
    expect(await db('journey_visits').select('cid')).toEqual([{ cid: 'under way' }]);
  });
});
