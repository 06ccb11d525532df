import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { Account } from './accounts.ts';
import { certificate, pemOf, publicOf, revocationList } from './der.ts';
import type { certificateFaults, listFaults } from './faults.ts';

const day = 24 * 3_600_000;
const rootName = 'Simulated MOICA Root';
const authorityName = 'Simulated MOICA';

const elliptic = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const rsa = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits }).privateKey;
/** Positive and without a zero in front. */
const newSerial = () => Buffer.concat([Buffer.from([0x40 + (randomBytes(1).readUInt8(0) & 0x3f)]), randomBytes(15)]);

interface Citizen {
  readonly key: KeyObject;
  readonly serial: Buffer;
}

export interface Signed {
  /** DER. */
  readonly certificate: Buffer;
  readonly signature: Buffer;
}

/** Root, issuing authority and citizens' keys, all made for this run alone; a citizen's at the first use, because RSA takes its time. */
export function openAuthority() {
  const root = elliptic();
  const authority = elliptic();
  const strangers = { root: elliptic(), key: elliptic() };
  const citizens = new Map<string, Citizen>();
  const revoked = new Map<string, Buffer>();
  const from = new Date(Date.now() - day);
  const to = new Date(Date.now() + 365 * day);

  const authorityCertificate = (name: string, key: KeyObject, issuer: { name: string; key: KeyObject }) =>
    certificate({
      commonName: name,
      publicKey: publicOf(key),
      issuer,
      serial: newSerial(),
      from,
      to,
      authority: true,
    });
  const rootPem = pemOf(authorityCertificate(rootName, root, { name: rootName, key: root }));
  const authorityPem = pemOf(authorityCertificate(authorityName, authority, { name: rootName, key: root }));

  function citizenOf({ id }: Account): Citizen {
    const known = citizens.get(id) ?? { key: rsa(2048), serial: newSerial() };
    citizens.set(id, known);
    return known;
  }

  /** Signs with the account's key; `other` is somebody else with a good certificate. */
  function signFor(
    account: Account,
    other: Account,
    data: Buffer,
    fault: (typeof certificateFaults)[number] | null,
  ): Signed {
    const whose = fault === 'certificate_of_another' ? other : account;
    const citizen = citizenOf(whose);
    const keys: Partial<Record<(typeof certificateFaults)[number], () => KeyObject>> = {
      certificate_short_key: () => rsa(1024),
      certificate_elliptic: elliptic,
    };
    const key = (fault !== null && keys[fault]?.()) || citizen.key;
    const issuers: Partial<Record<(typeof certificateFaults)[number], { name: string; key: KeyObject }>> = {
      certificate_self_signed: { name: whose.name, key },
      certificate_of_other_root: { name: authorityName, key: strangers.key },
      certificate_by_citizen: { name: other.name, key: citizenOf(other).key },
    };
    const issued = certificate({
      commonName: fault === 'certificate_nameless' ? null : whose.name,
      cardNumber: whose.cardNumber,
      lastFour: whose.number.slice(-4),
      publicKey: publicOf(key),
      issuer: (fault !== null && issuers[fault]) || { name: authorityName, key: authority },
      serial: citizen.serial,
      from: fault === 'certificate_not_yet' ? new Date(Date.now() + day) : from,
      to: fault === 'certificate_expired' ? new Date(Date.now() - 3_600_000) : to,
      authority: fault === 'certificate_authority',
      ...(fault === 'certificate_encipher' ? { use: 'encipher' as const } : {}),
      unknownCritical: fault === 'certificate_critical',
    });
    return { certificate: issued, signature: sign('sha256', data, key) };
  }

  /** The complete list, made wrong; null: it is not there. */
  function list(fault: (typeof listFaults)[number] | null): Buffer | null {
    if (fault === 'list_gone') return null;
    if (fault === 'list_garbage') return Buffer.from('<html>busy</html>');
    const keys: Partial<Record<(typeof listFaults)[number], KeyObject>> = { list_of_other_key: strangers.key };
    const now = Date.now();
    return revocationList({
      issuer: {
        name: fault === 'list_of_other_authority' ? rootName : authorityName,
        key: (fault !== null && keys[fault]) || (fault === 'list_of_other_authority' ? root : authority),
      },
      serials: [...revoked.values()],
      from: new Date(fault === 'list_future' ? now + day : now - 2 * day),
      to: new Date(fault === 'list_old' ? now - day : now + 2 * day),
      ...(fault === 'list_partial' ? { part: 'authorities' as const } : {}),
      unknownCritical: fault === 'list_changes',
    });
  }

  return {
    rootPem,
    authorityPem,
    signFor,
    list,
    /** Sha-1, another key, other data: signatures that are well formed and wrong. */
    signWith: (account: Account, data: Buffer, how: 'sha1' | 'other_key') =>
      how === 'sha1' ? sign('sha1', data, citizenOf(account).key) : sign('sha256', data, rsa(2048)),
    revoke(account: Account, is: boolean) {
      if (is) revoked.set(account.id, citizenOf(account).serial);
      else revoked.delete(account.id);
    },
  };
}

export type Authority = ReturnType<typeof openAuthority>;
