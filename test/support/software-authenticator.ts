import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { type Cbor, encodeCbor } from './cbor.ts';

const b64u = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest();

export const UP = 0x01;
export const UV = 0x04;
export const BE = 0x08;
export const BS = 0x10;
export const AT = 0x40;
export const ED = 0x80;

export type Algorithm = 'ES256' | 'EdDSA' | 'RS256' | 'ES384';

export interface SoftwareKey {
  readonly credentialId: string;
  readonly rpId: string;
  readonly userHandle: string;
  readonly privateKey: KeyObject;
  readonly algorithm: Algorithm;
  readonly cose: Map<number, Cbor>;
  counter: number;
  flags: number;
}

/** Every field that a ceremony signs or sends can be replaced, to play each kind of wrong or hostile authenticator. */
export interface Twist {
  clientData?: Record<string, unknown>;
  clientDataRaw?: Buffer;
  flags?: number;
  counter?: number;
  rpId?: string;
  aaguid?: Buffer;
  cose?: Map<number, Cbor>;
  coseTrailing?: Buffer;
  authDataTail?: Buffer;
  authDataLength?: number;
  credentialIdBytes?: Buffer;
  fmt?: string;
  attStmt?: Map<string, Cbor>;
  selfAttest?: { alg?: number; corrupt?: boolean };
  extensions?: Map<string, Cbor>;
  credProps?: Record<string, unknown>;
  /** Changes the response object before it is handed over. */
  response?: (wire: Wire) => unknown;
  userHandle?: string | null;
  corruptSignature?: boolean;
  algorithm?: Algorithm;
  rsaBits?: number;
}

export interface Wire {
  id: string;
  rawId: string;
  type: string;
  authenticatorAttachment?: string;
  clientExtensionResults: Record<string, unknown>;
  response: Record<string, unknown>;
}

export interface CreationOptions {
  challenge: string;
  rp: { id?: string; name: string };
  user: { id: string };
}

export interface RequestOptions {
  challenge: string;
  rpId?: string;
  allowCredentials?: { id: string }[];
}

/** A passkey holder in software: keys in memory, honest unless twisted. */
export class SoftwareAuthenticator {
  readonly keys: SoftwareKey[] = [];
  readonly origin: string;
  /** 0 keeps the counter at zero for ever, as synced passkeys do. */
  readonly counterStep: number;
  readonly flags: number;

  constructor(options: { origin: string; counterStep?: number; synced?: boolean; userVerification?: boolean }) {
    this.origin = options.origin;
    this.counterStep = options.counterStep ?? 1;
    this.flags = UP | (options.userVerification === false ? 0 : UV) | (options.synced === true ? BE | BS : 0);
  }

  /** Answers navigator.credentials.create(). */
  create(options: CreationOptions, twist: Twist = {}): unknown {
    const algorithm = twist.algorithm ?? 'ES256';
    const { privateKey, cose } = makeKey(algorithm, twist.rsaBits);
    const idBytes = twist.credentialIdBytes ?? randomBytes(32);
    const key: SoftwareKey = {
      credentialId: b64u(idBytes),
      rpId: options.rp.id ?? '',
      userHandle: options.user.id,
      privateKey,
      algorithm,
      cose,
      counter: this.counterStep,
      flags: this.flags,
    };
    this.keys.push(key);

    const clientDataJSON = this.#clientData('webauthn.create', options.challenge, twist);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(idBytes.length);
    const attested = Buffer.concat([
      twist.aaguid ?? Buffer.alloc(16),
      length,
      idBytes,
      encodeCbor(twist.cose ?? cose),
      twist.coseTrailing ?? Buffer.alloc(0),
    ]);
    const flags = twist.flags ?? key.flags | AT;
    const authData = authenticatorData(key, flags, twist, (flags & AT) !== 0 ? attested : Buffer.alloc(0));
    const { fmt, attStmt } = attest(key, authData, clientDataJSON, twist);
    const wire: Wire = {
      id: key.credentialId,
      rawId: key.credentialId,
      type: 'public-key',
      authenticatorAttachment: 'platform',
      clientExtensionResults: { credProps: twist.credProps ?? { rk: true } },
      response: {
        clientDataJSON: b64u(clientDataJSON),
        attestationObject: b64u(
          encodeCbor(
            new Map<string, Cbor>([
              ['fmt', fmt],
              ['attStmt', attStmt],
              ['authData', authData],
            ]),
          ),
        ),
        transports: ['internal', 'hybrid'],
      },
    };
    return twist.response ? twist.response(wire) : wire;
  }

