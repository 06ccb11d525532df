import { z } from 'zod';
import { upstreamProofs } from '../../assurance/worth.ts';
import { type BridgeLevel, defineBridge } from '../bridge.ts';
import { keyEncryptionKey, keyPaddings } from './content.ts';
import { gateway } from './gateway.ts';
import { BASIC, iamSmartBridge, PLUS } from './login.ts';

const isKey = (pem: string) => {
  try {
    keyEncryptionKey(pem);
    return true;
  } catch {
    return false;
  }
};

const settings = z.object({
  /** Up to and without /api/v1. */
  baseUrl: z.url().max(200),
  clientId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  clientSecret: z.string().min(8).max(200),
  /** PEM of the RSA key whose certificate is registered as key encryption key (KEK). */
  kekPrivateKey: z.string().refine(isKey, 'not an RSA key of 2048 bits or more'),
  keyPadding: z.enum(keyPaddings).default('pkcs1'),
  /** Some gateways want the signature in base64 without URL encoding. */
  signatureForm: z.enum(['encoded', 'plain']).default('encoded'),
  /** `userType` of people who have iAM Smart without the plus. */
  basicUserType: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,40}$/)
    .refine((word) => word !== 'sign', 'that is the word for iAM Smart+')
    .default('auth'),
});

const authentication = {
  // The app on the telephone it was bound to, opened with a finger, a face or its PIN.
  factors: ['possession', 'inherence'],
  userVerified: false,
  // A code on a screen can be sent on and scanned by somebody who is deceived.
  phishingResistant: false,
  deviceBound: false,
} as const;

const levels: readonly [BridgeLevel, ...BridgeLevel[]] = [
  { name: null, worth: { identity: null, authentication: null } },
  { name: BASIC, worth: { identity: upstreamProofs['iam-smart'].basic, authentication } },
  {
    name: PLUS,
    worth: { identity: upstreamProofs['iam-smart'].plus, authentication },
  },
];

/** iAM Smart (智方便), Hong Kong's digital identity. */
export const iamSmart = defineBridge({
  traits: {
    id: 'iam-smart',
    region: 'hong_kong',
    minutes: 2,
    levels,
    identityOfAccount: true,
    asks: [],
    have: ['have.iamSmartApp'],
  },
  settings,
  secrets: ['clientSecret', 'kekPrivateKey'],
  multiline: ['kekPrivateKey'],
  open(given, ports) {
    const { kekPrivateKey, ...rest } = given;
    return iamSmartBridge(given, gateway({ ...rest, key: keyEncryptionKey(kekPrivateKey) }, ports), ports.clock);
  },
});
