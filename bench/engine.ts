import { createServer } from 'node:http';
import Provider, { type Adapter, errors } from 'oidc-provider';
import { up } from '../migrations/202611230940_oidc.ts';
import { connect } from '../src/storage/db.ts';
import { oidcModels } from '../src/storage/oidc-models.ts';
import { memoryAdapter } from './memory-adapter.ts';
import { benchClient, benchKey } from './setup.ts';

/**
 * `node bench/engine.ts <port> [database url]`: the bare engine, configured like Shimin's as far as the measured flows go, whose
 * sign-in page signs in at once. Without a database it keeps everything in memory: the yardstick. With one it uses Shimin's
 * storage and nothing else of Shimin: what the storage costs.
 */
const [port = '', url] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const database = url === undefined ? undefined : connect(url);
if (database) await up(database.knex);
const counts = { read: 0, write: 0 };
const models =
  database &&
  oidcModels(database, {
    onReplay: () => new errors.InvalidGrant('already used'),
    answerReplay: (ctx) => Object.assign(ctx as object, { status: 400, body: { error: 'invalid_grant' } }),
    onStatement: (kind) => {
      counts[kind] += 1;
    },
  });
const adapter: (name: string) => Adapter = models?.adapter ?? memoryAdapter();

let accounts = 0;
const provider = new Provider(issuer, {
  adapter,
  jwks: { keys: [benchKey] },
  cookies: { keys: ['bench '.repeat(6)] },
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  clients: [benchClient],
  features: { devInteractions: { enabled: false } },
  ttl: {
    AccessToken: 600,
    AuthorizationCode: 60,
    Grant: 86_400,
    IdToken: 600,
    Interaction: 600,
    RefreshToken: 86_400,
    Session: 86_400,
  },
  rotateRefreshToken: true,
  issueRefreshToken: async () => true,
  interactions: { url: (_ctx, interaction) => `/sign-in/${interaction.uid}` },
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: async () => ({ sub }) }),
  loadExistingGrant: async (ctx) => {
    const { client, session, provider: engine } = ctx.oidc;
    if (!client || !session?.accountId) return undefined;
    const existing = session.grantIdFor(client.clientId);
    if (existing) return engine.Grant.find(existing);
    const grant = new engine.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope('openid offline_access');
    await grant.save();
    return grant;
  },
  renderError: async (ctx, out) => {
    ctx.body = out;
  },
});
if (models) {
  provider.use(models.requestScope());
  Object.assign(provider.ReplayDetection, { unique: models.replayUnique });
}
const engine = provider.callback();
const server = createServer((req, res) => {
  if (req.url === '/counts') {
    res.end(JSON.stringify(counts));
  } else if (req.url?.startsWith('/sign-in/')) {
    accounts += 1;
    const finished = provider.interactionFinished(req, res, { login: { accountId: `account-${accounts}` } });
    finished.catch((error: unknown) => res.destroy(error instanceof Error ? error : undefined));
  } else {
    engine(req, res);
  }
});
server.listen(Number(port), '127.0.0.1', () => console.log(`ready ${issuer}`));
process.once('SIGTERM', () => process.exit(0));
