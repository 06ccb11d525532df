import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';

const armoured = (text: string) => text.includes('-----BEGIN');
const der = (text: string) => Buffer.from(text.replaceAll(/\s+/g, ''), 'base64');

/** RSA2 is SHA256withRSA with at least 2048 bits; shorter keys are from the days of `sign_type=RSA`. */
function rsa2(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== 'rsa') throw new Error('not an RSA key');
  if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048) throw new Error('shorter than 2048 bits');
  return key;
}

/** PEM, or the bare base64 that Alipay's own key tool hands out: PKCS#8 for Java, PKCS#1 for everybody else. */
export function privateKeyOf(text: string): KeyObject {
  if (armoured(text)) return rsa2(createPrivateKey(text));
  try {
    return rsa2(createPrivateKey({ key: der(text), format: 'der', type: 'pkcs8' }));
  } catch {
    return rsa2(createPrivateKey({ key: der(text), format: 'der', type: 'pkcs1' }));
  }
}

export function publicKeyOf(text: string): KeyObject {
  return rsa2(createPublicKey(armoured(text) ? text : { key: der(text), format: 'der', type: 'spki' }));
}

/** Every certificate of a PEM file; Alipay's hold several. */
export function certificatesOf(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/**
 * Alipay's name of a certificate: MD5 of the issuer, most special part first, and the decimal serial number. It names, it
 * does not protect: which certificate is trusted is decided by its chain.
 */
export function certificateName(certificate: X509Certificate): string {
  const issuer = certificate.issuer.split('\n').toReversed().join(',');
  return createHash('md5')
    .update(issuer + BigInt(`0x${certificate.serialNumber}`).toString(10))
    .digest('hex');
}

/** Name of Alipay's roots: those signed with RSA (OID 1.2.840.113549.1.1), in the order of the file. */
export function rootName(roots: readonly X509Certificate[]): string {
  return roots
    .filter(({ signatureAlgorithmOid: oid }) => oid.startsWith('1.2.840.113549.1.1'))
    .map(certificateName)
    .join('_');
}

/** Longest way from a certificate to its root: Alipay's has one in between. */
const MAX_CHAIN = 4;

/** The certificate and those above it, up to one of the roots; null: it does not come from them. */
export function chainOf(
  certificate: X509Certificate,
  between: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): X509Certificate[] | null {
  const chain = [certificate];
  for (let below = certificate; chain.length < MAX_CHAIN; ) {
    const root = roots.find((each) => issued(each, below));
    if (root) return [...chain, root];
    const next = between.find((each) => each.ca && !chain.includes(each) && issued(each, below));
    if (!next) return null;
    chain.push(next);
    below = next;
  }
  return null;
}

const issued = (above: X509Certificate, below: X509Certificate) =>
  below.checkIssued(above) && below.verify(above.publicKey);

export function validAt(certificate: X509Certificate, now: Date): boolean {
  return new Date(certificate.validFrom) <= now && now <= new Date(certificate.validTo);
}
