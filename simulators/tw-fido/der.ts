import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  Attribute,
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  CertificateList,
  DirectoryString,
  Extension,
  Extensions,
  IssuingDistributionPoint,
  id_ce_basicConstraints,
  id_ce_issuingDistributionPoint,
  id_ce_keyUsage,
  id_ce_subjectDirectoryAttributes,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  RevokedCertificate,
  SubjectDirectoryAttributes,
  SubjectPublicKeyInfo,
  TBSCertificate,
  TBSCertList,
  Time,
  Validity,
  Version,
} from '@peculiar/asn1-x509';

const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
const RSA_SHA256 = '1.2.840.113549.1.1.11';
const COUNTRY = '2.5.4.6';
const COMMON_NAME = '2.5.4.3';
const SERIAL_NUMBER = '2.5.4.5';
/** Attribute of citizens' certificates: the last four of the national ID number. */
const LAST_FOUR = '2.16.886.1.100.2.51';

export interface CertificateRequest {
  /** Null: a certificate of nobody's name. */
  readonly commonName: string | null;
  readonly cardNumber?: string;
  readonly lastFour?: string;
  readonly publicKey: KeyObject;
  readonly issuer: { readonly name: string; readonly key: KeyObject };
  readonly serial: Buffer;
  readonly from: Date;
  readonly to: Date;
  readonly authority: boolean;
  readonly use?: 'encipher';
  readonly unknownCritical?: boolean;
}

export function nameOf(commonName: string | null, cardNumber?: string): Name {
  const part = (type: string, value: AttributeValue) =>
    new RelativeDistinguishedName([new AttributeTypeAndValue({ type, value })]);
  const common = commonName === null ? [] : [part(COMMON_NAME, new AttributeValue({ utf8String: commonName }))];
  const card =
    cardNumber === undefined ? [] : [part(SERIAL_NUMBER, new AttributeValue({ printableString: cardNumber }))];
  return new Name([part(COUNTRY, new AttributeValue({ printableString: 'TW' })), ...common, ...card]);
}

const extension = (extnID: string, value: object, critical: boolean) =>
  new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });

const algorithmOf = (key: KeyObject) =>
  key.asymmetricKeyType === 'rsa'
    ? new AlgorithmIdentifier({ algorithm: RSA_SHA256, parameters: null })
    : new AlgorithmIdentifier({ algorithm: ECDSA_SHA256 });

const exact = (bytes: Buffer): ArrayBuffer => new Uint8Array(bytes).buffer;

/** A certificate as the authority issues it; DER. */
export function certificate(request: CertificateRequest): Buffer {
  const { issuer, authority, publicKey, serial, from, to } = request;
  const use = authority
    ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign
    : request.use === 'encipher'
      ? KeyUsageFlags.keyEncipherment
      : KeyUsageFlags.digitalSignature;
  const fours =
    request.lastFour === undefined
      ? []
      : [
          new Attribute({
            type: LAST_FOUR,
            values: [AsnConvert.serialize(new DirectoryString({ printableString: request.lastFour }))],
          }),
        ];
  const extensions = [
    ...(authority ? [extension(id_ce_basicConstraints, new BasicConstraints({ cA: true }), true)] : []),
    extension(id_ce_keyUsage, new KeyUsage(use), true),
    ...(fours.length > 0
      ? [extension(id_ce_subjectDirectoryAttributes, new SubjectDirectoryAttributes(fours), false)]
      : []),
    ...(request.unknownCritical
      ? [new Extension({ extnID: '1.2.3.4.5', critical: true, extnValue: new OctetString([5, 0]) })]
      : []),
  ];
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: exact(serial),
    signature: algorithmOf(issuer.key),
    issuer: nameOf(issuer.name),
    validity: new Validity({ notBefore: from, notAfter: to }),
    subject: nameOf(request.commonName, request.cardNumber),
    subjectPublicKeyInfo: AsnConvert.parse(publicKey.export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo),
    extensions: new Extensions(extensions),
  });
  const signed = Buffer.from(AsnConvert.serialize(tbsCertificate));
  return Buffer.from(
    AsnConvert.serialize(
      new Certificate({
        tbsCertificate,
        signatureAlgorithm: algorithmOf(issuer.key),
        signatureValue: exact(sign('sha256', signed, issuer.key)),
      }),
    ),
  );
}

/** A complete revocation list, or with `part` one that leaves citizens out; DER. */
export function revocationList(request: {
  readonly issuer: { readonly name: string; readonly key: KeyObject };
  readonly serials: readonly Buffer[];
  readonly from: Date;
  readonly to: Date;
  readonly part?: 'authorities';
  readonly unknownCritical?: boolean;
}): Buffer {
  const { issuer, serials, from, to } = request;
  const extensions = [
    ...(request.part
      ? [extension(id_ce_issuingDistributionPoint, new IssuingDistributionPoint({ onlyContainsCACerts: true }), true)]
      : []),
    ...(request.unknownCritical
      ? [new Extension({ extnID: '1.2.3.4.5', critical: true, extnValue: new OctetString([5, 0]) })]
      : []),
  ];
  const tbsCertList = new TBSCertList({
    version: Version.v2,
    signature: algorithmOf(issuer.key),
    issuer: nameOf(issuer.name),
    thisUpdate: new Time(from),
    nextUpdate: new Time(to),
    ...(serials.length > 0
      ? {
          revokedCertificates: serials.map(
            (serial) => new RevokedCertificate({ userCertificate: exact(serial), revocationDate: new Time(from) }),
          ),
        }
      : {}),
    ...(extensions.length > 0 ? { crlExtensions: extensions } : {}),
  });
  const signed = Buffer.from(AsnConvert.serialize(tbsCertList));
  return Buffer.from(
    AsnConvert.serialize(
      new CertificateList({
        tbsCertList,
        signatureAlgorithm: algorithmOf(issuer.key),
        signature: exact(sign('sha256', signed, issuer.key)),
      }),
    ),
  );
}

export const pemOf = (der: Buffer) =>
  `-----BEGIN CERTIFICATE-----\n${(der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;

export const publicOf = (key: KeyObject) => createPublicKey(key);
