import { beforeAll, describe, expect, it } from 'vitest';
import { acceptedEvents, acceptedEvidence, anything } from '../../src/assurance/accepted.ts';
import { upstreamFacts } from '../../src/assurance/upstream-facts.ts';
import { bridgeModules } from '../../src/bridges/index.ts';
import { linkIdentity, unlinkIdentity } from '../../src/commands/link-identity.ts';
import { newId, randomToken } from '../../src/lib/crypto.ts';
import { insertPasskey } from '../../src/storage/authenticators.ts';
import type { Db } from '../../src/storage/db.ts';
import { evidenceOf } from '../../src/storage/evidence.ts';
import { findIdentity, identitiesOf, insertIdentity, subjectBlind } from '../../src/storage/external-identities.ts';
import { adoptEvents, eventsOfSession } from '../../src/storage/sessions.ts';
import { withDatabases } from '../support/databases.ts';
import { storedAccount, testKeyring } from '../support/rows.ts';

const cause = { requestId: null, clientId: 'account' };
const now = new Date();

describe('what an upstream says of itself', () => {
  const lie = {
    subjects: [{ part: 'openid', of: ['app', 'x'] as const }],
    level: 'superior',
    authTime: new Date(now.getTime() + 3_600_000),
    claims: { name: '李晓明', documentType: 'cn_resident_id', documentNumber: '440305198806151219' },
  };
  it('D14 counts no more than its own ceiling, and nothing for an app that does not take it', () => {
    const wechat = bridgeModules.find(({ traits }) => traits.id === 'wechat');
    const { evidence, event } = upstreamFacts(wechat?.traits ?? never(), null, lie, now);
    expect(evidence).toBeNull();
    expect(event?.factors).toHaveLength(1);
    expect(event?.at).toEqual(now);

    const openid = bridgeModules.find(({ traits }) => traits.id === 'openid');
    const capped = upstreamFacts(openid?.traits ?? never(), { identity: 'fair', factors: 1 }, lie, now);
    expect(capped.evidence?.strength).toBe('fair');
    expect(capped.event).toMatchObject({ factors: ['possession'], phishingResistant: false, userVerified: false });

    const denied = { ...anything, sources: { allow: null, deny: ['openid'] } };
    const row = capped.evidence && { ...capped.evidence, id: '1', recordedAt: now, revokedAt: null };
    expect(acceptedEvidence(denied, row ? [row] : [])).toEqual([]);
    expect(acceptedEvents(denied, [{ method: 'bridge', credentialId: 'openid:1' }])).toEqual([]);
    expect(acceptedEvents(denied, [{ method: 'passkey', credentialId: 'openid:1' }])).toHaveLength(1);
  });
});

function never(): never {
  throw new Error('no such bridge');
}

withDatabases('identities', (makeDb) => {
  let db: Db;
  beforeAll(async () => {
    ({ knex: db } = await makeDb());
  });
  const deps = () => ({ db, clock: () => new Date(), keyring: testKeyring });

  it('D12 the same id at two upstreams, of two kinds, or in another case is another person; a blank one is nobody’s', async () => {
    const { id } = await storedAccount(db);
    const subjects = [{ part: 'openid', of: ['app', 'oAbC'] as const }];
    await db.transaction((tx) =>
      insertIdentity(tx, testKeyring, { accountId: id, bridge: 'wechat', subjects, at: new Date() }),
    );
    const find = (bridge: string, part: string, ...of: [string, ...string[]]) =>
      findIdentity(db, testKeyring, bridge, [{ part, of }]);
    expect(await find('wechat', 'openid', 'app', 'oAbC')).toMatchObject({ accountId: id });
    expect(await find('alipay', 'openid', 'app', 'oAbC')).toBeNull();
    expect(await find('wechat', 'unionid', 'app', 'oAbC')).toBeNull();
    expect(await find('wechat', 'openid', 'other', 'oAbC')).toBeNull();
    expect(await find('wechat', 'openid', 'app', 'oabc')).toBeNull();
    expect(await find('wechat', 'openid', 'app', 'oAbC ')).toBeNull();
    // Parts are told apart: ["ap", "poAbC"] is not ["app", "oAbC"].
    expect(await find('wechat', 'openid', 'ap', 'poAbC')).toBeNull();
    expect(() => subjectBlind(testKeyring, 'wechat', { part: 'openid', of: ['app', ' '] })).toThrow();
    expect(() => subjectBlind(testKeyring, 'wechat', { part: '', of: ['app', 'x'] })).toThrow();
  });

  it('D15 the last way in stays; another one goes with its proof and with every session that it opened', async () => {
    const { id } = await storedAccount(db);
    const facts = {
      bridge: 'singpass',
      subjects: [{ part: 'sub', of: ['app', id] as const }],
      supersedes: false,
      claims: { name: 'TAN WEI MING', documentType: 'sg_nric', documentNumber: `S${id.slice(-8)}` },
      event: {
        method: 'bridge' as const,
        at: new Date(),
        factors: ['possession', 'inherence'] as const,
        userVerified: false,
        phishingResistant: false,
        deviceBound: false,
      },
      evidence: {
        kind: 'upstream' as const,
        source: 'singpass',
        strength: 'strong' as const,
        category: null,
        confirmed: ['name', 'document_number'],
        expiresAt: null,
      },
    };
    const interaction = newId();
    await linkIdentity(deps(), { accountId: id, facts, ground: { kind: 'new_account' }, interaction, cause });
    await adoptEvents(db, { interactionUid: interaction, accountId: id, sessionUid: 'session-1', at: new Date() });
    const [linked] = await identitiesOf(db, id);
    const unlink = () => unlinkIdentity(deps(), { accountId: id, id: linked?.id ?? '', cause });
    await expect(unlink()).rejects.toMatchObject({ code: 'last_way_in' });
    expect(await identitiesOf(db, id)).toHaveLength(1);
    expect(await eventsOfSession(db, 'session-1')).toHaveLength(1);

    await insertPasskey(db, {
      id: newId(),
      accountId: id,
      credentialId: randomToken(),
      publicKey: Buffer.from([1]),
      counter: 0,
      transports: [],
      backupEligible: false,
      backupState: false,
      userVerifiedAtRegistration: true,
      aaguid: '00000000-0000-0000-0000-000000000000',
      name: '',
      createdAt: new Date(),
    });
    // Somebody else's id is nobody's to remove.
    const { id: other } = await storedAccount(db);
    expect(await unlinkIdentity(deps(), { accountId: other, id: linked?.id ?? '', cause })).toBe(false);
    expect(await unlink()).toBe(true);
    expect(await identitiesOf(db, id)).toEqual([]);
    expect(await eventsOfSession(db, 'session-1')).toEqual([]);
    expect(new Set((await evidenceOf(db, id)).map(({ revokedAt }) => revokedAt !== null))).toEqual(new Set([true]));
  });
});
