import { randomBytes } from 'node:crypto';
import {
  authenticationOptions,
  registrationOptions,
  verifyAuthentication,
  verifyRegistration,
} from '../../src/authenticators/passkey.ts';
import type { NewPasskey, StoredPasskey } from '../../src/authenticators/passkey-terms.ts';
import { SoftwareAuthenticator, type SoftwareKey, type Twist } from '../support/software-authenticator.ts';

export const origin = 'https://id.example';
export const rpId = 'id.example';
export const expectedOrigins = [origin];

export function newUserHandle(): string {
  return randomBytes(32).toString('base64url');
}

/** One citizen with a device, and the rows an area would keep. */
export class Bench {
  readonly accountId = 'account-1';
  readonly userHandle = newUserHandle();
  readonly device: SoftwareAuthenticator;
  readonly rows = new Map<string, StoredPasskey>();

  constructor(device: ConstructorParameters<typeof SoftwareAuthenticator>[0] = { origin }) {
    this.device = new SoftwareAuthenticator(device);
  }

  async options() {
    return registrationOptions({
      rpId,
      rpName: 'Shimin',
      userHandle: this.userHandle,
      userName: '+86 138****0000',
      displayName: '陈一',
      exclude: [],
    });
  }

  async register(twist: Twist = {}) {
    const { options, keep } = await this.options();
    return this.verifyNew(this.device.create(options, twist), keep);
  }

  verifyNew(response: unknown, keep: unknown) {
    return verifyRegistration({
      response,
      keep,
      expectedOrigins,
      rpId,
      isKnownCredential: async (id) => this.rows.has(id),
    });
  }

  store(passkey: NewPasskey, changes: Partial<StoredPasskey> = {}): StoredPasskey {
    const row = { ...passkey, accountId: this.accountId, userHandle: this.userHandle, revokedAt: null, ...changes };
    this.rows.set(row.credentialId, row);
    return row;
  }

  async enrolled(twist: Twist = {}, changes: Partial<StoredPasskey> = {}): Promise<StoredPasskey> {
    const verdict = await this.register(twist);
    if (!verdict.ok) throw new Error(`not enrolled: ${verdict.reason}`);
    return this.store(verdict.passkey, changes);
  }

  async signIn(
    twist: Twist = {},
    options: {
      allow?: string[];
      requireUserVerification?: boolean;
      userVerification?: 'required' | 'preferred';
      expectedAccountId?: string;
      key?: SoftwareKey;
    } = {},
  ) {
    const asked = await authenticationOptions({
      rpId,
      userVerification: options.userVerification ?? 'preferred',
      ...(options.allow ? { allow: options.allow.map((credentialId) => ({ credentialId })) } : {}),
    });
    return this.verify(this.device.get(asked.options, twist, options.key), asked.keep, options);
  }

  verify(
    response: unknown,
    keep: unknown,
    options: { requireUserVerification?: boolean; expectedAccountId?: string } = {},
  ) {
    return verifyAuthentication({
      response,
      keep,
      expectedOrigins,
      rpId,
      find: async (id) => this.rows.get(id) ?? null,
      requireUserVerification: options.requireUserVerification ?? false,
      ...(options.expectedAccountId === undefined ? {} : { expectedAccountId: options.expectedAccountId }),
    });
  }
}
