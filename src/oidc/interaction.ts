import type { IncomingMessage, ServerResponse } from 'node:http';
import { UnsecuredJWT } from 'jose';
import type { Provider } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { ShiminError } from '../lib/errors.ts';
import { beganIn } from './browser-binding.ts';

/** The areas' whole view of one authorization request in progress. */
export interface Interaction {
  readonly uid: string;
  /** The same over a chain of interactions for one authorization request; authentication events carry it. */
  readonly cid: string;
  readonly prompt: { readonly name: string; readonly reasons: readonly string[] };
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly clientId: string;
  /** The account of the SSO session, if somebody is signed in. */
  readonly sessionAccountId: string | null;
  readonly sessionUid: string | null;
  readonly expiresAt: Date;
  /** True once the way to a voluntary level was offered and left. */
  readonly offered: boolean;
}

export interface Outcome {
  readonly accountId: string;
  /** The citizen agreed to what the app receives in this interaction. */
  readonly consented: boolean;
  /** A voluntary level was offered; answer with what was reached (OpenID Connect Core 5.5.1.1). */
  readonly offered: boolean;
}

interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/**
 * Finds the interaction that the engine's cookie and the address both name, for the browser that began it: `browser` is the
 * hash of its secret.
 * @throws ShiminError `interaction_expired` when unknown or over, `interaction_foreign` when of another browser,
 * `client_invalid` when its app is off or is not called back there any more
 */
export async function openInteraction(
  provider: Provider,
  exchange: Exchange,
  { uid, browser }: { uid: string; browser: string | null },
): Promise<Interaction> {
  let details: Awaited<ReturnType<Provider['interactionDetails']>>;
  try {
    details = await provider.interactionDetails(exchange.req, exchange.res);
  } catch (cause) {
    if (cause instanceof errors.SessionNotFound) throw new ShiminError('interaction_expired', { status: 400, cause });
    throw cause;
  }
  if (details.uid !== uid || !beganIn(details, browser)) throw new ShiminError('interaction_foreign', { status: 400 });
  const params: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(details.params))
    if (value !== undefined && value !== null) params[name] = String(value);
  // Switched off, or its address taken away, since the request was made: it ends in a page, before anything is asked.
  const client = await provider.Client.find(params.client_id ?? '');
  if (!client?.redirectUriAllowed(params.redirect_uri ?? '')) throw new ShiminError('client_invalid', { status: 400 });

  return {
    uid: details.uid,
    cid: details.cid,
    prompt: { name: details.prompt.name, reasons: details.prompt.reasons },
    params,
    clientId: params.client_id ?? '',
    sessionAccountId: details.session?.accountId ?? null,
    sessionUid: details.session?.uid ?? null,
    expiresAt: new Date(details.exp * 1000),
    offered: wasOffered(details.lastSubmission),
  };
}

/** Stores the outcome; answers the address at which the engine goes on with the request. */
export async function finishInteraction(
  provider: Provider,
  exchange: Exchange,
  outcome: Outcome,
  now: Date,
): Promise<string> {
  return provider.interactionResult(exchange.req, exchange.res, {
    login: { accountId: outcome.accountId, ts: Math.floor(now.getTime() / 1000) },
    ...(outcome.consented ? { consent: {} } : undefined),
    assurance: { offered: outcome.offered },
  });
}

const pushedForSec = 60;

/**
 * The app's request once more, as a new one: nothing that was shown in this one counts there. It goes the way of pushed
 * requests (RFC 9126), which every app may take, whatever way its own came.
 */
export async function repeatRequest(provider: Provider, exchange: Exchange, now: Date): Promise<string> {
  const details = await provider.interactionDetails(exchange.req, exchange.res);
  const { request, request_uri, dpop_jkt, claims, ...params } = details.params;
  const clientId = String(params.client_id);
  const seconds = Math.floor(now.getTime() / 1000);
  const pushed = new provider.PushedAuthorizationRequest({
    request: new UnsecuredJWT({
      ...params,
      ...(typeof claims === 'string' ? { claims: JSON.parse(claims) } : undefined),
    })
      .setIssuedAt(seconds)
      .setIssuer(clientId)
      .setAudience(provider.issuer)
      .setExpirationTime(seconds + pushedForSec)
      .setNotBefore(seconds)
      .encode(),
    ...(typeof dpop_jkt === 'string' ? { dpopJkt: dpop_jkt } : undefined),
    ...(details.trusted === undefined ? undefined : { trusted: details.trusted }),
  });
  const id = await pushed.save(pushedForSec);
  const query = new URLSearchParams({ client_id: clientId, request_uri: `urn:ietf:params:oauth:request_uri:${id}` });
  return `/auth?${query}`;
}

/** Ends the request with an error that the app receives (OpenID Connect Core 3.1.2.6). */
export async function refuseInteraction(
  provider: Provider,
  exchange: Exchange,
  error: 'access_denied' | 'unmet_authentication_requirements' | 'temporarily_unavailable',
  description: string,
): Promise<string> {
  return provider.interactionResult(exchange.req, exchange.res, { error, error_description: description });
}

/** Our own member of the result: a voluntary level was offered before. */
export function wasOffered(result: object | undefined): boolean {
  const assurance: unknown = result === undefined ? undefined : Reflect.get(result, 'assurance');
  return typeof assurance === 'object' && assurance !== null && Reflect.get(assurance, 'offered') === true;
}
