import { verify, type X509Certificate } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  Certificate,
  CertificateList,
  IssuingDistributionPoint,
  id_ce_cRLNumber,
  id_ce_issuingDistributionPoint,
} from '@peculiar/asn1-x509';
import type { Clock } from '../../lib/clock.ts';
import { call, type OutboundRequest } from '../../lib/http.ts';

/** Whether it was revoked can't be said now, so nobody is let in by it. */
export class RevocationUnknown extends Error {}

export interface Revocation {
  /** @throws RevocationUnknown, ShiminError `upstream_*` */
  isRevoked(certificate: X509Certificate, issuer: X509Certificate): Promise<boolean>;
  /** Asks for the lists before a person is troubled. @throws the same */
  prepare(): Promise<void>;
}

interface List {
  /** Subject of the authority that it is of, as DER. */
  readonly issuer: Buffer;
  readonly list: CertificateList;
  readonly serials: ReadonlySet<string>;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly askedAt: number;
}

const HOUR_MS = 3_600_000;
const TOLERANCE_MS = 300_000;
/** MOICA's complete lists have a line for every card that was ever lost. */
const MAX_BYTES = 8 * 1024 * 1024;

const algorithms: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};

/** For test environments whose certificates nobody revokes. */
export const noRevocation: Revocation = { isRevoked: async () => false, prepare: async () => undefined };

/** The authorities' lists (RFC 5280 5), kept in memory an hour; one that can't be renewed serves until its own end and no longer. */
export function revocationLists(
  urls: readonly string[],
  line: Pick<OutboundRequest, 'upstream' | 'allowLoopback' | 'timeoutMs'>,
  clock: Clock,
): Revocation {
  const held = new Map<string, List>();

  async function current(url: string): Promise<List> {
    const known = held.get(url);
    const now = clock();
    if (known && now.getTime() - known.askedAt < HOUR_MS && now < known.nextUpdate) return known;
    try {
      const answer = await call({ url, maxBytes: MAX_BYTES, ...line });
      if (answer.status !== 200) throw new RevocationUnknown(`answered ${answer.status}`);
      const list = read(answer.body, now);
      held.set(url, list);
      return list;
    } catch (error) {
      if (known && now < known.nextUpdate) return known;
      throw error;
    }
  }

  return {
    async isRevoked(certificate, issuer) {
      const subject = subjectOf(issuer);
      const lists = await Promise.all(urls.map(current));
      const own = lists.filter((list) => list.issuer.equals(subject) && isSigned(list.list, issuer));
      if (own.length === 0) throw new RevocationUnknown('no list of this authority');
      return own.some(({ serials }) => serials.has(serialOf(Buffer.from(certificate.serialNumber, 'hex'))));
    },
    async prepare() {
      await Promise.all(urls.map(current));
    },
  };
}

const subjectOf = (authority: X509Certificate) =>
  Buffer.from(AsnConvert.serialize(AsnConvert.parse(authority.raw, Certificate).tbsCertificate.subject));

/** DER puts a zero in front of some numbers, and names of numbers do not. */
const serialOf = (bytes: Buffer) => bytes.toString('hex').replace(/^(00)+/, '');

function read(body: Buffer, now: Date): List {
  let list: CertificateList;
  try {
    list = AsnConvert.parse(derOf(body), CertificateList);
  } catch (cause) {
    throw new RevocationUnknown('no revocation list', { cause });
  }
  const { issuer, thisUpdate, nextUpdate, revokedCertificates = [], crlExtensions = [] } = list.tbsCertList;
  const from = thisUpdate.getTime();
  const until = nextUpdate?.getTime();
  if (until === undefined || until <= now) throw new RevocationUnknown('list is too old');
  if (from.getTime() > now.getTime() + TOLERANCE_MS) throw new RevocationUnknown('list is of the future');
  for (const { extnID, critical, extnValue } of crlExtensions) {
    if (extnID === id_ce_issuingDistributionPoint) {
      const part = AsnConvert.parse(extnValue, IssuingDistributionPoint);
      const some = part.onlyContainsCACerts || part.onlyContainsAttributeCerts || part.onlySomeReasons !== undefined;
      if (some || part.indirectCRL) throw new RevocationUnknown('list is of other certificates');
    } else if (critical && extnID !== id_ce_cRLNumber)
      // A list of changes, among others: what is not on it may be revoked all the same.
      throw new RevocationUnknown('list has a critical extension that is not understood');
  }
  return {
    issuer: Buffer.from(AsnConvert.serialize(issuer)),
    list,
    serials: new Set(revokedCertificates.map(({ userCertificate }) => serialOf(Buffer.from(userCertificate)))),
    thisUpdate: from,
    nextUpdate: until,
    askedAt: now.getTime(),
  };
}

function derOf(body: Buffer): Buffer {
  const text = body.subarray(0, 30).toString('latin1');
  return text.startsWith('-----BEGIN')
    ? Buffer.from(body.toString('latin1').replaceAll(/-----(BEGIN|END) X509 CRL-----|\s/g, ''), 'base64')
    : body;
}

function isSigned(
  { tbsCertList, tbsCertListRaw, signatureAlgorithm, signature }: CertificateList,
  by: X509Certificate,
) {
  const hash = Object.hasOwn(algorithms, signatureAlgorithm.algorithm)
    ? algorithms[signatureAlgorithm.algorithm]
    : undefined;
  if (hash === undefined || tbsCertListRaw === undefined) return false;
  // The same algorithm inside, where it is signed, and outside (RFC 5280 5.1.1.2).
  if (tbsCertList.signature.algorithm !== signatureAlgorithm.algorithm) return false;
  return verify(hash, Buffer.from(tbsCertListRaw), by.publicKey, Buffer.from(signature));
}
