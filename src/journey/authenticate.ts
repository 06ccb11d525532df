import type Router from '@koa/router';
import { z } from 'zod';
import { eventTemplates } from '../authenticators/index.ts';
import { isSignOfCopy } from '../authenticators/passkey-terms.ts';
import { verifyPassword } from '../authenticators/password.ts';
import { hashRecoveryCode } from '../authenticators/recovery-code.ts';
import { verifyTotp } from '../authenticators/totp.ts';
import { passkeyForm, shownPasskey } from '../ceremonies/passkey.ts';
import { beginTry, endRow, noteFailure, type TypedAuthenticator } from '../commands/authenticator-tries.ts';
import type { Cause } from '../commands/command.ts';
import { recordAuthentication } from '../commands/record-authentication.ts';
import { setPasskeyAside } from '../commands/remove-authenticators.ts';
import { count, countGuess, uncount } from '../commands/throttles.ts';
import { normalisePhone } from '../identity/phone.ts';
import { openFor } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { findAccount, findAccountByContact } from '../storage/accounts.ts';
import { passwordOf, totpOf } from '../storage/authenticators.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { causeOf, fieldErrors, type Handler, withSituation } from './context.ts';
import type { JourneyDeps } from './deps.ts';
import { type Situation, samePerson } from './gather.ts';
import { saveState } from './state.ts';

const verifyPasskey: Handler = async (deps, ctx, situation) => {
  await count(deps, 'passkeyAddress', deps.clientAddress(ctx));
  const form = parseForm(passkeyForm, ctx.request.body);
  if (!form.ok) throw new ShiminError('passkey_rejected', { status: 400 });
  const { asked, verdict } = await shownPasskey(deps, situation.interaction.cid, form.value);
  if (!verdict.ok) return refusePasskey(deps, causeOf(ctx, situation), asked, verdict);
  await uncount(deps, 'passkeyAddress', deps.clientAddress(ctx));
  const { passkey } = verdict;
  samePerson(situation, passkey.accountId);
  const account = await findAccount(deps.db, passkey.accountId);
  if (account?.status !== 'active') throw new ShiminError('account_suspended', { status: 403 });
  await recordAuthentication(deps, {
    accountId: account.id,
    interaction: situation.interaction.cid,
    facts: [verdict.event],
    uses: [{ kind: 'passkey', id: passkey.id, counter: verdict.counter, backupState: verdict.backupState }],
    cause: causeOf(ctx, situation),
  });
  seeOther(ctx, situation.base);
};

type Refused = Extract<Awaited<ReturnType<typeof shownPasskey>>['verdict'], { ok: false }>;

/** Written down against whom it was asked of, or whose passkey it is; one that behaves as a copy would is set aside. */
async function refusePasskey(deps: JourneyDeps, cause: Cause, asked: string | null, refused: Refused): Promise<never> {
  const { reason, passkey } = refused;
  const accountId = asked ?? passkey?.accountId ?? null;
  await noteFailure(deps, { accountId, method: 'passkey', reason, cause });
  if (passkey && isSignOfCopy(reason)) await setPasskeyAside(deps, { passkey, reason, cause });
  const aside = isSignOfCopy(reason) || reason === 'credential_suspended';
  const code = reason === 'unknown_credential' ? 'passkey_unknown' : aside ? 'passkey_set_aside' : 'passkey_rejected';
  throw new ShiminError(code, { status: aside ? 403 : 400, detail: { reason } });
}

const passwordForm = z.object({
  phone: z.string().max(40),
  region: z.string().max(4).default('CN'),
  password: z.string().min(1).max(1024),
});

const enterPassword: Handler = async (deps, ctx, situation) => {
  const form = parseForm(passwordForm, ctx.request.body);
  if (!form.ok) return fieldErrors(deps, ctx, situation, 'password', form.errors);
  const phone = normalisePhone(form.value.phone, form.value.region);
  const target = phone ?? form.value.phone;
  const address = deps.clientAddress(ctx);
  await count(deps, 'passwordAddress', address);
  const db = deps.db;
  const found = phone === null ? null : await findAccountByContact(db, deps.keyring, 'phone', phone);
  const accountId = found?.accountId ?? null;
  const guessed = await countGuess(deps, 'password', { target, accountId, browser: deps.browsers.of(ctx) });
  const known = accountId === null ? null : await passwordOf(db, accountId);
  const tried = known && (await beginTry(deps, passwordKey(known.accountId)));
  // Stopped after too many failures: nothing is looked at, in the same time and with the same words as a wrong one.
  const stored = tried === null ? null : known;
  const right = await verifyPassword({
    queue: deps.hashQueue,
    pepper: deps.keyring.pepper,
    stored: stored?.hash ?? null,
    password: form.value.password,
  });
  if (!right || !found) {
    const reason = known !== null && tried === null ? 'authenticator_stopped' : 'credentials_wrong';
    const cause = causeOf(ctx, situation);
    await noteFailure(deps, { accountId, method: 'password', reason, cause, tries: tried });
    // Who is signed in already may know; to anybody else it would say that there is such an account.
    const own = reason === 'authenticator_stopped' && situation.citizen?.account.id === accountId;
    return fieldErrors(deps, ctx, situation, 'password', {
      password: own ? 'errors.authenticator_stopped' : 'errors.credentials_wrong',
    });
  }
  await Promise.all([uncount(deps, 'passwordAddress', address), guessed(), endRow(db, passwordKey(found.accountId))]);
  samePerson(situation, found.accountId);
  await saveState(deps, situation.interaction, { ...situation.state, passwordOf: found.accountId });
  return seeOther(ctx, situation.base);
};

