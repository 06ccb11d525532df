import { z } from 'zod';
import {
  authenticationOptions,
  registrationOptions,
  verifyAuthentication,
  verifyRegistration,
} from '../authenticators/passkey.ts';
import type { AuthenticationVerdict, KnownCredential, StoredPasskey } from '../authenticators/passkey-terms.ts';
import type { CommandDeps } from '../commands/command.ts';
import { blindIndex } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { findAccount } from '../storage/accounts.ts';
import { findPasskeyByCredentialId, type Passkey } from '../storage/authenticators.ts';
import { passkeyHandle } from '../storage/merges.ts';
import { peek, put, take } from '../storage/pending.ts';

export interface PasskeyDeps extends CommandDeps {
  readonly rpId: string;
  /** Origins whose WebAuthn responses count. */
  readonly origins: readonly string[];
}

/** What a challenge was made for; it answers nothing else (a challenge of another session, person or purpose is refused). */
type Purpose = 'passkey-authentication' | 'passkey-registration' | 'passkey-enrolment';

/** Whose ceremony it is: the challenge is answered by the same one only. */
export interface Whose {
  /** The authorization request, or the area's session, in which the page was shown. */
  readonly in: string;
  /** Null: nobody is known yet. */
  readonly accountId: string | null;
}

/** A page's passkey: the id under which the challenge waits, and the options for the browser. */
export interface Ceremony {
  readonly ceremony: string;
  readonly options: unknown;
}

/** What the page's script posts. */
export const passkeyForm = z.object({ ceremony: z.string().min(1).max(200), response: z.string().min(2).max(40_000) });
export type PasskeyAnswer = z.infer<typeof passkeyForm>;

/** Each page has at least as long from when it is shown. */
const lifetimeMs = 10 * 60_000;
const rpName = 'Shimin 市民';

const kept = z.object({
  keep: z.unknown(),
  options: z.unknown(),
  of: z.string(),
  renewAt: z.number(),
  in: z.string(),
  accountId: z.string().nullable(),
});

/** Sign-in, or step-up with one of the account's own passkeys (`allow`). */
export async function askForPasskey(
  deps: PasskeyDeps,
  whose: Whose,
  allow: readonly KnownCredential[],
): Promise<Ceremony> {
  // SP 800-63B-4 3.2.5: ask for user verification where possible; UV = 0 counts as one factor only.
  const make = () => authenticationOptions({ rpId: deps.rpId, allow, userVerification: 'preferred' });
  return wait(deps, whose, { kind: 'passkey-authentication', keys: allow }, make);
}

interface NewKey {
  /** `registration`: the first one, of an account that exists only once it is verified. */
  readonly purpose: 'registration' | 'enrolment';
  readonly userHandle: string;
  readonly label: string;
  readonly exclude: readonly KnownCredential[];
}

export async function offerPasskey(deps: PasskeyDeps, whose: Whose, key: NewKey): Promise<Ceremony> {
  const { purpose, userHandle, label, exclude } = key;
  const who = { userHandle, userName: label, displayName: label };
  const make = () => registrationOptions({ rpId: deps.rpId, rpName, ...who, exclude });
  return wait(deps, whose, { kind: `passkey-${purpose}`, keys: exclude }, make);
}

/**
 * The challenge waits on the server under an id that only this ceremony's pages know. Showing the page again shows the same
 * one while it has its time, so that a thousand looks leave one row; whoever answers it takes it.
 */
async function wait(
  deps: PasskeyDeps,
  whose: Whose,
  /** `keys`: those that the challenge names; others than before make a new one. */
  { kind, keys }: { readonly kind: Purpose; readonly keys: readonly KnownCredential[] },
  make: () => Promise<{ options: unknown; keep: unknown }>,
): Promise<Ceremony> {
  const now = deps.clock();
  const { accountId } = whose;
  const of = JSON.stringify([accountId, ...keys.map(({ credentialId }) => credentialId)]);
  const ceremony = blindIndex(deps.keyring, 'ceremony', `${kind}:${whose.in}`);
  const shown = kept.safeParse(await peek(deps.db, ceremony, kind, now, deps.keyring));
  if (shown.success && shown.data.of === of && shown.data.renewAt > now.getTime())
    return { ceremony, options: shown.data.options };
  const { options, keep } = await make();
  const renewAt = now.getTime() + lifetimeMs;
  const row = {
    id: ceremony,
    kind,
    interactionUid: null,
    accountId: kind === 'passkey-registration' ? null : accountId,
    payload: { keep, options, of, renewAt, in: whose.in, accountId },
    expiresAt: new Date(renewAt + lifetimeMs),
  };
  await put(deps.db, row, deps.keyring);
  return { ceremony, options };
}

/**
 * Takes the ceremony that the form names, once, and what the page's script sent.
 * @throws ShiminError `ceremony_expired` unless it is of this purpose and place; `passkey_rejected` for broken JSON
 */
async function answered(deps: PasskeyDeps, where: string, kind: Purpose, answer: PasskeyAnswer) {
  const parsed = kept.safeParse(await take(deps.db, answer.ceremony, kind, deps.clock(), deps.keyring));
  if (!parsed.success || parsed.data.in !== where) throw new ShiminError('ceremony_expired', { status: 400 });
  return { ...parsed.data, response: json(answer.response) };
}

function json(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    throw new ShiminError('passkey_rejected', { status: 400, detail: { reason: 'malformed' } });
  }
}

/**
 * The new passkey that the page's answer holds, verified; storing it is a command's.
 * @throws ShiminError `ceremony_expired`, `passkey_rejected`
 */
export async function newPasskeyOf(
  deps: PasskeyDeps,
  whose: Whose & { readonly accountId: string },
  purpose: NewKey['purpose'],
  answer: PasskeyAnswer,
) {
  const { keep, response, accountId } = await answered(deps, whose.in, `passkey-${purpose}`, answer);
  if (accountId !== whose.accountId) throw new ShiminError('ceremony_expired', { status: 400 });
  const result = await verifyRegistration({
    response,
    keep,
    expectedOrigins: deps.origins,
    rpId: deps.rpId,
    isKnownCredential: async (id) => (await findPasskeyByCredentialId(deps.db, id)) !== null,
  });
  if (!result.ok) throw new ShiminError('passkey_rejected', { status: 400, detail: { reason: result.reason } });
  return result;
}

/** What a passkey showed, and of whom it was asked; null: of anybody. */
export async function shownPasskey(
  deps: PasskeyDeps,
  where: string,
  answer: PasskeyAnswer,
): Promise<{ asked: string | null; verdict: AuthenticationVerdict<Passkey & StoredPasskey> }> {
  const { keep, response, accountId } = await answered(deps, where, 'passkey-authentication', answer);
  const verdict = await verifyAuthentication({
    response,
    keep,
    expectedOrigins: deps.origins,
    rpId: deps.rpId,
    requireUserVerification: false,
    find: (credentialId) => findStored(deps, credentialId),
    ...(accountId === null ? undefined : { expectedAccountId: accountId }),
  });
  return { asked: accountId, verdict };
}

async function findStored({ db }: PasskeyDeps, credentialId: string) {
  const passkey = await findPasskeyByCredentialId(db, credentialId);
  if (!passkey || passkey.revokedAt !== null) return null;
  const account = await findAccount(db, passkey.accountId);
  if (!account) return null;
  return { ...passkey, userHandle: (await passkeyHandle(db, passkey.id)) ?? account.passkeyUserHandle };
}
