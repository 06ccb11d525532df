import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';

const block = /-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]{1,20000})-----END \1-----/g;

/** Every PEM text in a text, one after the other, with its lines in place (RFC 7468): a form's single line loses them. */
export function pemsIn(text: string): string[] {
  return [...text.matchAll(block)].map(([, label, body = '']) => {
    const lines = body.replaceAll(/\s/g, '').match(/.{1,64}/g) ?? [];
    return `${[`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join('\n')}\n`;
  });
}

/** RSA of 2048 bits at least: what is below can be broken by whoever can pay for it (SP 800-131A). */
function isUsable(pem: string, read: (pem: string) => KeyObject): boolean {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = read(pem);
    return asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
  } catch {
    return false;
  }
}

const keyText = (what: string, read: (pem: string) => KeyObject, several: boolean) =>
  z.string().transform((text, context) => {
    const pems = pemsIn(text);
    if (pems.length > 0 && (several || pems.length === 1) && pems.every((pem) => isUsable(pem, read)))
      return pems.join('');
    // Says what is wanted and not what was given.
    context.addIssue({ code: 'custom', message: `must be ${what} in PEM, RSA, 2048 bits or more` });
    return z.NEVER;
  });

/** Settings that hold keys; parsed, they are PEM as libraries want it. Certificates count as public keys. */
export const rsaPrivateKey = keyText('one private key', createPrivateKey, false);
export const rsaPublicKey = keyText('one public key', onlyPublic, false);
export const rsaPublicKeys = keyText('public keys', onlyPublic, true);

/** Node reads the public half out of a private key, too; one of those in the wrong field is a leak. */
function onlyPublic(pem: string): KeyObject {
  if (pem.includes('PRIVATE')) throw new Error('a private key');
  return createPublicKey(pem);
}
