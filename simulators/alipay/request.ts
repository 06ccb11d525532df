import { createVerify } from 'node:crypto';
import { type App, apps } from './accounts.ts';
import type { ErrorName } from './answers.ts';
import type { Keys } from './keys.ts';

export type Parameters = Readonly<Record<string, string>>;

export interface GatewayRequest {
  readonly app: App | null;
  /** What is wrong with the request itself; null: nothing. */
  readonly error: ErrorName | 'signature' | null;
}

/** The gateway's clock and ours may differ; a request of another time zone is hours off. */
const skewMs = 15 * 60_000;

const required = ['method', 'charset', 'sign_type', 'sign', 'timestamp', 'version'];

/** Checks what all methods have in common. `parameters` are those of query and form together: clients differ. */
export function checkRequest(parameters: Parameters, keys: Keys): GatewayRequest {
  const app = apps.find(({ appId }) => appId === parameters.app_id) ?? null;
  return { app, error: app === null ? 'app_id' : errorIn(parameters, app, keys) };
}

function errorIn(parameters: Parameters, app: App, keys: Keys): GatewayRequest['error'] {
  if (required.some((name) => (parameters[name] ?? '') === '') || parameters.version !== '1.0') return 'missing';
  if ((parameters.format ?? 'JSON').toUpperCase() !== 'JSON') return 'format';
  // The real one takes gbk too, and would then sign and answer in it; nobody here does.
  if (parameters.charset?.toLowerCase() !== 'utf-8') return 'charset';
  if (parameters.sign_type !== 'RSA2') return 'sign_type';
  if (!isNow(parameters.timestamp ?? '')) return 'timestamp';
  if (app.mode === 'certificate') {
    if (parameters.app_cert_sn !== keys.names.app) return 'app_cert';
    if (parameters.alipay_root_cert_sn !== keys.names.roots) return 'root_cert';
  }
  return isSigned(parameters, keys) ? null : 'signature';
}

/** 19 characters, China time. */
function isNow(timestamp: string): boolean {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(timestamp)) return false;
  const at = Date.parse(`${timestamp.replace(' ', 'T')}+08:00`);
  return Math.abs(at - Date.now()) <= skewMs;
}

/** Some clients sign empty values, some leave them out: both are taken. */
export function textToSign(parameters: Parameters, withEmpty: boolean): string {
  return Object.keys(parameters)
    .filter((name) => name !== 'sign' && (withEmpty || parameters[name] !== ''))
    .sort()
    .map((name) => `${name}=${parameters[name]}`)
    .join('&');
}

function isSigned(parameters: Parameters, { appKey }: Keys): boolean {
  return [true, false].some((withEmpty) =>
    createVerify('RSA-SHA256')
      .update(textToSign(parameters, withEmpty), 'utf8')
      .verify(appKey, parameters.sign ?? '', 'base64'),
  );
}
