import { z } from 'zod';
import { rsaPrivateKey, rsaPublicKeys } from '../../lib/pem.ts';

export const networkIdSettings = z.object({
  /** What opens the app, with the person's way back. */
  appUrl: z.url(),
  serverUrl: z.url(),
  orgCode: z.string().regex(/^[0-9]{8}$/),
  appId: z.enum(['0001', '0002', '0003']),
  /** As the person reads it in the app. */
  appName: z.string().min(1).max(50),
  signKey: rsaPrivateKey,
  /** Opens what the platform tells of a person. */
  infoKey: rsaPrivateKey,
  /** The platform's keys, one after the other; several while they change. */
  platformKeys: rsaPublicKeys,
});
export type NetworkIdSettings = z.infer<typeof networkIdSettings>;
