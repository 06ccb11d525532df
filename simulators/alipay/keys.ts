import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Keys and certificates of the demonstration, made once: of the app, of the gateway, and the roots above both. */
interface DemoKeys {
  readonly app: { readonly privateKey: string; readonly publicKey: string; readonly certificate: string };
  readonly gateway: { readonly privateKey: string; readonly publicKey: string; readonly certificate: string };
  readonly roots: string;
}

export interface Keys {
  readonly pem: DemoKeys;
  readonly gatewayKey: KeyObject;
  readonly appKey: KeyObject;
  /** Names of certificates as they travel. */
  readonly names: { readonly app: string; readonly roots: string; readonly gateway: string };
}

export function loadKeys(): Keys {
  const pem: DemoKeys = JSON.parse(readFileSync(new URL('./demo-keys.json', import.meta.url), 'utf8'));
  const first = (text: string) => blocks(text)[0] ?? '';
  return {
    pem,
    gatewayKey: createPrivateKey(pem.gateway.privateKey),
    appKey: createPublicKey(pem.app.publicKey),
    names: {
      app: nameOf(new X509Certificate(first(pem.app.certificate))),
      gateway: nameOf(new X509Certificate(first(pem.gateway.certificate))),
      roots: blocks(pem.roots)
        .map((block) => new X509Certificate(block))
        // Only roots signed with RSA count.
        .filter(({ publicKey }) => publicKey.asymmetricKeyType === 'rsa')
        .map(nameOf)
        .join('_'),
    },
  };
}

const blocks = (pem: string): string[] => pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];

/** MD5 of the issuer's parts in reverse order and the decimal serial number. */
function nameOf({ issuer, serialNumber }: X509Certificate): string {
  const text = issuer.split('\n').reverse().join(',') + BigInt(`0x${serialNumber}`).toString();
  return createHash('md5').update(text).digest('hex');
}
