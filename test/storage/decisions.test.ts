import { beforeAll, expect, it } from 'vitest';
import { newId } from '../../src/lib/crypto.ts';
import { answerReplay } from '../../src/oidc/provider.ts';
import type { Database } from '../../src/storage/db.ts';
import {
  type Decision,
  decisionBehind,
  decisionById,
  decisionsOf,
  decisionsSince,
  pruneDecisions,
} from '../../src/storage/decisions.ts';
import { oidcModels } from '../../src/storage/oidc-models.ts';
import { withDatabases } from '../support/databases.ts';
import { onReplay } from './oidc-models-support.ts';

function decision(changes: Partial<Decision> = {}): Decision {
  return {
    id: newId(),
    at: new Date(),
    accountId: 'a',
    clientId: 'library',
    sessionUid: 's',
    interaction: null,
    requestId: 'r',
    policyVersion: 3,
    outcome: 'met',
    level: 'urn:shimin:loa:1',
    acr: 'urn:shimin:loa:1',
    reason: null,
    request: { acrValues: ['urn:shimin:loa:1'], prompt: [] },
    ...changes,
  };
}

withDatabases('decisions', (makeDb) => {
  let database: Database;
  let models: ReturnType<typeof oidcModels>;
  beforeAll(async () => {
    database = await makeDb();
    models = oidcModels(database, { onReplay, answerReplay });
  });

  it('come back as they were, by id, by person, by time and by what a token rests on', async () => {
    const db = database.knex;
    const began = new Date(Date.now() - 5);
    const first = decision({ request: { acrValues: [], maxAge: 5, prompt: ['login'], scopes: ['openid'] } });
    const second = decision({ outcome: 'step_up', level: null, acr: null, interaction: 'i' });
    const third = decision({ clientId: 'social-insurance' });
    for (const each of [first, second, third]) await models.recordDecision(each);
    expect(await decisionById(db, first.id)).toEqual(first);
    expect(await decisionsOf(db, 'a', { limit: 2 })).toEqual([third, second]);
    expect(await decisionsOf(db, 'a', { limit: 2, before: second.id })).toEqual([first]);
    expect(await decisionsSince(db, { since: began, limit: 10 })).toEqual([first, second, third]);
    expect(await decisionsSince(db, { since: began, limit: 10, afterId: second.id })).toEqual([third]);
    const token = { accountId: 'a', clientId: 'library', sessionUid: 's', issuedAt: new Date() };
    expect(await decisionBehind(db, token)).toEqual(first);
    expect(await decisionBehind(db, { ...token, sessionUid: 'other' })).toBeNull();
    expect(await pruneDecisions(db, began)).toBe(0);
    expect(await pruneDecisions(db, new Date(Date.now() + 10))).toBe(3);
  });

  it('are written with what the request leaves behind, and not before', async () => {
    const db = database.knex;
    const made = decision({ accountId: 'b' });
    await models.requestScope()({}, async () => {
      await models.adapter('AccessToken').upsert('token', { jti: 'token', kind: 'AccessToken' }, 60);
      await models.recordDecision(made);
      expect(await decisionsOf(db, 'b', { limit: 1 })).toEqual([]);
    });
    expect(await decisionsOf(db, 'b', { limit: 1 })).toEqual([made]);
    expect(await models.adapter('AccessToken').find('token')).toMatchObject({ jti: 'token' });
  });
});
