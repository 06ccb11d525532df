import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Cbor } from '../support/cbor.ts';
import { AT, BE, BS, SoftwareAuthenticator, type Twist, UP, UV, type Wire } from '../support/software-authenticator.ts';
import { Bench, expectedOrigins, origin, rpId } from './passkey-bench.ts';

const swap = (change: (wire: Wire) => unknown): Twist => ({ response: change });
const inResponse = (fields: Record<string, unknown>): Twist =>
  swap((wire) => ({ ...wire, response: { ...wire.response, ...fields } }));
const jwkBytes = (text: string | undefined) => new Uint8Array(Buffer.from(text ?? '', 'base64url'));
const cose = (...entries: [number, Cbor][]): Twist => ({ cose: new Map<number, Cbor>(entries) });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
const [x, y] = [jwkBytes(ec.x), jwkBytes(ec.y)];
const { modulus } = {
  modulus: jwkBytes(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' }).n),
};

describe('registering a passkey', () => {
  it('asks for a discoverable credential with user verification, no attestation and three algorithms', async () => {
    const { options, keep } = await new Bench().options();
    expect(options.authenticatorSelection).toMatchObject({ residentKey: 'required', userVerification: 'required' });
    expect(options.attestation).toBe('none');
    expect(options.pubKeyCredParams.map(({ alg }) => alg)).toEqual([-8, -7, -257]);
    expect(Buffer.from(keep.challenge, 'base64url').length).toBeGreaterThanOrEqual(16);
  });

  it('leaves out what the account holds already', async () => {
    const bench = new Bench();
    const { registrationOptions } = await import('../../src/authenticators/passkey.ts');
    const { options } = await registrationOptions({
      rpId,
      rpName: 'Shimin',
      userHandle: bench.userHandle,
      userName: 'a',
      displayName: 'a',
      exclude: [{ credentialId: 'AAAA', transports: ['internal', 'telepathy'] }],
    });
    expect(options.excludeCredentials).toEqual([{ id: 'AAAA', type: 'public-key', transports: ['internal'] }]);
  });

  it.each(['ES256', 'EdDSA', 'RS256'] as const)(
    'takes an %s key of a device and says what it proved',
    async (algorithm) => {
      const verdict = await new Bench().register({ algorithm });
      expect(verdict).toMatchObject({
        ok: true,
        passkey: {
          backupEligible: false,
          backupState: false,
          userVerifiedAtRegistration: true,
          name: '',
          transports: ['internal', 'hybrid'],
        },
        event: {
          method: 'passkey',
          factors: ['possession', 'inherence'],
          userVerified: true,
          phishingResistant: true,
          deviceBound: true,
        },
      });
    },
  );

  it('takes a synced passkey, which is not device-bound', async () => {
    const verdict = await new Bench({ origin, synced: true, counterStep: 0 }).register();
    expect(verdict).toMatchObject({
      ok: true,
      passkey: { backupEligible: true, backupState: true, counter: 0 },
      event: { deviceBound: false },
    });
  });

  it('takes self attestation, extra members of client data, unasked extension outputs and unknown transports', async () => {
    const twists: Twist[] = [
      { selfAttest: {} },
      { clientData: { other_keys_can_be_added_here: 'do not compare clientDataJSON against a template' } },
      { extensions: new Map([['credProtect', 2]]) },
      swap((wire) => ({ ...wire, clientExtensionResults: { appid: true, prf: { enabled: true } }, future: 1 })),
      inResponse({ transports: ['telepathy', 'usb'] }),
    ];
    for (const twist of twists) expect(await new Bench().register(twist)).toMatchObject({ ok: true });
  });

  // Security.md 2.8: the list of our own virtual authenticator, registration side.
  const refused: [string, Twist, string][] = [
    // Structure.
    ['structure: missing id', swap(({ id: _, ...wire }) => wire), 'malformed'],
    ['structure: id not base64url', swap((wire) => ({ ...wire, id: 'a+/=', rawId: 'a+/=' })), 'malformed'],
    ['structure: rawId differs', swap((wire) => ({ ...wire, rawId: 'AAAA' })), 'malformed'],
    ['structure: id other than the signed one', swap((wire) => ({ ...wire, id: 'AAAA', rawId: 'AAAA' })), 'malformed'],
    ['structure: type wrong', swap((wire) => ({ ...wire, type: 'password' })), 'malformed'],
    ['structure: response missing', swap(({ response: _, ...wire }) => wire), 'malformed'],
    ['structure: clientDataJSON missing', inResponse({ clientDataJSON: undefined }), 'malformed'],
    ['structure: clientDataJSON empty', inResponse({ clientDataJSON: '' }), 'malformed'],
    ['structure: attestationObject not a string', inResponse({ attestationObject: { a: 1 } }), 'malformed'],
    ['structure: attestationObject empty', inResponse({ attestationObject: '' }), 'malformed'],
    ['structure: attestationObject 1 MB', inResponse({ attestationObject: 'A'.repeat(1 << 20) }), 'malformed'],
    ['structure: attestationObject not CBOR', inResponse({ attestationObject: 'AAAA' }), 'malformed'],
    ['structure: null', swap(() => null), 'malformed'],
    ['structure: text', swap(() => 'passkey'), 'malformed'],
    // Client data.
    ['client data: type swapped', { clientData: { type: 'webauthn.get' } }, 'wrong_ceremony'],
    [
      'client data: challenge other',
      { clientData: { challenge: randomBytes(32).toString('base64url') } },
      'wrong_challenge',
    ],
    ['client data: challenge empty', { clientData: { challenge: '' } }, 'wrong_challenge'],
    ['C04 crossOrigin', { clientData: { crossOrigin: true } }, 'cross_origin'],
    ['C04 topOrigin', { clientData: { topOrigin: origin } }, 'cross_origin'],
    ['client data: not UTF-8', { clientDataRaw: Buffer.from([0xff, 0xfe, 0x7b]) }, 'malformed'],
    ['client data: not JSON', { clientDataRaw: Buffer.from('{') }, 'malformed'],
    // Authenticator data.
    ['C05 other rpId', { rpId: 'evil.example' }, 'not_verified'],
    ['C06 UP=0', { flags: UV | AT }, 'not_verified'],
    ['C06 UV=0', { flags: UP | AT }, 'not_verified'],
    ['auth data: AT missing', { flags: UP | UV }, 'malformed'],
    ['auth data: too short', { authDataLength: 36 }, 'malformed'],
    ['auth data: cut inside the id', { authDataLength: 60 }, 'malformed'],
    ['auth data: trailing bytes', { authDataTail: Buffer.from([0]) }, 'malformed'],
    ['auth data: BS without BE', { flags: UP | UV | AT | BS }, 'not_verified'],
    ['auth data: ED without extensions', { flags: UP | UV | AT | 0x80 }, 'malformed'],
    // Key.
    ['key: algorithm not offered', { algorithm: 'ES384' }, 'unusable_key'],
    ['key: P-256 key named P-384', cose([1, 2], [3, -7], [-1, 2], [-2, x], [-3, y]), 'unusable_key'],
    ['key: ES256 with an OKP key', cose([1, 1], [3, -7], [-1, 6], [-2, x]), 'unusable_key'],
    ['key: point not on the curve', cose([1, 2], [3, -7], [-1, 1], [-2, x], [-3, x]), 'unusable_key'],
    ['key: missing x', cose([1, 2], [3, -7], [-1, 1], [-3, y]), 'unusable_key'],
    ['key: missing alg', cose([1, 2], [-1, 1], [-2, x], [-3, y]), 'unusable_key'],
    ['key: RSA 1024', cose([1, 3], [3, -257], [-1, modulus], [-2, new Uint8Array([1, 0, 1])]), 'unusable_key'],
    [
      'key: RSA exponent 1',
      cose([1, 3], [3, -257], [-1, new Uint8Array(randomBytes(256))], [-2, new Uint8Array([1])]),
      'unusable_key',
    ],
    ['key: huge', cose([1, 3], [3, -257], [-1, new Uint8Array(5000)], [-2, new Uint8Array([1, 0, 1])]), 'unusable_key'],
    ['key: bytes after the key', { coseTrailing: Buffer.from([0xa0]) }, 'malformed'],
    // Attestation.
    ['attestation: none with a statement', { attStmt: new Map([['x', 1]]) }, 'not_verified'],
    ['attestation: format unknown', { fmt: 'city-seal' }, 'attestation_format'],
    ['attestation: packed without signature', { fmt: 'packed', attStmt: new Map([['alg', -7]]) }, 'not_verified'],
    ['attestation: self, other algorithm', { selfAttest: { alg: -257 } }, 'not_verified'],
    ['C11 attestation: self, wrong signature', { selfAttest: { corrupt: true } }, 'not_verified'],
    [
      'attestation: x5c empty',
      {
        fmt: 'packed',
        attStmt: new Map<string, Cbor>([
          ['alg', -7],
          ['sig', x],
          ['x5c', []],
        ]),
      },
      'attestation_format',
    ],
    [
      'attestation: chain offered',
      {
        fmt: 'packed',
        attStmt: new Map<string, Cbor>([
          ['alg', -7],
          ['sig', x],
          ['x5c', [x]],
        ]),
      },
      'attestation_format',
    ],
    ...['fido-u2f', 'tpm', 'apple', 'android-key', 'android-safetynet'].map((fmt): [string, Twist, string] => [
      `attestation: ${fmt}`,
      { fmt, attStmt: new Map<string, Cbor>([['sig', x]]) },
      'attestation_format',
    ]),
    // Policy.
    ['C10 credential id of 1024 bytes', { credentialIdBytes: randomBytes(1024) }, 'credential_id_too_long'],
    ['policy: not discoverable', { credProps: { rk: false } }, 'not_discoverable'],
  ];

  it.each(refused)('refuses %s', async (_name, twist, reason) => {
    expect(await new Bench().register(twist)).toEqual({ ok: false, reason });
  });

  it('C10 takes an id of 1023 bytes and refuses one that any account holds', async () => {
    const bench = new Bench();
    const credentialIdBytes = randomBytes(1023);
    await bench.enrolled({ credentialIdBytes });
    expect(await bench.register({ credentialIdBytes })).toEqual({ ok: false, reason: 'credential_known' });
  });

  it.each([
    'http://id.example',
    'https://id.example:8443',
    'https://id.example.',
    'https://evil.id.example',
    'https://id.example.evil.example',
    'https://ID.example',
    'https://id.example/',
    'null',
    'android:apk-key-hash:AAAA',
  ])('C03 refuses the origin %s', async (other) => {
    expect(await new Bench().register({ clientData: { origin: other } })).toEqual({
      ok: false,
      reason: 'wrong_origin',
    });
  });

  it('C02 refuses the answer to another registration and the keep of a sign-in', async () => {
    const bench = new Bench();
    const first = await bench.options();
    const second = await bench.options();
    expect(await bench.verifyNew(bench.device.create(first.options), second.keep)).toEqual({
      ok: false,
      reason: 'wrong_challenge',
    });
    const keep = JSON.parse(JSON.stringify({ ...first.keep, kind: 'passkey_authentication' }));
    expect(await bench.verifyNew(bench.device.create(first.options), keep)).toEqual({
      ok: false,
      reason: 'wrong_ceremony',
    });
  });

  it('keeps BE=1 with BS=0: eligible, not yet backed up', async () => {
    const verdict = await new Bench().register({ flags: UP | UV | AT | BE });
    expect(verdict).toMatchObject({
      ok: true,
      passkey: { backupEligible: true, backupState: false },
      event: { deviceBound: false },
    });
  });

  it('never throws on random bytes', async () => {
    const bench = new Bench();
    const { options, keep } = await bench.options();
    const honest = bench.device.create(options);
    const text = JSON.stringify(honest);
    for (let i = 0; i < 200; i += 1) {
      const at = Math.floor((i / 200) * text.length);
      let broken: unknown;
      try {
        broken = JSON.parse(text.slice(0, at) + 'Zz{"0'[i % 5] + text.slice(at + 1));
      } catch {
        broken = text.slice(at);
      }
      expect(await bench.verifyNew(broken, keep)).toHaveProperty('ok');
    }
    expect(new SoftwareAuthenticator({ origin }).keys).toEqual([]);
    expect(expectedOrigins).toEqual([origin]);
  });
});
