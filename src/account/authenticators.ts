import type Router from '@koa/router';
import { z } from 'zod';
import { registrationOptions, verifyRegistration } from '../authenticators/passkey.ts';
import { hashRecoveryCodes, makeRecoveryCodes } from '../authenticators/recovery-code.ts';
import {
  enrolPasskey,
  issueRecoveryCodes,
  nameAuthenticator,
  removePasskey,
} from '../commands/change-authenticators.ts';
import { maskPhone } from '../identity/phone.ts';
import { randomToken } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { contactsOf } from '../storage/accounts.ts';
import {
  findPasskeyByCredentialId,
  passkeysOf,
  passwordOf,
  recoveryCodesLeft,
  totpOf,
} from '../storage/authenticators.ts';
import { isStopped } from '../storage/failures.ts';
import { put, take } from '../storage/pending.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { causeOf, doneKey, freshly, type Handler, param, type SignedIn, withCitizen } from './context.ts';
import type { AccountDeps } from './deps.ts';

const page = '/account/authenticators';
const kind = 'account-passkey';
const notices = [
  'account.authenticators.done_added',
  'account.authenticators.done_renamed',
  'account.authenticators.done_removed',
];

const show: Handler = async (deps, ctx, citizen) => render(deps, ctx, citizen, {}, 200);

async function render(
  deps: AccountDeps,
  ctx: Parameters<Handler>[1],
  citizen: SignedIn,
  errors: Record<string, string>,
  status: number,
): Promise<void> {
  const { account } = citizen;
  const [passkeys, password, totp, codes] = await Promise.all([
    passkeysOf(deps.db, account.id),
    passwordOf(deps.db, account.id),
    totpOf(deps.db, account.id),
    recoveryCodesLeft(deps.db, account.id),
  ]);
  const stopped = {
    password: password?.stopped === true,
    totp: totp?.stopped === true,
    codes: await isStopped(deps.db, 'recovery_code', account.id),
  };
  const hasOther = password !== null && totp !== null && !stopped.password && !stopped.totp;
  deps.renderer.render(
    ctx,
    'account/authenticators',
    {
      passkeys: passkeys.map((passkey) => ({
        id: passkey.id,
        name: passkey.name === '' ? 'Passkey' : passkey.name,
        createdAt: passkey.createdAt,
        lastUsedAt: passkey.lastUsedAt,
        synced: passkey.backupEligible,
      })),
      hasPassword: password !== null,
      hasTotp: totp !== null,
      recoveryCodesLeft: codes,
      stopped,
      canRemove: passkeys.length > 1 || hasOther,
      passkey: await challenge(deps, citizen),
      errors,
      done: doneKey(ctx, notices),
    },
    { status },
  );
}

async function challenge(deps: AccountDeps, { account }: SignedIn) {
  const phone = (await contactsOf(deps.db, deps.keyring, account.id)).find((contact) => contact.kind === 'phone');
  const label = phone ? maskPhone(phone.value) : 'Shimin';
  const { options, keep } = await registrationOptions({
    rpId: deps.rpId,
    rpName: 'Shimin 市民',
    userHandle: account.passkeyUserHandle,
    userName: label,
    displayName: label,
    exclude: await passkeysOf(deps.db, account.id),
  });
  const ceremony = randomToken();
  const expiresAt = new Date(deps.clock().getTime() + 600_000);
  await put(
    deps.db,
    {
      id: ceremony,
      kind,
      interactionUid: null,
      accountId: account.id,
      payload: { keep, accountId: account.id },
      expiresAt,
    },
    deps.keyring,
  );
  return { ceremony, options };
}

const name = z.string().trim().max(60);
const addForm = z.object({
  ceremony: z.string().min(1).max(200),
  response: z.string().min(2).max(40_000),
  name: name.default(''),
});
const kept = z.object({ keep: z.unknown(), accountId: z.string() });

const add: Handler = async (deps, ctx, citizen) => {
  const form = parseForm(addForm, ctx.request.body);
  if (!form.ok) throw new ShiminError('passkey_rejected', { status: 400 });
  const ceremony = kept.safeParse(await take(deps.db, form.value.ceremony, kind, deps.clock(), deps.keyring));
  if (!ceremony.success || ceremony.data.accountId !== citizen.account.id)
    throw new ShiminError('ceremony_expired', { status: 400 });
  const result = await verifyRegistration({
    response: parseJson(form.value.response),
    keep: ceremony.data.keep,
    expectedOrigins: deps.origins,
    rpId: deps.rpId,
    isKnownCredential: async (id) => (await findPasskeyByCredentialId(deps.db, id)) !== null,
  });
  if (!result.ok) throw new ShiminError('passkey_rejected', { status: 400, detail: { reason: result.reason } });
  const passkey = form.value.name === '' ? result.passkey : { ...result.passkey, name: form.value.name };
  await enrolPasskey(deps, { accountId: citizen.account.id, passkey, event: null, cause: causeOf(ctx) });
  seeOther(ctx, `${page}?done=authenticators.done_added`);
};

const rename: Handler = async (deps, ctx, citizen) => {
  const form = parseForm(z.object({ name: name.min(1) }), ctx.request.body);
  if (!form.ok) return render(deps, ctx, citizen, form.errors, 422);
  const done = await nameAuthenticator(deps, {
    accountId: citizen.account.id,
    id: param(ctx, 'id'),
    name: form.value.name,
    cause: causeOf(ctx),
  });
  if (!done) throw new ShiminError('not_found', { status: 404 });
  return seeOther(ctx, `${page}?done=authenticators.done_renamed`);
};

const remove: Handler = async (deps, ctx, citizen) => {
  if (!(await removePasskey(deps, { accountId: citizen.account.id, id: param(ctx, 'id'), cause: causeOf(ctx) })))
    throw new ShiminError('not_found', { status: 404 });
  seeOther(ctx, `${page}?done=authenticators.done_removed`);
};

/** New codes are shown in this one answer and never again; the old ones are void from here on. */
const renewCodes: Handler = async (deps, ctx, citizen) => {
  if ((await totpOf(deps.db, citizen.account.id)) === null) throw new ShiminError('not_found', { status: 404 });
  const codes = makeRecoveryCodes();
  const hashes = await hashRecoveryCodes({
    queue: deps.hashQueue,
    pepper: deps.keyring.pepper,
    accountId: citizen.account.id,
    codes,
  });
  await issueRecoveryCodes(deps, { accountId: citizen.account.id, hashes, cause: causeOf(ctx) });
  deps.renderer.render(ctx, 'journey/recovery-codes', { codes, action: `${page}/recovery-codes/saved` });
};

const saved: Handler = async (_deps, ctx) => seeOther(ctx, page);

function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    throw new ShiminError('passkey_rejected', { status: 400, detail: { reason: 'malformed' } });
  }
}

export function authenticatorRoutes(router: Router, deps: AccountDeps): void {
  const guard = freshly(deps, page);
  router.get(page, guard, withCitizen(deps, show));
  router.post(`${page}/passkeys`, guard, withCitizen(deps, add));
  router.post(`${page}/passkeys/:id/rename`, guard, withCitizen(deps, rename));
  router.post(`${page}/passkeys/:id/remove`, guard, withCitizen(deps, remove));
  router.post(`${page}/recovery-codes`, guard, withCitizen(deps, renewCodes));
  router.post(`${page}/recovery-codes/saved`, withCitizen(deps, saved));
}
