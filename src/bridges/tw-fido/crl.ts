import { verify, type X509Certificate } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  Certificate,
  Extensions,
  IssuingDistributionPoint,
  id_ce_cRLNumber,
  id_ce_issuingDistributionPoint,
  Name,
  Time,
} from '@peculiar/asn1-x509';
import { type Element, elements, NotDer, only, tags } from './der.ts';

/** A complete revocation list (RFC 5280 5), read and not yet believed. */
export interface RevocationList {
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | null;
  /** Why it does not speak of every citizen's certificate; null: it does. */
  readonly partial: string | null;
  has(certificate: X509Certificate): boolean;
  /** Whether this authority made it. */
  isOf(authority: X509Certificate): boolean;
}

const algorithms: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};

/** @throws Error for what is no list */
export function readList(body: Buffer): RevocationList {
  const [signed, outer, signature, ...more] = elements(only(derOf(body), tags.sequence).value);
  if (signed?.tag !== tags.sequence || outer === undefined || signature?.tag !== tags.bitString || more.length > 0)
    throw new NotDer('no list');
  const { inner, issuer, times, revoked, extensions } = partsOf([...elements(signed.value)]);
  const [thisUpdate, nextUpdate] = times.map(({ raw }) => AsnConvert.parse(raw, Time).getTime());
  if (thisUpdate === undefined || issuer === undefined || inner === undefined) throw new NotDer('no list');
  const serials = new Set<string>();
  for (const entry of revoked === null ? [] : elements(revoked.value)) serials.add(serialIn(entry));
  // The same algorithm inside, where it is signed, and outside (RFC 5280 5.1.1.2).
  const hash = inner.raw.equals(outer.raw) ? hashOf(outer) : null;
  const name = canonical(issuer.raw);
  const believed = new Map<string, boolean>();
  return {
    thisUpdate,
    nextUpdate: nextUpdate ?? null,
    partial: extensions === null ? null : partialFault(only(extensions.value, tags.sequence)),
    has: ({ serialNumber }) => serials.has(bare(Buffer.from(serialNumber, 'hex'))),
    isOf(authority) {
      const known = believed.get(authority.fingerprint256);
      if (known !== undefined) return known;
      const subject = AsnConvert.parse(authority.raw, Certificate).tbsCertificate.subject;
      const is =
        hash !== null &&
        name.equals(Buffer.from(AsnConvert.serialize(subject))) &&
        signature.value.readUInt8(0) === 0 &&
        verify(hash, signed.raw, authority.publicKey, signature.value.subarray(1));
      believed.set(authority.fingerprint256, is);
      return is;
    },
  };
}

/** version?, signature, issuer, thisUpdate, nextUpdate?, revokedCertificates?, [0] extensions? */
function partsOf(children: readonly Element[]) {
  const rest = children[0]?.tag === tags.integer ? children.slice(1) : children;
  const [inner, issuer, ...after] = rest;
  const isTime = ({ tag }: Element) => tag === tags.utcTime || tag === tags.time;
  const times = after.filter(isTime);
  const others = after.filter((each) => !isTime(each));
  const revoked = others.find(({ tag }) => tag === tags.sequence) ?? null;
  const extensions = others.find(({ tag }) => tag === tags.first) ?? null;
  const known = Number(revoked !== null) + Number(extensions !== null);
  if (times.length > 2 || others.length !== known) throw new NotDer('no list');
  return { inner, issuer, times, revoked, extensions };
}

function serialIn({ tag, value }: Element): string {
  const [serial] = elements(value);
  if (tag !== tags.sequence || serial?.tag !== tags.integer) throw new NotDer('no entry of a list');
  return bare(serial.value);
}

/** DER puts a zero in front of some numbers, and names of numbers do not. */
const bare = (bytes: Buffer) => bytes.toString('hex').replace(/^(00)+/, '');

/** One writing of a name, however it was written. */
const canonical = (raw: Buffer) => Buffer.from(AsnConvert.serialize(AsnConvert.parse(raw, Name)));

function hashOf({ raw }: Element): string | null {
  const { algorithm } = AsnConvert.parse(raw, AlgorithmIdentifier);
  return Object.hasOwn(algorithms, algorithm) ? (algorithms[algorithm] ?? null) : null;
}

function partialFault({ raw }: Element): string | null {
  for (const { extnID, critical, extnValue } of AsnConvert.parse(raw, Extensions)) {
    if (extnID === id_ce_issuingDistributionPoint) {
      const part = AsnConvert.parse(extnValue, IssuingDistributionPoint);
      const some = part.onlyContainsCACerts || part.onlyContainsAttributeCerts || part.onlySomeReasons !== undefined;
      if (some || part.indirectCRL) return 'list is of other certificates';
    } else if (critical && extnID !== id_ce_cRLNumber)
      // A list of changes, among others: what is not on it may be revoked all the same.
      return 'list has a critical extension that is not understood';
  }
  return null;
}

function derOf(body: Buffer): Buffer {
  return body.subarray(0, 10).toString('latin1') === '-----BEGIN'
    ? Buffer.from(body.toString('latin1').replaceAll(/-----(BEGIN|END) X509 CRL-----|\s/g, ''), 'base64')
    : body;
}
