import { z } from 'zod';
import { authenticationOptions, registrationOptions } from '../authenticators/passkey.ts';
import { maskPhone } from '../identity/phone.ts';
import { blindIndex } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { peek, put, take } from '../storage/pending.ts';
import type { JourneyDeps } from './deps.ts';
import type { Citizen, Situation } from './gather.ts';
import type { Registration } from './state.ts';

/** What a challenge was made for; it answers nothing else (security.md C02). */
type Purpose = 'passkey-authentication' | 'passkey-registration' | 'passkey-enrolment';

/** Each page has at least as long from when it is shown. */
const lifetimeMs = 10 * 60_000;
const rpName = 'Shimin 市民';

/** A page's passkey: the id under which the challenge waits, and the options for the browser. */
export interface Ceremony {
  readonly ceremony: string;
  readonly options: unknown;
}

/** What the page's script posts. */
export const passkeyForm = z.object({ ceremony: z.string().min(1).max(200), response: z.string().min(2).max(40_000) });

const kept = z.object({
  keep: z.unknown(),
  options: z.unknown(),
  of: z.string(),
  renewAt: z.number(),
  cid: z.string(),
  accountId: z.string().nullable(),
});

/** Sign-in, or step-up with one of the account's own passkeys. */
export async function passkeyChallenge(deps: JourneyDeps, situation: Situation): Promise<Ceremony> {
  const { citizen } = situation;
  // SP 800-63B-4 3.2.5: ask for user verification where possible; UV = 0 counts as one factor only.
  const allow = citizen?.holdings.passkeys ?? [];
  const make = () => authenticationOptions({ rpId: deps.rpId, allow, userVerification: 'preferred' });
  return wait(
    deps,
    situation,
    { kind: 'passkey-authentication', accountId: citizen?.account.id ?? null, keys: allow },
    make,
  );
}

/** The first passkey; the account it names exists only once the passkey is verified. */
export async function firstPasskeyChallenge(
  deps: JourneyDeps,
  situation: Situation,
  registration: Registration,
): Promise<Ceremony> {
  const name = maskPhone(registration.phone);
  const make = () =>
    registrationOptions({
      rpId: deps.rpId,
      rpName,
      userHandle: registration.userHandle,
      userName: name,
      displayName: name,
      exclude: [],
    });
  return wait(deps, situation, { kind: 'passkey-registration', accountId: registration.accountId, keys: [] }, make);
}

/** One more passkey of somebody who is signed in strongly enough. */
export async function enrolChallenge(
  deps: JourneyDeps,
  situation: Situation,
  citizen: Citizen,
  label: string,
): Promise<Ceremony> {
  const { passkeys } = citizen.holdings;
  const make = () =>
    registrationOptions({
      rpId: deps.rpId,
      rpName,
      userHandle: citizen.account.passkeyUserHandle,
      userName: label,
      displayName: label,
      exclude: passkeys,
    });
  return wait(deps, situation, { kind: 'passkey-enrolment', accountId: citizen.account.id, keys: passkeys }, make);
}

interface Wanted {
  readonly kind: Purpose;
  readonly accountId: string | null;
  /** Passkeys that the challenge names; others than before make a new one. */
  readonly keys: readonly { readonly credentialId: string }[];
}

/**
 * The challenge waits on the server under an id that only this request's pages know. Showing the page again shows the same
 * one while it has its time, so that a thousand looks leave one row; whoever answers it takes it.
 */
async function wait(
  deps: JourneyDeps,
  { interaction }: Situation,
  { kind, accountId, keys }: Wanted,
  make: () => Promise<{ options: unknown; keep: unknown }>,
): Promise<Ceremony> {
  const now = deps.clock();
  const of = JSON.stringify([accountId, ...keys.map(({ credentialId }) => credentialId)]);
  const ceremony = blindIndex(deps.keyring, 'ceremony', `${kind}:${interaction.cid}`);
  const shown = kept.safeParse(await peek(deps.db, ceremony, kind, now, deps.keyring));
  if (shown.success && shown.data.of === of && shown.data.renewAt > now.getTime())
    return { ceremony, options: shown.data.options };
  const { options, keep } = await make();
  const renewAt = now.getTime() + lifetimeMs;
  await put(
    deps.db,
    {
      id: ceremony,
      kind,
      interactionUid: interaction.cid,
      accountId: kind === 'passkey-registration' ? null : accountId,
      payload: { keep, options, of, renewAt, cid: interaction.cid, accountId },
      expiresAt: new Date(renewAt + lifetimeMs),
    },
    deps.keyring,
  );
  return { ceremony, options };
}

/** Takes the ceremony that the form names, once; it must be of this interaction and purpose. */
export async function takeCeremony(
  deps: JourneyDeps,
  situation: Situation,
  id: string,
  kind: Purpose,
): Promise<z.infer<typeof kept>> {
  const parsed = kept.safeParse(await take(deps.db, id, kind, deps.clock(), deps.keyring));
  if (!parsed.success || parsed.data.cid !== situation.interaction.cid)
    throw new ShiminError('ceremony_expired', { status: 400 });
  return parsed.data;
}

/** What a page's script sent; broken JSON is a rejected passkey, not a fault. */
export function parseCredential(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    throw new ShiminError('passkey_rejected', { status: 400, detail: { reason: 'malformed' } });
  }
}
