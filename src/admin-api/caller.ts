import type { Context } from 'koa';
import { appActor, rolesOfApp } from '../commands/app-roles.ts';
import { tryOnce } from '../commands/throttles.ts';
import { findApp, isEnabled } from '../storage/apps.ts';
import type { ApiDeps } from './deps.ts';
import type { Caller } from './operation.ts';
import { type Answer, challenge, problem } from './problem.ts';

/**
 * The app behind the bearer token in the header (RFC 6750 section 2.1, nowhere else): its own token, alive, for this
 * resource and with the scope. Its roles are read anew at each request, as those of people are.
 */
export async function callerOf(deps: ApiDeps, ctx: Context, requestId: string): Promise<Caller | { refused: Answer }> {
  const { scope, resource } = deps.address;
  const refuse = (status: 401 | 403, error: Parameters<typeof challenge>[1]) => ({
    refused: challenge(status, error, { scope, requestId }),
  });
  const header = ctx.get('Authorization');
  if (header === '') return refuse(401, null);
  const token = /^Bearer ([A-Za-z0-9._~+/-]{1,4096}=*)$/i.exec(header)?.[1];
  if (token === undefined) return refuse(401, 'invalid_token');
  const found = await deps.appOfToken(token);
  if (found === null) return refuse(401, 'invalid_token');
  const { clientId } = found;
  // The engine keeps what it knows of an app for a second; a disabled one is out at once.
  const app = await findApp(deps.db, clientId);
  if (app === null || !isEnabled(app)) return refuse(401, 'invalid_token');
  if (!found.scopes.has(scope)) return refuse(403, 'insufficient_scope');
  if (found.resource !== resource) return refuse(401, 'invalid_token');
  const { allowed, retryAfterSec } = await tryOnce(deps, 'apiClient', clientId);
  if (!allowed)
    return {
      refused: problem(429, 'too_many_requests', { headers: { 'Retry-After': `${retryAfterSec}` }, requestId }),
    };
  return {
    clientId,
    by: { accountId: appActor(clientId), cause: { requestId, clientId } },
    roles: rolesOfApp(app),
    locale: deps.i18n.negotiate({ acceptLanguage: ctx.get('Accept-Language') }),
  };
}
