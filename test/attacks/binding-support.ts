import { TOTP } from 'otpauth';
import { Browser } from '../../bench/browser.ts';
import { createHashQueue, hashPassword } from '../../src/authenticators/password.ts';
import { newTotpSecret } from '../../src/authenticators/totp.ts';
import type { CommandDeps } from '../../src/commands/command.ts';
import { proposeAccount, registerCitizen } from '../../src/commands/register-citizen.ts';
import { newId } from '../../src/lib/crypto.ts';
import { insertPasskey } from '../../src/storage/authenticators.ts';
import { encodeCbor } from '../support/cbor.ts';
import { SoftwareAuthenticator, type Twist } from '../support/software-authenticator.ts';

const cause = { requestId: null, clientId: null };
export const password = '南山书城-竹子林-7号';
let serial = 0;

export interface Holder {
  readonly accountId: string;
  readonly userHandle: string;
  /** As it is typed on the mainland. */
  readonly phone: string;
  readonly secret: string;
  /** Counts on, so that no code is used twice. */
  steps: number;
}

/** An account with a password and an authenticator app. */
export async function holderOf(deps: CommandDeps): Promise<Holder> {
  serial += 1;
  const { accountId, userHandle } = proposeAccount();
  const phone = `1390000${String(1000 + serial)}`;
  const secret = newTotpSecret();
  const queue = createHashQueue({ concurrency: 1 });
  await registerCitizen(deps, {
    ...{ accountId, userHandle, phone: `+86${phone}`, locale: 'en', interaction: newId(), facts: [], cause },
    first: {
      kind: 'password',
      hash: await hashPassword({ queue, pepper: deps.keyring.pepper, password }),
      totpSecret: secret,
      totpStep: 0,
      recoveryHashes: ['unused'],
    },
  });
  return { accountId, userHandle, phone, secret, steps: 0 };
}

/** One passkey more, as it would have come with the account. */
export async function passkeyOf(deps: CommandDeps, holder: Holder, issuer: string, synced: boolean) {
  const device = new SoftwareAuthenticator({ origin: issuer, synced });
  const rpId = new URL(issuer).hostname;
  device.create({ challenge: 'AAAA', rp: { id: rpId, name: 'x' }, user: { id: holder.userHandle } });
  const [key] = device.keys;
  if (!key) throw new Error('no key');
  const id = newId();
  await insertPasskey(deps.db, {
    ...{
      id,
      accountId: holder.accountId,
      credentialId: key.credentialId,
      publicKey: Buffer.from(encodeCbor(key.cose)),
    },
    ...{ counter: key.counter, transports: ['internal'], backupEligible: synced, backupState: synced },
    ...{ userVerifiedAtRegistration: true, aaguid: '00000000-0000-0000-0000-000000000000', name: 'mine' },
    createdAt: deps.clock(),
  });
  return { id, device };
}

const plain = (html: string) => html.replaceAll('&quot;', '"').replaceAll('&amp;', '&');
const field = (html: string, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '';

/** Somebody's browser, at the pages of a sign-in. */
export class Hand {
  readonly browser: Browser;
  readonly issuer: string;
  at: URL;
  html = '';
  outside: URL | null = null;

  constructor(issuer: string) {
    this.issuer = issuer;
    this.browser = new Browser(issuer);
    this.at = new URL(issuer);
  }

  get base(): string {
    return this.at.pathname;
  }

  async go(path: string): Promise<this> {
    const { at, page, outside } = await this.browser.follow(path);
    Object.assign(this, { at, html: page?.body ?? '', outside: outside ?? null });
    return this;
  }

  /** A form of the page; goes on where it leads. */
  async post(path: string, form: Record<string, string> = {}): Promise<number> {
    const body = new URLSearchParams({ _csrf: field(this.html, '_csrf'), ...form }).toString();
    const sent = await this.browser.send('POST', path, { headers: { origin: this.issuer }, body });
    if (sent.location !== undefined) await this.go(new URL(sent.location, this.issuer).href);
    else if (sent.status < 400) this.html = sent.body;
    return sent.status;
  }

  async withPassword(holder: Holder): Promise<void> {
    const { base } = this;
    await this.go(`${base}?show=password`);
    await this.post(`${base}/password`, { region: 'CN', phone: holder.phone, password });
    const timestamp = Date.now() + (holder.steps - 1) * 30_000;
    holder.steps += 1;
    await this.post(`${base}/totp`, { code: new TOTP({ secret: holder.secret }).generate({ timestamp }) });
  }

  #options() {
    return JSON.parse(plain(/data-options="([^"]*)"/.exec(this.html)?.[1] ?? '{}'));
  }

  /** Shows a passkey on the sign-in page that is open. */
  withPasskey(device: SoftwareAuthenticator, twist: Twist = {}): Promise<number> {
    const options = { rpId: new URL(this.issuer).hostname, ...this.#options() };
    const response = JSON.stringify(device.get(options, twist));
    return this.post(`${this.base}/passkey/verify`, { ceremony: field(this.html, 'ceremony'), response });
  }

  /** Makes a new passkey on the page that offers it. */
  newPasskey(path: string, device: SoftwareAuthenticator): Promise<number> {
    const response = JSON.stringify(device.create(this.#options()));
    return this.post(path, { ceremony: field(this.html, 'ceremony'), response });
  }
}
