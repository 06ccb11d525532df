import { X509Certificate } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  BasicConstraints,
  Certificate,
  DirectoryString,
  id_ce_basicConstraints,
  id_ce_certificatePolicies,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectDirectoryAttributes,
  KeyUsage,
  KeyUsageFlags,
  SubjectDirectoryAttributes,
} from '@peculiar/asn1-x509';

/** A certificate that is not a citizen's, or none at all; says why and not whose. */
export class UntrustedCertificate extends Error {}

export interface Trust {
  readonly roots: readonly X509Certificate[];
  /** Authorities below the roots. Only these issue: what an answer brings along is never asked. */
  readonly between: readonly X509Certificate[];
}

export interface CitizenCertificate {
  readonly certificate: X509Certificate;
  readonly issuer: X509Certificate;
  /** Common name: the citizen's own. */
  readonly name: string | null;
  /** Last four of the national ID number, where the certificate tells them. */
  readonly lastFour: string | null;
}

const COMMON_NAME = '2.5.4.3';
/** Of the attributes in MOICA's certificates. */
const LAST_FOUR = '2.16.886.1.100.2.51';
const MAX_CHAIN = 4;

/** Extensions that a critical mark may be on: those looked at here, and those that only narrow what we do not use. */
const understood = new Set([
  id_ce_basicConstraints,
  id_ce_keyUsage,
  id_ce_certificatePolicies,
  id_ce_extKeyUsage,
  id_ce_subjectDirectoryAttributes,
]);

/**
 * Every certificate of a PEM file; forms of one line lose its line breaks, which say nothing.
 * @throws Error for a file that has none, or a broken one
 */
export function certificatesOf(pem: string): X509Certificate[] {
  const blocks = [...pem.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g)];
  if (blocks.length === 0) throw new Error('no certificate');
  return blocks.map(([, body = '']) => new X509Certificate(Buffer.from(body, 'base64')));
}

/** @throws UntrustedCertificate */
export function citizenOf(given: string, trust: Trust, now: Date): CitizenCertificate {
  try {
    return looked(given, trust, now);
  } catch (cause) {
    if (cause instanceof UntrustedCertificate) throw cause;
    // Two readers, one certificate: what the second one can't read is not taken on the word of the first.
    throw new UntrustedCertificate('not readable', { cause });
  }
}

function looked(given: string, { roots, between }: Trust, now: Date): CitizenCertificate {
  const certificate = parsed(given);
  const chain = chainOf(certificate, between, roots);
  if (chain === null) throw new UntrustedCertificate('not below the roots');
  for (const [depth, each] of chain.entries()) {
    if (!isValidAt(each, now)) throw new UntrustedCertificate('out of its time');
    checkFields(each, depth);
  }
  const [, issuer] = chain;
  if (!issuer) throw new UntrustedCertificate('issued by nobody');
  const { subject, extensions = [] } = AsnConvert.parse(certificate.raw, Certificate).tbsCertificate;
  const names = subject.flat().filter(({ type }) => type === COMMON_NAME);
  return {
    certificate,
    issuer,
    name: names.length === 1 ? (names[0]?.value.toString() ?? null) : null,
    lastFour: lastFourOf(extensions),
  };
}

/** DER in base64, or PEM. */
function parsed(given: string): X509Certificate {
  const der = Buffer.from(given.replaceAll(/-----(BEGIN|END) CERTIFICATE-----|\s/g, ''), 'base64');
  try {
    const certificate = new X509Certificate(der);
    // OpenSSL reads up to where the certificate ends: what stands behind it would be anybody's.
    if (certificate.raw.equals(der)) return certificate;
  } catch (cause) {
    throw new UntrustedCertificate('no certificate', { cause });
  }
  throw new UntrustedCertificate('more than a certificate');
}

/** From the certificate up to one of the roots; null: it does not come from them. */
function chainOf(
  leaf: X509Certificate,
  between: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): X509Certificate[] | null {
  const chain = [leaf];
  for (let below = leaf; chain.length < MAX_CHAIN; ) {
    const root = roots.find((each) => issued(each, below));
    if (root) return [...chain, root];
    const next = between.find((each) => !chain.includes(each) && issued(each, below));
    if (!next) return null;
    chain.push(next);
    below = next;
  }
  return null;
}

const issued = (above: X509Certificate, below: X509Certificate) =>
  above.ca && below.checkIssued(above) && below.verify(above.publicKey);

export const isValidAt = ({ validFromDate, validToDate }: X509Certificate, now: Date) =>
  validFromDate <= now && now <= validToDate;

/** What RFC 5280 6.1 asks beyond names, times and signatures; `depth` 0 is the citizen's. */
function checkFields(certificate: X509Certificate, depth: number): void {
  const { extensions = [] } = AsnConvert.parse(certificate.raw, Certificate).tbsCertificate;
  if (extensions.some(({ critical, extnID }) => critical && !understood.has(extnID)))
    throw new UntrustedCertificate('a critical extension that is not understood');
  const valueIn = (id: string) => extensions.find(({ extnID }) => extnID === id)?.extnValue;
  const usage = valueIn(id_ce_keyUsage);
  const flags = usage ? AsnConvert.parse(usage, KeyUsage).toNumber() : null;
  const needed = depth === 0 ? KeyUsageFlags.digitalSignature : KeyUsageFlags.keyCertSign;
  if (flags !== null && (flags & needed) === 0) throw new UntrustedCertificate('key is for another use');
  if (depth === 0) {
    if (certificate.ca) throw new UntrustedCertificate('an authority’s certificate');
    checkKey(certificate);
    return;
  }
  const constraints = valueIn(id_ce_basicConstraints);
  const longest = constraints && AsnConvert.parse(constraints, BasicConstraints).pathLenConstraint;
  // Authorities below this one; the citizen's certificate does not count.
  if (longest !== undefined && depth - 1 > longest) throw new UntrustedCertificate('chain is too long');
}

function checkKey({ publicKey }: X509Certificate): void {
  if (publicKey.asymmetricKeyType !== 'rsa') throw new UntrustedCertificate('not an RSA key');
  if ((publicKey.asymmetricKeyDetails?.modulusLength ?? 0) < 2048) throw new UntrustedCertificate('key is too short');
}

function lastFourOf(extensions: readonly { extnID: string; extnValue: { buffer: ArrayBuffer } }[]): string | null {
  const found = extensions.find(({ extnID }) => extnID === id_ce_subjectDirectoryAttributes);
  if (!found) return null;
  const attributes = AsnConvert.parse(found.extnValue.buffer, SubjectDirectoryAttributes);
  const [value] = attributes.find(({ type }) => type === LAST_FOUR)?.values ?? [];
  return value ? AsnConvert.parse(value, DirectoryString).toString() : null;
}