const codeForm = z.object({ code: z.string().trim().min(1).max(40) });

const enterTotp: Handler = async (deps, ctx, situation) => {
  const accountId = situation.state.passwordOf;
  if (accountId === null) return seeOther(ctx, situation.base);
  const form = parseForm(codeForm, ctx.request.body);
  if (!form.ok) return fieldErrors(deps, ctx, situation, 'totp', form.errors);
  const guessed = await countGuess(deps, 'totp', { target: accountId, accountId, browser: deps.browsers.of(ctx) });
  const db = deps.db;
  const [account, totp] = await Promise.all([findAccount(db, accountId), totpOf(db, accountId)]);
  if (account?.status !== 'active') throw new ShiminError('account_suspended', { status: 403 });
  const now = deps.clock();
  const own: TypedAuthenticator | null = totp && { accountId, kind: 'totp', id: totp.id };
  const tries = own && (await beginTry(deps, own));
  if (totp && tries === null) return stopped(deps, ctx, situation, 'totp', accountId);
  const checked = totp
    ? verifyTotp({
        secret: openFor(deps.keyring, account.sealedKey, totp.sealedSecret, `totp:${accountId}`),
        code: form.value.code,
        now,
        lastStep: totp.lastStep,
      })
    : null;
  if (!totp || !checked?.ok) {
    await noteFailure(deps, { accountId, method: 'totp', reason: 'code_wrong', cause: causeOf(ctx, situation), tries });
    return fieldErrors(deps, ctx, situation, 'totp', { code: 'errors.code_wrong' });
  }
  await finishPassword(deps, ctx, situation, accountId, { kind: 'totp', id: totp.id, step: checked.step });
  await guessed();
};

const enterRecoveryCode: Handler = async (deps, ctx, situation) => {
  const accountId = situation.state.passwordOf;
  if (accountId === null) return seeOther(ctx, situation.base);
  const form = parseForm(codeForm, ctx.request.body);
  if (!form.ok) return fieldErrors(deps, ctx, situation, 'recovery-code', form.errors);
  const guessed = await countGuess(deps, 'recovery', { target: accountId, accountId, browser: deps.browsers.of(ctx) });
  const tries = await beginTry(deps, { accountId, kind: 'recovery_code', id: accountId });
  if (tries === null) return stopped(deps, ctx, situation, 'recovery_code', accountId);
  const hash = await hashRecoveryCode({
    queue: deps.hashQueue,
    pepper: deps.keyring.pepper,
    accountId,
    code: form.value.code,
  });
  const wrong = async () => {
    const cause = causeOf(ctx, situation);
    await noteFailure(deps, { accountId, method: 'recovery_code', reason: 'code_wrong', cause, tries });
    return fieldErrors(deps, ctx, situation, 'recovery-code', { code: 'errors.code_wrong' });
  };
  if (hash === null) return wrong();
  try {
    await finishPassword(deps, ctx, situation, accountId, { kind: 'recovery_code', hash });
  } catch (error) {
    if (!(error instanceof ShiminError) || error.code !== 'ceremony_replayed') throw error;
    return wrong();
  }
  return guessed();
};

const passwordKey = (accountId: string): TypedAuthenticator => ({ accountId, kind: 'password', id: accountId });

/** After a hundred failures in a row; said to whoever knows the password. */
async function stopped(
  deps: JourneyDeps,
  ctx: Parameters<Handler>[1],
  situation: Situation,
  method: 'totp' | 'recovery_code',
  accountId: string,
): Promise<void> {
  const cause = causeOf(ctx, situation);
  await noteFailure(deps, { accountId, method, reason: 'authenticator_stopped', cause });
  const page = method === 'totp' ? 'totp' : 'recovery-code';
  return fieldErrors(deps, ctx, situation, page, { code: 'errors.authenticator_stopped' });
}

type SecondUse = { kind: 'totp'; id: string; step: number } | { kind: 'recovery_code'; hash: string };

async function finishPassword(
  deps: JourneyDeps,
  ctx: Parameters<Handler>[1],
  situation: Situation,
  accountId: string,
  use: SecondUse,
) {
  samePerson(situation, accountId);
  const second = use.kind === 'totp' ? eventTemplates.totp(use.id) : eventTemplates.recovery_code();
  await recordAuthentication(deps, {
    accountId,
    interaction: situation.interaction.cid,
    facts: [eventTemplates.password(), second],
    uses: [use],
    cause: causeOf(ctx, situation),
  });
  await saveState(deps, situation.interaction, { ...situation.state, passwordOf: null });
  return seeOther(ctx, situation.base);
}

/** One set of routes serves every authenticator. */
export function authenticateRoutes(router: Router, deps: JourneyDeps): void {
  router.post('/interaction/:uid/passkey/verify', withSituation(deps, verifyPasskey));
  router.post('/interaction/:uid/password', withSituation(deps, enterPassword));
  router.post('/interaction/:uid/totp', withSituation(deps, enterTotp));
  router.post('/interaction/:uid/recovery-code', withSituation(deps, enterRecoveryCode));
}
