import { createPrivateKey, createPublicKey } from 'node:crypto';
import { z } from 'zod';

const usable = (read: (pem: string) => unknown) => (pem: string) => {
  try {
    read(pem);
    return true;
  } catch {
    return false;
  }
};
const privatePem = z.string().refine(usable(createPrivateKey), 'must be a private key in PEM');

/** The keys in a text, one after the other. */
export const pemsOf = (text: string): string[] => text.match(/-----BEGIN [\s\S]*?-----END [A-Z ]+-----/g) ?? [];

export const networkIdSettings = z.object({
  /** What opens the app, with the person's way back. */
  appUrl: z.url(),
  serverUrl: z.url(),
  orgCode: z.string().regex(/^[0-9]{8}$/),
  appId: z.enum(['0001', '0002', '0003']),
  /** As the person reads it in the app. */
  appName: z.string().min(1).max(50),
  signKey: privatePem,
  /** Opens what the platform tells of a person. */
  infoKey: privatePem,
  /** The platform's keys, one after the other; several while they change. */
  platformKeys: z
    .string()
    .refine((text) => pemsOf(text).length > 0 && pemsOf(text).every(usable(createPublicKey)), 'must be keys in PEM'),
});
export type NetworkIdSettings = z.infer<typeof networkIdSettings>;
