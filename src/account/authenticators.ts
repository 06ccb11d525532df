import type Router from '@koa/router';
import { z } from 'zod';
import { hashRecoveryCodes, makeRecoveryCodes } from '../authenticators/recovery-code.ts';
import { newPasskeyOf, offerPasskey, passkeyForm } from '../ceremonies/passkey.ts';
import { enrolPasskey, issueRecoveryCodes, nameAuthenticator } from '../commands/change-authenticators.ts';
import { removePasskey, removePassword } from '../commands/remove-authenticators.ts';
import { maskPhone } from '../identity/phone.ts';
import { ShiminError } from '../lib/errors.ts';
import { contactsOf } from '../storage/accounts.ts';
import { passkeysOf, passwordOf, recoveryCodesLeft, suspendedPasskeysOf, totpOf } from '../storage/authenticators.ts';
import { isStopped } from '../storage/failures.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import {
  causeOf,
  ceremonyOf,
  doneKey,
  freshlyHere,
  type Handler,
  param,
  type SignedIn,
  withCitizen,
} from './context.ts';
import type { AccountDeps } from './deps.ts';

const page = '/account/authenticators';
const notices = [
  'account.authenticators.done_added',
  'account.authenticators.done_renamed',
  'account.authenticators.done_removed',
  'account.authenticators.done_password',
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
  const [passkeys, aside, password, totp, codes] = await Promise.all([
    passkeysOf(deps.db, account.id),
    suspendedPasskeysOf(deps.db, account.id),
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
      passkeys: [...passkeys, ...aside].map((passkey) => ({
        id: passkey.id,
        name: passkey.name === '' ? 'Passkey' : passkey.name,
        createdAt: passkey.createdAt,
        lastUsedAt: passkey.lastUsedAt,
        synced: passkey.backupEligible,
        aside: passkey.suspendedAt !== null,
        canRemove: passkey.suspendedAt !== null || passkeys.length > 1 || hasOther,
      })),
      canDropPassword: passkeys.length > 0,
      hasPassword: password !== null,
      hasTotp: totp !== null,
      recoveryCodesLeft: codes,
      stopped,
      passkey: await challenge(deps, citizen),
      errors,
      done: doneKey(ctx, notices),
    },
    { status },
  );
}

/** The challenge belongs to this sign-in to the area. */
const whoseOf = ({ account, session }: SignedIn) => ({ in: `account:${session.sid}`, accountId: account.id });

async function challenge(deps: AccountDeps, citizen: SignedIn) {
  const { account } = citizen;
  const phone = (await contactsOf(deps.db, deps.keyring, account.id)).find((contact) => contact.kind === 'phone');
  return offerPasskey(deps, whoseOf(citizen), {
    purpose: 'enrolment',
    userHandle: account.passkeyUserHandle,
    label: phone ? maskPhone(phone.value) : 'Shimin',
    exclude: await passkeysOf(deps.db, account.id),
  });
}

const name = z.string().trim().max(60);
const addForm = passkeyForm.extend({ name: name.default('') });

const add: Handler = async (deps, ctx, citizen) => {
  const form = parseForm(addForm, ctx.request.body);
  if (!form.ok) throw new ShiminError('passkey_rejected', { status: 400 });
  const { passkey } = await newPasskeyOf(deps, whoseOf(citizen), 'enrolment', form.value);
  await enrolPasskey(deps, {
    accountId: citizen.account.id,
    passkey: form.value.name === '' ? passkey : { ...passkey, name: form.value.name },
    ceremony: await ceremonyOf(deps, citizen.session),
    cause: causeOf(ctx),
  });
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

/** New codes are shown in this one answer; the old ones are void from here on. */
const renewCodes: Handler = async (deps, ctx, citizen) => {
  if ((await totpOf(deps.db, citizen.account.id)) === null) throw new ShiminError('not_found', { status: 404 });
  const codes = makeRecoveryCodes();
  const hashes = await hashRecoveryCodes({
    queue: deps.hashQueue,
    pepper: deps.keyring.pepper,
    accountId: citizen.account.id,
    codes,
  });
  const ceremony = await ceremonyOf(deps, citizen.session);
  await issueRecoveryCodes(deps, { accountId: citizen.account.id, hashes, ceremony, cause: causeOf(ctx) });
  deps.renderer.render(ctx, 'journey/recovery-codes', { codes, action: `${page}/recovery-codes/saved` });
};

const saved: Handler = async (_deps, ctx) => seeOther(ctx, page);

/** The session in which it is said goes on; whoever else sits in one that the password opened is out. */
const giveUpPassword: Handler = async (deps, ctx, { account, session }) => {
  const { id: accountId } = account;
  const own = session.sid === null ? null : await deps.sessionOfSid(accountId, session.sid);
  if (!(await removePassword(deps, { accountId, session: own, cause: causeOf(ctx) })))
    throw new ShiminError('not_found', { status: 404 });
  seeOther(ctx, `${page}?done=authenticators.done_password`);
};

export function authenticatorRoutes(router: Router, deps: AccountDeps): void {
  const guard = freshlyHere(deps, page);
  router.get(page, guard, withCitizen(deps, show));
  router.post(`${page}/passkeys`, guard, withCitizen(deps, add));
  router.post(`${page}/passkeys/:id/rename`, guard, withCitizen(deps, rename));
  router.post(`${page}/passkeys/:id/remove`, guard, withCitizen(deps, remove));
  router.post(`${page}/password/remove`, guard, withCitizen(deps, giveUpPassword));
  router.post(`${page}/recovery-codes`, guard, withCitizen(deps, renewCodes));
  router.post(`${page}/recovery-codes/saved`, withCitizen(deps, saved));
}
