import { z } from 'zod';
import { upstreamProofs } from '../../assurance/worth.ts';
import { defineBridge } from '../bridge.ts';
import { certificatesOf } from './certificates.ts';
import { CITIZEN, twFidoBridge } from './login.ts';
import { noRevocation, revocationLists } from './revocation.ts';
import { service } from './service.ts';

/** Whether a file of certificates can be read is said where it is typed in, not at the first sign-in. */
const isAuthorities = (pem: string) => {
  try {
    return certificatesOf(pem).every(({ ca }) => ca);
  } catch {
    return false;
  }
};
const authorities = z.string().max(60_000);

const settings = z
  .object({
    /** https://fidoapi.moi.gov.tw; for tests fidoapi-test.moi.gov.tw. */
    baseUrl: z.url().max(200),
    spServiceId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
    /** 256 bits in hex. */
    aesKey: z.string().regex(/^[0-9a-f]{64}$/i),
    /** PEM of MOICA's roots, and of the authorities below them that issue citizens' certificates. */
    roots: authorities.refine(isAuthorities, 'not certificates of authorities'),
    authorities: authorities
      .default('')
      .refine((pem) => pem === '' || isAuthorities(pem), 'not certificates of authorities'),
    revocation: z.enum(['crl', 'off']).default('crl'),
    /** Of the authorities' complete revocation lists, parted by spaces. */
    crlUrls: z.string().max(1000).default(''),
    /** What opens the app. */
    appUrl: z.string().max(200).default('mobilemoica://moica.moi.gov.tw/a2a/verifySign'),
    /** What the app shows the person to be agreeing to. */
    hint: z.string().min(1).max(100).default('登入市民帳號'),
    idpChecksum: z.enum(['checked', 'ignored']).default('checked'),
  })
  .refine(({ revocation, crlUrls }) => revocation === 'off' || urlsOf(crlUrls).length > 0, {
    message: 'needs the addresses of the lists',
    path: ['crlUrls'],
  })
  .refine(({ crlUrls }) => urlsOf(crlUrls).every((url) => URL.canParse(url)), {
    message: 'not addresses',
    path: ['crlUrls'],
  })
  .refine(({ appUrl }) => /^[a-z][a-z0-9+.-]*:\/\/[^\s?#]+$/.test(appUrl) && !/^(javascript|data):/.test(appUrl), {
    message: 'not the address of an app',
    path: ['appUrl'],
  });

const urlsOf = (text: string) => text.split(/\s+/).filter((url) => url !== '');

/** TW FidO (行動自然人憑證): the citizen's certificate of Taiwan's Ministry of the Interior, on a telephone. */
export const twFido = defineBridge({
  traits: {
    id: 'tw-fido',
    region: 'taiwan',
    minutes: 2,
    levels: [
      { name: null, worth: { identity: null, authentication: null } },
      {
        // A card that the household registry gave out in person, and a key bound to the telephone that it was shown to.
        name: CITIZEN,
        worth: {
          identity: upstreamProofs['tw-fido'].citizen,
          authentication: {
            factors: ['possession', 'inherence'],
            userVerified: true,
            // A ticket can be relayed to whoever is asked to approve it (D19; SP 800-63B-4 3.2.5).
            phishingResistant: false,
            deviceBound: true,
          },
        },
      },
    ],
    asks: [{ name: 'number', type: 'tw_national_id' }],
    have: ['have.twFidoApp'],
  },
  settings,
  secrets: ['aesKey'],
  multiline: ['roots', 'authorities'],
  open(given, { clock, ...line }) {
    const { spServiceId, appUrl, hint, idpChecksum } = given;
    const trust = {
      roots: certificatesOf(given.roots),
      between: given.authorities === '' ? [] : certificatesOf(given.authorities),
    };
    const revocation = given.revocation === 'off' ? noRevocation : revocationLists(urlsOf(given.crlUrls), line, clock);
    const own = { spServiceId, appUrl, hint, idpChecksum, key: Buffer.from(given.aesKey, 'hex') };
    return twFidoBridge(own, service(given.baseUrl, line), { trust, revocation, clock });
  },
});
