import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Clock } from '../lib/clock.ts';
import { newId } from '../lib/crypto.ts';
import type { Log } from '../lib/log.ts';
import type { Db } from '../storage/db.ts';
import type { Decision } from '../storage/decisions.ts';
import { currentPolicy } from '../storage/policies.ts';
import { acrRequest } from './request.ts';

/** The record of a decision about the request at hand, before its outcome. */
export function decisionOf(
  ctx: KoaContextWithOIDC,
  known: Pick<Decision, 'at' | 'accountId' | 'interaction' | 'policyVersion' | 'request'>,
): Omit<Decision, 'outcome' | 'level' | 'acr'> {
  const requestId = ctx.res.getHeader('x-request-id');
  return {
    ...known,
    id: newId(),
    clientId: ctx.oidc.client?.clientId ?? '',
    sessionUid: ctx.oidc.session?.uid ?? null,
    requestId: typeof requestId === 'string' ? requestId : null,
    reason: null,
  };
}

/** A request that ended with an error to the app is a decision too, where somebody was signed in. */
export function recordRefusals(
  provider: Provider,
  deps: { db: Db; clock: Clock; log: Log; recordDecision: (decision: Decision) => Promise<void> },
): void {
  provider.on('authorization.error', (ctx, error) => {
    const accountId = ctx.oidc.session?.accountId;
    if (!accountId || !ctx.oidc.client) return;
    const record = async () => {
      const { version } = await currentPolicy(deps.db);
      const interaction = ctx.oidc.entities.Interaction?.cid ?? null;
      const request = acrRequest(ctx.oidc.params ?? {});
      const about = { at: deps.clock(), accountId, interaction, policyVersion: version, request };
      const reason = error.message.slice(0, 64);
      await deps.recordDecision({ ...decisionOf(ctx, about), outcome: 'refused', level: null, acr: null, reason });
    };
    record().catch((cause: unknown) => deps.log.error({ err: cause }, 'a refusal was not recorded'));
  });
}
