import { createCipheriv, createDecipheriv, hash, hkdfSync, randomBytes } from 'node:crypto';
import { ShiminError } from '../../lib/errors.ts';

/** What the engine hands over and expects back; its members are the engine's business except the few read here. */
export type EnginePayload = Record<string, unknown>;

/** One row of `oidc_models`. */
export interface EngineRow {
  key: string;
  model: string;
  grantKey: string | null;
  sessionUid: string | null;
  accountId: string | null;
  userCodeKey: string | null;
  payload: string;
  version: number;
  expiresAt: number | null;
  consumedAt: number | null;
}

/** Seals what only a device code or a user code can reach; both must open it, so the key cannot come from either. */
export interface PayloadSeal {
  seal(plaintext: string, context: string): string;
  open(sealed: string, context: string): string;
}

/**
 * Models that carry the whole authorization request (login_hint, id_token_hint, another session's cookie value) and are only
 * ever reached by their own id. Their payload is encrypted under a key made of that id: whoever holds the database *and* the
 * key ring still reads nothing, because the id is in the browser or with the client and nowhere else.
 */
const sealedById = new Set([
  'Interaction',
  'PushedAuthorizationRequest',
  'BackchannelAuthenticationRequest',
  'PreAuthorizedCode',
]);

/** Models whose id is no secret, and is needed when rows are listed. */
const idIsPublic = new Set(['Grant', 'Client']);

/** Models whose account is indexed; see the migration. */
const listedByAccount = new Set(['Session', 'Grant']);

/** Opaque token values are row ids: only their hash is stored, so that a dump of the database holds no usable token. */
export function rowKey(model: string, id: string): string {
  return hash('sha256', `${model}:${id}`, 'base64url');
}

export function encode(
  model: string,
  id: string,
  payload: EnginePayload,
  expiresAt: number | null,
  deviceSeal: PayloadSeal | undefined,
): EngineRow {
  const key = rowKey(model, id);
  const { grantId, userCode } = payload;
  const uid = model === 'Session' ? payload.uid : payload.sessionUid;
  return {
    key,
    model,
    grantKey: typeof grantId === 'string' && model !== 'Interaction' ? rowKey('Grant', grantId) : null,
    sessionUid: typeof uid === 'string' ? uid : null,
    accountId: listedByAccount.has(model) && typeof payload.accountId === 'string' ? payload.accountId : null,
    userCodeKey: typeof userCode === 'string' ? rowKey('userCode', userCode) : null,
    payload: encodePayload(model, id, key, payload, deviceSeal),
    version: 0,
    expiresAt,
    consumedAt: null,
  };
}

function encodePayload(
  model: string,
  id: string,
  key: string,
  payload: EnginePayload,
  deviceSeal?: PayloadSeal,
): string {
  // `consumed` lives in its own column, where it can be set by a conditional update.
  const { jti, consumed: _, ...rest } = payload;
  if (sealedById.has(model)) return sealUnderId(model, id, JSON.stringify(rest));
  if (model === 'DeviceCode') return deviceSealOf(deviceSeal).seal(JSON.stringify(rest), `DeviceCode:${key}`);
  return JSON.stringify(idIsPublic.has(model) && jti !== undefined ? { jti, ...rest } : rest);
}

/** The engine's payload of a row. `id` is what the caller looked it up by; look-ups by session uid or user code do not know it. */
export function decode(row: EngineRow, id: string | undefined, deviceSeal: PayloadSeal | undefined): EnginePayload {
  const payload = parse(decodePayload(row, id, deviceSeal));
  if (id !== undefined && row.model !== 'Client') payload.jti = id;
  if (row.consumedAt !== null) payload.consumed = Math.floor(row.consumedAt / 1000);
  return payload;
}

function decodePayload(row: EngineRow, id: string | undefined, deviceSeal: PayloadSeal | undefined): string {
  if (row.model === 'DeviceCode') return deviceSealOf(deviceSeal).open(row.payload, `DeviceCode:${row.key}`);
  if (!sealedById.has(row.model)) return row.payload;
  if (id === undefined) throw new ShiminError('internal', { status: 500, message: `${row.model} is only found by id` });
  return openUnderId(row.model, id, row.payload);
}

/** Written by {@link encode} alone, so its shape is trusted: a schema here would be run on every request for nothing. */
export function parse(json: string): EnginePayload {
  const payload: EnginePayload = JSON.parse(json);
  return payload;
}

function deviceSealOf(seal: PayloadSeal | undefined): PayloadSeal {
  if (seal) return seal;
  throw new ShiminError('config_invalid', { status: 500, message: 'the device flow needs a key ring' });
}

function keyOf(model: string, id: string): Buffer {
  return Buffer.from(hkdfSync('sha256', id, '', `shimin oidc payload ${model}`, 32));
}

function sealUnderId(model: string, id: string, plaintext: string): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', keyOf(model, id), iv);
  const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
}

function openUnderId(model: string, id: string, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', keyOf(model, id), bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(12, 28));
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
}
