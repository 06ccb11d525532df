import { z } from 'zod';
import type { PasskeyRefusal } from './passkey-terms.ts';

/** A credential id may be 1023 bytes (WebAuthn L3 7.1 step 25); 1364 characters of base64url. */
export const MAX_CREDENTIAL_ID_BYTES = 1023;

const base64url = (maxBytes: number) =>
  z
    .string()
    .min(1)
    .max(Math.ceil((maxBytes * 4) / 3))
    .regex(/^[A-Za-z0-9_-]+$/)
    // Decoders drop stray bits; one value must have one spelling, since ids are compared as text.
    .refine((text) => Buffer.from(text, 'base64url').toString('base64url') === text, 'not canonical base64url');

export const transports = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'] as const;
const transportSchema = z.enum(transports);

/** Outputs we did not ask for are dropped unread; `credProps` is the only one we ask for (step R28). */
const extensionResults = z
  .object({ credProps: z.object({ rk: z.boolean().optional() }).optional() })
  .optional()
  .default({});

const attachment = z.enum(['platform', 'cross-platform']).nullish().catch(null);

export const registrationWire = z.object({
  id: base64url(4096),
  rawId: base64url(4096),
  type: z.literal('public-key'),
  authenticatorAttachment: attachment,
  clientExtensionResults: extensionResults,
  response: z.object({
    clientDataJSON: base64url(4096),
    attestationObject: base64url(16_384),
    // Transports are hints; unknown ones of a newer browser are left out instead of failing the ceremony.
    transports: z
      .array(z.string().max(32))
      .max(16)
      .optional()
      .default([])
      .transform((list) => list.flatMap((item) => transportSchema.safeParse(item).data ?? [])),
  }),
});

export const authenticationWire = z.object({
  id: base64url(4096),
  rawId: base64url(4096),
  type: z.literal('public-key'),
  authenticatorAttachment: attachment,
  clientExtensionResults: extensionResults,
  response: z.object({
    clientDataJSON: base64url(4096),
    authenticatorData: base64url(4096),
    signature: base64url(2048),
    userHandle: base64url(64).nullish(),
  }),
});

/** CollectedClientData; browsers may add members, which WebAuthn 5.8.1 says to ignore. */
const clientData = z.object({
  type: z.string(),
  challenge: z.string(),
  origin: z.string(),
  crossOrigin: z.boolean().optional(),
  topOrigin: z.string().optional(),
});
type ClientData = z.infer<typeof clientData>;

function readClientData(encoded: string): ClientData | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(encoded, 'base64url'));
    return clientData.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

/** What the browser signed about where and why, before any cryptography: type, challenge, origin, frames (R7-R11, A10-A14). */
export function refusedContext(
  clientDataJSON: string,
  type: 'webauthn.create' | 'webauthn.get',
  challenge: string,
  origins: readonly string[],
): PasskeyRefusal | null {
  const client = readClientData(clientDataJSON);
  if (client === null) return 'malformed';
  if (client.type !== type) return 'wrong_ceremony';
  if (client.challenge !== challenge) return 'wrong_challenge';
  if (!origins.includes(client.origin)) return 'wrong_origin';
  // Shimin's pages are never framed, so a ceremony from within a frame is somebody else's page.
  return client.crossOrigin === true || client.topOrigin !== undefined ? 'cross_origin' : null;
}
