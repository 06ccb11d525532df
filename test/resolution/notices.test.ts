import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { outboxRoutes } from '../../simulators/outbox/routes.ts';
import { linkIdentity, unlinkIdentity } from '../../src/commands/link-identity.ts';
import { noticeKinds, notify } from '../../src/commands/notify.ts';
import { createI18n } from '../../src/i18n/index.ts';
import { createLog } from '../../src/lib/log.ts';
import { smsGateway } from '../../src/lib/sms.ts';
import { createUpstream } from '../../src/lib/upstream.ts';
import { startNotices } from '../../src/notices.ts';
import { insertContact } from '../../src/storage/accounts.ts';
import { setPassword } from '../../src/storage/authenticators.ts';
import type { Db } from '../../src/storage/db.ts';
import { identitiesOf } from '../../src/storage/external-identities.ts';
import { withDatabases } from '../support/databases.ts';
import { storedAccount, testKeyring } from '../support/rows.ts';

let server: Server;
let url = '';
beforeAll(async () => {
  const app = new Koa();
  app.use(outboxRoutes({ token: 'demo-sms-token' }).router.routes());
  server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  url = `http://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const sentTo = async (phone: string): Promise<string[]> => {
  const response = await fetch(`${url}/outbox?to=${encodeURIComponent(phone)}`, {
    headers: { accept: 'application/json' },
  });
  const messages: { text: string }[] = await response.json();
  return messages.map(({ text }) => text);
};
const until = async (ready: () => Promise<boolean>) => {
  for (let i = 0; i < 200 && !(await ready()); i += 1) await new Promise((resolve) => setTimeout(resolve, 50));
};

const i18n = createI18n();
const cause = { requestId: null, clientId: 'account' };
let last = 13_900_000_000;

withDatabases('notices', (makeDb) => {
  let db: Db;
  beforeAll(async () => {
    ({ knex: db } = await makeDb());
  });
  const deps = () => ({ db, clock: () => new Date(), keyring: testKeyring });
  const start = () =>
    startNotices({
      ...deps(),
      log: createLog({ level: 'silent' }),
      onSetAside: () => undefined,
      i18n,
      sendSms: smsGateway({
        url: `${url}/sms`,
        token: 'demo-sms-token',
        allowLoopback: true,
        upstream: createUpstream('sms', { breakAfter: 1_000 }),
      }),
    });
  const citizen = async (locale: string) => {
    last += 1;
    const phone = `+86${last}`;
    const { id } = await storedAccount(db, { locale });
    await insertContact(db, testKeyring, { accountId: id, kind: 'phone', value: phone, confirmedAt: new Date() });
    await setPassword(db, { accountId: id, hash: 'x', createdAt: new Date() });
    return { id, phone };
  };
  const facts = (subject: string) => ({
    bridge: 'wechat',
    subjects: [{ part: 'openid', of: ['app', subject] as const }],
    supersedes: false,
    claims: {},
    event: null,
    evidence: null,
  });

  it('tell every contact in the account’s language what was linked, once, with nothing personal and no link', async () => {
    const { id, phone } = await citizen('pt');
    const notices = start();
    await linkIdentity(deps(), {
      accountId: id,
      facts: facts(id),
      ground: { kind: 'new_account' },
      interaction: null,
      cause,
    });
    await until(async () => (await sentTo(phone)).length > 0);
    // Linked already: nothing new to tell.
    await linkIdentity(deps(), {
      accountId: id,
      facts: facts(id),
      ground: { kind: 'new_account' },
      interaction: null,
      cause,
    });
    await notices.settled(2_000);
    await notices.stop();
    const [text = '', ...more] = await sentTo(phone);
    expect(more).toEqual([]);
    expect(text).toContain('WeChat');
    expect(text).not.toMatch(/https?:|\d{6,}/);
    expect(await db('outbox').where({ kind: 'notice' })).toEqual([]);
  });

  it('are sealed while they wait, go out when the gateway is back, and come once', async () => {
    const { id, phone } = await citizen('zh-Hans');
    await fetch(`${url}/sms/_control`, { method: 'PUT', body: JSON.stringify({ fault: 'http500', times: 2 }) });
    await db.transaction((tx) => notify(tx, deps(), { accountId: id, kind: 'passkey_removed', at: new Date() }));
    const [waiting] = await db('outbox').where({ kind: 'notice' });
    expect(JSON.stringify(waiting)).not.toContain(phone.slice(3));
    const notices = start();
    await until(async () => (await sentTo(phone)).length > 0);
    await notices.settled(2_000);
    await notices.stop();
    expect(await sentTo(phone)).toHaveLength(1);
  });

  it('are not sent for what did not happen', async () => {
    const { id, phone } = await citizen('en');
    await linkIdentity(deps(), {
      accountId: id,
      facts: facts(id),
      ground: { kind: 'new_account' },
      interaction: null,
      cause,
    });
    const [linked] = await identitiesOf(db, id);
    // The last way in: refused, and with it its notice.
    await expect(unlinkIdentity(deps(), { accountId: id, id: linked?.id ?? '', cause })).rejects.toMatchObject({
      code: 'last_way_in',
    });
    const notices = start();
    await until(async () => (await sentTo(phone)).length > 0);
    await notices.settled(2_000);
    await notices.stop();
    expect(await sentTo(phone)).toHaveLength(1);
  });
});

it('has a text of each kind that fits one message, in every language', () => {
  for (const locale of i18n.locales)
    for (const kind of noticeKinds)
      expect(i18n.t(locale, `notices.${kind}`, { name: 'Singpass' }).length).toBeLessThan(210);
});
