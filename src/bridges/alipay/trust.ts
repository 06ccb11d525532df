import type { KeyObject, X509Certificate } from 'node:crypto';
import { certificateName, certificatesOf, chainOf, publicKeyOf, rootName, validAt } from './keys.ts';

/** Whose signature counts, and how we say with which certificates we sign. */
export interface Trust {
  /** Parameters that every request carries. */
  readonly names: Readonly<Record<string, string>>;
  /** The key an answer must be signed with; text: why there is none. `named`: the answer's `alipay_cert_sn`. */
  keyFor(named: string | null, now: Date): KeyObject | string;
}

/** An app in public-key mode: one key, typed in from the console of Alipay. */
export function trustInKey(publicKey: string): Trust {
  const key = publicKeyOf(publicKey);
  return { names: {}, keyFor: (named) => (named === null ? key : 'names a certificate, but we have a bare key') };
}

/**
 * An app in certificate mode. The file of Alipay's certificates may hold a next one beside the current one, so that they
 * can be changed without a gap; each is trusted only below the roots.
 */
export function trustInCertificates(files: {
  readonly app: string;
  readonly alipay: string;
  readonly roots: string;
}): Trust {
  const [own] = certificatesOf(files.app);
  const given = certificatesOf(files.alipay);
  const roots = certificatesOf(files.roots);
  if (!own) throw new Error('no certificate of the app');
  const chains = new Map<string, readonly X509Certificate[]>();
  for (const certificate of given.filter(({ ca }) => !ca)) {
    const chain = chainOf(certificate, given, roots);
    if (!chain) throw new Error('a certificate that is not below the roots');
    if (certificate.publicKey.asymmetricKeyType !== 'rsa') throw new Error('not an RSA certificate');
    chains.set(certificateName(certificate), chain);
  }
  if (chains.size === 0) throw new Error('no certificate of Alipay');
  return {
    names: { app_cert_sn: certificateName(own), alipay_root_cert_sn: rootName(roots) },
    keyFor(named, now) {
      if (named === null) return 'names no certificate';
      const chain = chains.get(named);
      if (!chain?.[0]) return 'names a certificate that we do not have';
      return chain.every((each) => validAt(each, now)) ? chain[0].publicKey : 'certificate out of its time';
    },
  };
}
