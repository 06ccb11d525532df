import type { Registration } from './registration.ts';

/** An error as the PAR endpoint tells it. */
export interface Refusal {
  readonly error: string;
  readonly error_description: string;
}

const WORDS = /^[A-Za-z0-9/+_\-=.]+$/;
const MESSAGE = /^[A-Za-z0-9 .,\-@'!()]{1,100}$/;
const CONTEXT =
  /^(?:APP_(?:AUTHENTICATION|PAYMENT|ACCOUNT_PASSWORD_CHANGE|ACCOUNT_PASSWORD_RESET|ACCOUNT_DETAILS_CHANGE|ONBOARDING)_DEFAULT|(?:BANK|CPF|FI|TELCO)_[A-Z_]+)$/;
const LEVEL = /^urn:singpass:authentication:loa:[123]$/;

const no = (error_description: string, error = 'invalid_request'): Refusal => ({ error, error_description });

/** What Singpass refuses of a pushed request; null: nothing. */
export function requestFault(
  fields: URLSearchParams,
  app: Registration,
  returnHosts: readonly string[],
): Refusal | null {
  const field = (name: string) => fields.get(name) ?? '';
  for (const name of fields.keys()) if (fields.getAll(name).length > 1) return no(`${name} is given twice`);
  if (fields.has('request_uri') || fields.has('request')) return no('request and request_uri are not taken here');
  if (field('response_type') !== 'code') return no('response_type must be code');
  const scopes = field('scope').split(' ');
  if (!scopes.includes('openid')) return no('scope must have openid', 'invalid_scope');
  if (!scopes.every((scope) => app.scopes.includes(scope)))
    return no('scope is not among those registered', 'invalid_scope');
  for (const name of ['state', 'nonce']) {
    const value = field(name);
    if (value.length < 30 || value.length > 255 || !WORDS.test(value))
      return no(`${name} must be 30 to 255 of A-Z a-z 0-9 / + _ - = .`);
  }
  if (!isReturnAddress(field('redirect_uri'), returnHosts)) return no('redirect_uri is not registered');
  if (field('code_challenge_method') !== 'S256' || !/^[A-Za-z0-9_-]{43}$/.test(field('code_challenge')))
    return no('PKCE with S256 is required');
  if (fields.has('acr_values')) {
    if (!app.levels) return no('acr_values is not allowed for this app');
    if (
      !field('acr_values')
        .split(' ')
        .every((level) => LEVEL.test(level))
    )
      return no('acr_values are not levels');
  }
  return contextFault(fields, app);
}

function contextFault(fields: URLSearchParams, app: Registration): Refusal | null {
  const type = fields.get('authentication_context_type');
  const message = fields.get('authentication_context_message');
  if (app.product === 'myinfo')
    return type === null && message === null ? null : no('authentication_context is not for Myinfo apps');
  if (type === null || !CONTEXT.test(type)) return no('authentication_context_type is required for Login apps');
  if (message !== null && !MESSAGE.test(message)) return no('authentication_context_message is too long or not plain');
  const https = fields.get('redirect_uri_https_type');
  return https === null || https === 'app_claimed_https' || https === 'standard_https'
    ? null
    : no('redirect_uri_https_type');
}

/** https, a name and not a number; http only at localhost, where the demo lives. */
function isReturnAddress(address: string, hosts: readonly string[]): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, hash } = new URL(address);
  if (!hosts.includes(hostname) || /^[\d.]+$|^\[/.test(hostname) || hash !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && hostname === 'localhost');
}
