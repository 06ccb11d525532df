import { z } from 'zod';
import { defineBridge } from '../bridge.ts';
import { oneTap } from './login.ts';

const text = z.string().min(1).max(200);
const pem = z.string().includes('-----BEGIN ');

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
  ctccKey: pem,
  cuccUrl: z.url(),
  cuccAppId: text,
  cuccPrivateKey: pem,
  cuccKey: pem,
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
  secrets: ['cmccAppKey', 'ctccAppSecret', 'cuccPrivateKey'],
  open: oneTap,
});
