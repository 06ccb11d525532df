import { z } from 'zod';
import { rsaPrivateKey, rsaPublicKey } from '../../lib/pem.ts';
import { defineBridge } from '../bridge.ts';
import { oneTap } from './login.ts';

const text = z.string().min(1).max(200);

export const carrierSettings = z.object({
  /** The page that reads the number over the phone's own network and comes back with a token. */
  pageUrl: z.url(),
  pageAppId: text,
  cmccUrl: z.url(),
  cmccAppId: text,
  cmccAppKey: text,
  ctccUrl: z.url(),
  ctccAppId: text,
  ctccAppSecret: text,
  ctccKey: rsaPublicKey,
  cuccUrl: z.url(),
  cuccAppId: text,
  cuccPrivateKey: rsaPrivateKey,
  cuccKey: rsaPublicKey,
  // Read by the three-element check (src/proofing/carrier.ts): the carriers are one source with one row of settings and one switch.
  checkUrl: z.url().optional(),
  checkSecretId: text.optional(),
  checkSecretKey: text.optional(),
  minimumMonths: z
    .string()
    .regex(/^[0-9]{1,2}$/)
    .optional(),
});

/**
 * One-tap sign-in by China Mobile, China Telecom or China Unicom: the phone's own network tells the number. It shows that
 * the SIM is here, and nothing of who holds it: SIMs are swapped, and numbers given to others (reference 12.7).
 */
export const carrier = defineBridge({
  traits: {
    id: 'carrier',
    region: 'mainland',
    minutes: 1,
    levels: [
      {
        name: null,
        worth: {
          identity: null,
          authentication: {
            factors: ['possession'],
            userVerified: false,
            phishingResistant: false,
            deviceBound: false,
          },
        },
      },
    ],
    asks: [],
    have: ['have.mobileData'],
  },
  settings: carrierSettings,
  secrets: ['cmccAppKey', 'ctccAppSecret', 'cuccPrivateKey', 'checkSecretKey'],
  multiline: ['ctccKey', 'cuccPrivateKey', 'cuccKey'],
  open: oneTap,
});