  /** Answers navigator.credentials.get() with the first key that fits, or the one given. */
  get(options: RequestOptions, twist: Twist = {}, chosen?: SoftwareKey): unknown {
    const allowed = options.allowCredentials?.map(({ id }) => id);
    const key = chosen ?? this.keys.find(({ credentialId }) => allowed === undefined || allowed.includes(credentialId));
    if (!key) throw new Error('no passkey fits');
    key.counter += this.counterStep;
    const clientDataJSON = this.#clientData('webauthn.get', options.challenge, twist);
    const authData = authenticatorData(key, twist.flags ?? key.flags, twist, Buffer.alloc(0));
    const signature = signWith(key, Buffer.concat([authData, sha256(clientDataJSON)]));
    if (twist.corruptSignature) signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
    const userHandle = twist.userHandle === undefined ? key.userHandle : twist.userHandle;
    const wire: Wire = {
      id: key.credentialId,
      rawId: key.credentialId,
      type: 'public-key',
      authenticatorAttachment: 'platform',
      clientExtensionResults: {},
      response: {
        clientDataJSON: b64u(clientDataJSON),
        authenticatorData: b64u(authData),
        signature: b64u(signature),
        ...(userHandle === null ? {} : { userHandle }),
      },
    };
    return twist.response ? twist.response(wire) : wire;
  }

  #clientData(type: string, challenge: string, twist: Twist): Buffer {
    if (twist.clientDataRaw) return twist.clientDataRaw;
    return Buffer.from(
      JSON.stringify({ type, challenge, origin: this.origin, crossOrigin: false, ...twist.clientData }),
    );
  }
}

function authenticatorData(key: SoftwareKey, flags: number, twist: Twist, attested: Buffer): Buffer {
  const counter = Buffer.alloc(4);
  counter.writeUInt32BE(twist.counter ?? key.counter);
  const data = Buffer.concat([
    sha256(twist.rpId ?? key.rpId),
    Buffer.from([twist.extensions ? flags | ED : flags]),
    counter,
    attested,
    twist.extensions ? encodeCbor(twist.extensions) : Buffer.alloc(0),
    twist.authDataTail ?? Buffer.alloc(0),
  ]);
  return twist.authDataLength === undefined ? data : data.subarray(0, twist.authDataLength);
}

function attest(
  key: SoftwareKey,
  authData: Buffer,
  clientDataJSON: Buffer,
  twist: Twist,
): { fmt: string; attStmt: Cbor } {
  if (!twist.selfAttest) return { fmt: twist.fmt ?? 'none', attStmt: twist.attStmt ?? new Map<string, Cbor>() };
  const sig = signWith(key, Buffer.concat([authData, sha256(clientDataJSON)]));
  if (twist.selfAttest.corrupt) sig[sig.length - 1] = (sig.at(-1) ?? 0) ^ 1;
  return {
    fmt: 'packed',
    attStmt: new Map<string, Cbor>([
      ['alg', twist.selfAttest.alg ?? coseAlgorithm[key.algorithm]],
      ['sig', sig],
    ]),
  };
}

const coseAlgorithm = { ES256: -7, EdDSA: -8, RS256: -257, ES384: -35 } as const;

function signWith(key: SoftwareKey, data: Buffer): Buffer {
  const digest = key.algorithm === 'EdDSA' ? null : key.algorithm === 'ES384' ? 'sha384' : 'sha256';
  return sign(digest, data, key.privateKey);
}

function makeKey(algorithm: Algorithm, rsaBits = 2048): { privateKey: KeyObject; cose: Map<number, Cbor> } {
  const { privateKey, publicKey } =
    algorithm === 'EdDSA'
      ? generateKeyPairSync('ed25519')
      : algorithm === 'RS256'
        ? generateKeyPairSync('rsa', { modulusLength: rsaBits })
        : generateKeyPairSync('ec', { namedCurve: algorithm === 'ES384' ? 'P-384' : 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  const bytes = (text: string | undefined) => new Uint8Array(Buffer.from(text ?? '', 'base64url'));
  const alg = coseAlgorithm[algorithm];
  const entries: [number, Cbor][] =
    algorithm === 'EdDSA'
      ? [
          [1, 1],
          [3, alg],
          [-1, 6],
          [-2, bytes(jwk.x)],
        ]
      : algorithm === 'RS256'
        ? [
            [1, 3],
            [3, alg],
            [-1, bytes(jwk.n)],
            [-2, bytes(jwk.e)],
          ]
        : [
            [1, 2],
            [3, alg],
            [-1, algorithm === 'ES384' ? 2 : 1],
            [-2, bytes(jwk.x)],
            [-3, bytes(jwk.y)],
          ];
  return { privateKey, cose: new Map(entries) };
}
