import type { Context } from 'koa';
import { isSigned } from './wire.ts';

/** What is wrong with the head of a call: a code of the gateway, with what it is about; null: nothing. */
export type CallCheck = (ctx: Context, body: string) => readonly [code: string, about: string] | null;

const required = ['clientID', 'signatureMethod', 'signature', 'timestamp', 'nonce'] as const;
const skewMs = 300_000;

/** One signature, one nonce, and a clock that never goes back. */
export function callCheck(client: { readonly id: string; readonly secret: string }): CallCheck {
  const nonces = new Map<string, number>();
  let last = 0;
  return (ctx, body) => {
    const missing = required.find((name) => ctx.get(name) === '');
    if (missing !== undefined) return ['D20001', `parameter {${missing}} is missing`];
    const [clientId, method, signature, timestamp, nonce] = required.map((name) => ctx.get(name));
    if (clientId !== client.id) return ['D20003', 'invalid parameter {clientID}'];
    if (method !== 'HmacSHA256') return ['D20005', 'unsupported signature method'];
    if (nonce === undefined || nonce.length > 36) return ['D20003', 'invalid parameter {nonce}'];
    if (timestamp === undefined || !/^[0-9]{13}$/.test(timestamp) || Math.abs(Date.now() - Number(timestamp)) > skewMs)
      return ['D20003', 'invalid parameter {timestamp}'];
    if (!isSigned({ clientId, method, timestamp, nonce, body, signature: signature ?? '' }, client.secret))
      return ['D20006', 'signature verification failed'];
    for (const [old, at] of nonces) if (Date.now() - at > 2 * skewMs) nonces.delete(old);
    if (nonces.has(nonce)) return ['D20004', 'duplicated request'];
    nonces.set(nonce, Date.now());
    if (Number(timestamp) < last) return ['D20003', 'invalid parameter {timestamp}'];
    last = Number(timestamp);
    return null;
  };
}

const sources = new Set([
  'PC_Browser',
  ...['Chrome', 'Firefox', 'Edge', 'Samsung', 'Huawei', 'Xiaomi'].map((name) => `Android_${name}`),
  ...['Safari', 'Chrome', 'Firefox', 'Edge'].map((name) => `iOS_${name}`),
  'App_Link',
  'App_Package',
  'App_Scheme',
]);
const scopes = new Set([
  'eidapi_auth',
  'eidapi_profiles',
  'eidapi_formFilling',
  'eidapi_sign',
  'eidapi_fr',
  'eidapi_bulksign',
]);

/** What is wrong with a request for a sign-in. */
export function startFault(
  query: (name: string) => string,
  clientId: string,
  returnHosts: readonly string[],
): readonly [code: string, about: string] | null {
  const missing = ['clientID', 'responseType', 'source', 'redirectURI', 'scope', 'state'].find((n) => query(n) === '');
  if (missing !== undefined) return ['D20001', `parameter {${missing}} is missing`];
  if (query('clientID') !== clientId) return ['D20003', 'invalid parameter {clientID}'];
  if (query('responseType') !== 'code') return ['D20003', 'invalid parameter {responseType}'];
  if (!sources.has(query('source'))) return ['D20007', 'unsupported source'];
  const back = query('redirectURI');
  if (!URL.canParse(back) || !returnHosts.includes(new URL(back).hostname) || new URL(back).hash !== '')
    return ['D20008', 'invalid e-service URL'];
  const wanted = query('scope').split(' ');
  if (!wanted.every((scope) => scopes.has(scope)) || !wanted.includes('eidapi_auth'))
    return ['D20003', 'invalid parameter {scope}'];
  if (!['', 'en-US', 'zh-HK', 'zh-CN'].includes(query('lang'))) return ['D20003', 'invalid parameter {lang}'];
  if (!/^[A-Za-z0-9_-]{1,36}$/.test(query('state'))) return ['D20003', 'invalid parameter {state}'];
  if (!['', 'true', 'false'].includes(query('brokerPage'))) return ['D20003', 'invalid parameter {brokerPage}'];
  return null;
}
