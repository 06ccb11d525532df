import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { interactionPolicy, Provider } from 'oidc-provider';
import { demoClients, LEVELS, type Ports } from '../../simulators/apps/config.ts';

/** How the provider behaves when it is asked for an essential level. */
export type StepUp = 'meets' | 'falls-short' | 'refuses' | 'someone-else';

export interface TestProvider {
  readonly issuer: string;
  /** What the sign-in page would have decided. */
  readonly will: { acr: string; stepUp: StepUp; deny: boolean };
  readonly seen: { authorizations: URLSearchParams[]; refreshes: number };
  sign(payload: JWTPayload, header?: { typ?: string; alg?: string }): Promise<string>;
  close(): Promise<void>;
}

/** A real oidc-provider whose sign-in page answers by itself. */
export async function startTestProvider(ports: Partial<Ports>, listenPort = 0): Promise<TestProvider> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: 'test', alg: 'ES256', use: 'sig' };
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(listenPort, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  const issuer = `http://localhost:${port}`;
  const will: TestProvider['will'] = { acr: 'urn:shimin:loa:2', stepUp: 'meets', deny: false };
  const seen: TestProvider['seen'] = { authorizations: [], refreshes: 0 };

  const policy = interactionPolicy.base();
  const login = policy.get('login');
  // The engine compares acr by equality; ours (like Shimin's) asks once and lets the page decide.
  login?.checks.remove('essential_acr');
  login?.checks.remove('essential_acrs');
  login?.checks.add(
    new interactionPolicy.Check('step_up', 'a level is essential', 'unmet_authentication_requirements', (ctx) => {
      const asked = ctx.oidc.claims.id_token?.acr;
      return asked?.essential === true && ctx.oidc.result === undefined;
    }),
  );

  const provider = new Provider(issuer, {
    clients: demoClients(ports).map(({ names: _names, purpose: _purpose, ...metadata }) =>
      JSON.parse(JSON.stringify(metadata)),
    ),
    jwks: { keys: [jwk] },
    cookies: { keys: ['test'] },
    acrValues: [...LEVELS],
    claims: { openid: ['sub', 'acr', 'amr', 'auth_time'], profile: ['name'], phone: ['phone_number'] },
    subjectTypes: ['public', 'pairwise'],
    // A provider that confuses people at the token endpoint, after every check of the front channel has passed.
    pairwiseIdentifier: (ctx, accountId, client) => {
      const person = will.stepUp === 'someone-else' && ctx.oidc.route === 'token' ? 'stranger' : accountId;
      return `${client.clientId}-${person}-0123456789`;
    },
    features: {
      devInteractions: { enabled: false },
      claimsParameter: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = `<body>${form}</body>`;
        },
      },
    },
    interactions: { policy, url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    // The apps are on loopback, which the engine's dispatcher cuts off.
    fetch: (url: string | URL | Request, options?: RequestInit) => {
      const { method, headers, body, signal } = options ?? {};
      return fetch(url, {
        ...(method && { method }),
        ...(headers && { headers }),
        ...(body && { body }),
        ...(signal && { signal }),
      });
    },
    findAccount: (_ctx, accountId) => ({
      accountId,
      claims: () => ({ sub: accountId, name: '陈<小>明', phone_number: '+8613800000000' }),
    }),
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    async loadExistingGrant(ctx) {
      const { client, session } = ctx.oidc;
      if (client === undefined || session?.accountId === undefined) return undefined;
      const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid profile phone offline_access');
      await grant.save();
      return grant;
    },
  });
  provider.on('authorization.accepted', (ctx) => {
    seen.authorizations.push(
      new URLSearchParams(Object.entries(ctx.oidc.params ?? {}).map(([name, value]) => [name, String(value)])),
    );
  });
  provider.on('grant.success', (ctx) => {
    if (ctx.oidc.params?.grant_type === 'refresh_token') seen.refreshes += 1;
  });

  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) return next();
    const { prompt } = await provider.interactionDetails(ctx.req, ctx.res);
    const stepUp = prompt.reasons.includes('step_up');
    const finish = (result: object) =>
      provider.interactionFinished(ctx.req, ctx.res, { ...result }, { mergeWithLastSubmission: true });
    ctx.respond = false;
    if (will.deny) return finish({ error: 'access_denied', error_description: 'the person said no' });
    if (prompt.name === 'consent') return finish({ consent: {} });
    if (stepUp && will.stepUp === 'refuses') return finish({ error: 'unmet_authentication_requirements' });
    const acr = stepUp && will.stepUp !== 'falls-short' ? 'urn:shimin:loa:3' : will.acr;
    return finish({ login: { accountId: 'citizen', acr, amr: ['swk', 'user'] } });
  });
  server.on('request', provider.callback());

  return {
    issuer,
    will,
    seen,
    sign: (payload, header = {}) =>
      new SignJWT(payload)
        .setProtectedHeader({ alg: 'ES256', kid: 'test', typ: 'logout+jwt', ...header })
        .sign(privateKey),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
