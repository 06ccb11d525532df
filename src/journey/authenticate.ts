import type Router from '@koa/router';
import { z } from 'zod';
import { eventTemplates } from '../authenticators/index.ts';
import { verifyAuthentication } from '../authenticators/passkey.ts';
import { verifyPassword } from '../authenticators/password.ts';
import { hashRecoveryCode } from '../authenticators/recovery-code.ts';
import { verifyTotp } from '../authenticators/totp.ts';
import { noteFailure } from '../commands/note-failure.ts';
import { recordAuthentication } from '../commands/record-authentication.ts';
import { normalisePhone } from '../identity/phone.ts';
import { openFor } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { findAccount, findAccountByContact } from '../storage/accounts.ts';
import { findPasskeyByCredentialId, passwordOf, totpOf } from '../storage/authenticators.ts';
import { passkeyHandle } from '../storage/merges.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { parseCredential, passkeyForm, takeCeremony } from './ceremonies.ts';
import { causeOf, fieldErrors, type Handler, withSituation } from './context.ts';
import type { JourneyDeps } from './deps.ts';
import { type Situation, samePerson } from './gather.ts';
import { saveState } from './state.ts';
import { count, countAddress } from './throttles.ts';

const verifyPasskey: Handler = async (deps, ctx, situation) => {
  await countAddress(deps, ctx, 'passkeyAddress');
  const form = parseForm(passkeyForm, ctx.request.body);
  if (!form.ok) throw new ShiminError('passkey_rejected', { status: 400 });
  const ceremony = await takeCeremony(deps, situation, form.value.ceremony, 'passkey-authentication');
  const db = deps.db;
  const result = await verifyAuthentication({
    response: parseCredential(form.value.response),
    keep: ceremony.keep,
    expectedOrigins: [...deps.origins],
    rpId: deps.rpId,
    requireUserVerification: false,
    find: (credentialId) => findStored(db, credentialId),
    ...(ceremony.accountId === null ? undefined : { expectedAccountId: ceremony.accountId }),
  });
  if (!result.ok) {
    await noteFailure(deps, {
      accountId: ceremony.accountId,
      method: 'passkey',
      reason: result.reason,
      cause: causeOf(ctx, situation),
    });
    const code = result.reason === 'unknown_credential' ? 'passkey_unknown' : 'passkey_rejected';
    throw new ShiminError(code, { status: 400, detail: { reason: result.reason } });
  }
  samePerson(situation, result.passkey.accountId);
  const account = await findAccount(db, result.passkey.accountId);
  if (account?.status !== 'active') throw new ShiminError('account_suspended', { status: 403 });
  await recordAuthentication(deps, {
    accountId: account.id,
    interaction: situation.interaction.cid,
    facts: [result.event],
    uses: [{ kind: 'passkey', id: result.passkey.id, counter: result.counter, backupState: result.backupState }],
    cause: causeOf(ctx, situation),
  });
  seeOther(ctx, situation.base);
};

async function findStored(db: JourneyDeps['db'], credentialId: string) {
  const passkey = await findPasskeyByCredentialId(db, credentialId);
  if (!passkey || passkey.revokedAt !== null) return null;
  const account = await findAccount(db, passkey.accountId);
  if (!account) return null;
  return { ...passkey, userHandle: (await passkeyHandle(db, passkey.id)) ?? account.passkeyUserHandle };
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
  await countAddress(deps, ctx, 'passwordAddress');
  await count(deps, 'passwordTarget', target);
  const db = deps.db;
  const found = phone === null ? null : await findAccountByContact(db, deps.keyring, 'phone', phone);
  const stored = found ? await passwordOf(db, found.accountId) : null;
  const right = await verifyPassword({
    queue: deps.hashQueue,
    pepper: deps.keyring.pepper,
    stored: stored?.hash ?? null,
    password: form.value.password,
  });
  if (!right || !found) {
    await noteFailure(deps, {
      accountId: found?.accountId ?? null,
      method: 'password',
      reason: 'credentials_wrong',
      cause: causeOf(ctx, situation),
    });
    return fieldErrors(deps, ctx, situation, 'password', { password: 'errors.credentials_wrong' });
  }
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
  await count(deps, 'totpAccount', accountId);
  const db = deps.db;
  const [account, totp] = await Promise.all([findAccount(db, accountId), totpOf(db, accountId)]);
  if (account?.status !== 'active') throw new ShiminError('account_suspended', { status: 403 });
  const now = deps.clock();
  const checked = totp
    ? verifyTotp({
        secret: openFor(deps.keyring, account.sealedKey, totp.sealedSecret, `totp:${accountId}`),
        code: form.value.code,
        now,
        lastStep: totp.lastStep,
      })
    : null;
  if (!totp || !checked?.ok) {
    await noteFailure(deps, { accountId, method: 'totp', reason: 'code_wrong', cause: causeOf(ctx, situation) });
    return fieldErrors(deps, ctx, situation, 'totp', { code: 'errors.code_wrong' });
  }
  return finishPassword(deps, ctx, situation, accountId, { kind: 'totp', id: totp.id, step: checked.step });
};

const enterRecoveryCode: Handler = async (deps, ctx, situation) => {
  const accountId = situation.state.passwordOf;
  if (accountId === null) return seeOther(ctx, situation.base);
  const form = parseForm(codeForm, ctx.request.body);
  if (!form.ok) return fieldErrors(deps, ctx, situation, 'recovery-code', form.errors);
  await count(deps, 'recoveryAccount', accountId);
  const hash = await hashRecoveryCode({
    queue: deps.hashQueue,
    pepper: deps.keyring.pepper,
    accountId,
    code: form.value.code,
  });
  if (hash === null) return fieldErrors(deps, ctx, situation, 'recovery-code', { code: 'errors.code_wrong' });
  try {
    return await finishPassword(deps, ctx, situation, accountId, { kind: 'recovery_code', hash });
  } catch (error) {
    if (!(error instanceof ShiminError) || error.code !== 'ceremony_replayed') throw error;
    await noteFailure(deps, {
      accountId,
      method: 'recovery_code',
      reason: 'code_wrong',
      cause: causeOf(ctx, situation),
    });
    return fieldErrors(deps, ctx, situation, 'recovery-code', { code: 'errors.code_wrong' });
  }
};

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
