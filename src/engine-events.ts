import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Clock } from './lib/clock.ts';
import type { Log } from './lib/log.ts';
import type { Metrics } from './ops/metrics.ts';
import { append } from './storage/audit.ts';
import type { Db } from './storage/db.ts';

const counted = {
  'authorization.success': ['authorization', 'ok'],
  'authorization.error': ['authorization', 'error'],
  'grant.success': ['grant', 'ok'],
  'grant.error': ['grant', 'error'],
  'interaction.started': ['interaction', 'started'],
  'interaction.ended': ['interaction', 'ended'],
  'backchannel.success': ['backchannel_logout', 'ok'],
  'backchannel.error': ['backchannel_logout', 'error'],
  'end_session.success': ['end_session', 'ok'],
  'pushed_authorization_request.success': ['pushed_authorization_request', 'ok'],
  'introspection.error': ['introspection', 'error'],
  server_error: ['server', 'error'],
} as const;

/** Engine events to metrics and log; those that matter to a citizen to the audit. */
export function observeEngine(provider: Provider, deps: { metrics: Metrics; log: Log; db: Db; clock: Clock }): void {
  for (const [event, [type, outcome]] of Object.entries(counted)) {
    provider.on(event as 'server_error', () => deps.metrics.event(type, outcome));
  }
  provider.on('server_error', (ctx, error) =>
    deps.log.error(
      { err: error, route: ctx.oidc?.route, requestId: ctx.res.getHeader('x-request-id') },
      'engine failed',
    ),
  );
  provider.on('backchannel.error', (_ctx, error, client) =>
    deps.log.warn({ err: error, clientId: client.clientId }, 'back-channel logout not delivered'),
  );
  provider.on('end_session.success', (ctx) => {
    noteSignOut(ctx, deps).catch((error: unknown) => deps.log.error({ err: error }, 'sign-out not audited'));
  });
}

async function noteSignOut(ctx: KoaContextWithOIDC, deps: { db: Db; clock: Clock }): Promise<void> {
  const accountId = ctx.oidc.session?.accountId;
  if (!accountId) return;
  await append(deps.db, {
    at: deps.clock(),
    type: 'session.ended',
    actor: { kind: 'citizen', id: accountId },
    accountId,
    clientId: ctx.oidc.client?.clientId ?? null,
    requestId: null,
    outcome: 'ok',
    reason: null,
    data: { count: 1, scope: 'sign_out' },
  });
}
