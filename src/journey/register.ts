import type Router from '@koa/router';
import { z } from 'zod';
import { eventTemplates } from '../authenticators/index.ts';
import { checkOneTimeCode, makeOneTimeCode } from '../authenticators/one-time-code.ts';
import { checkPasswordRules, hashPassword } from '../authenticators/password.ts';
import { hashRecoveryCodes, makeRecoveryCodes } from '../authenticators/recovery-code.ts';
import { newTotpSecret, verifyTotp } from '../authenticators/totp.ts';
import { newPasskeyOf, passkeyForm } from '../ceremonies/passkey.ts';
import type { EventFacts } from '../commands/record-authentication.ts';
import { type FirstAuthenticator, proposeAccount, registerCitizen } from '../commands/register-citizen.ts';
import { count, uncount } from '../commands/throttles.ts';
import { normalisePhone } from '../identity/phone.ts';
import { ShiminError } from '../lib/errors.ts';
import { findAccountByContact } from '../storage/accounts.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { causeOf, fieldErrors, type Handler, withSituation } from './context.ts';
import type { JourneyDeps } from './deps.ts';
import type { Situation } from './gather.ts';
import { type Registration, saveState } from './state.ts';

const codeMinutes = 10;
const phoneForm = z.object({ phone: z.string().trim().min(1).max(40), region: z.string().max(4).default('CN') });

const enterPhone: Handler = async (deps, ctx, situation) => {
  const form = parseForm(phoneForm, ctx.request.body);
  if (!form.ok) return fieldErrors(deps, ctx, situation, 'register', form.errors);
  const phone = normalisePhone(form.value.phone, form.value.region);
  if (phone === null) return fieldErrors(deps, ctx, situation, 'register', { phone: 'errors.phone_invalid' });
  await count(deps, 'smsAddress', deps.clientAddress(ctx));
  await count(deps, 'smsTarget', phone);
  const { accountId, userHandle } = proposeAccount();
  const now = deps.clock();
  const { code, hash, expiresAt } = makeOneTimeCode({
    pepper: deps.keyring.pepper,
    purpose: 'register',
    target: phone,
    ceremony: situation.interaction.cid,
    now,
  });
  const registration: Registration = {
    accountId,
    userHandle,
    phone,
    codeHash: hash,
    codeExpiresAt: expiresAt,
    confirmed: false,
    taken: false,
    passwordHash: null,
    totpSecret: null,
  };
  await deps.sendSms({
    to: phone,
    template: 'register',
    text: deps.renderer.i18n.t(ctx.state.locale, 'journey.sms.code', { code, minutes: codeMinutes }),
  });
  await saveState(deps, situation.interaction, { ...situation.state, registration });
  return seeOther(ctx, `${situation.base}?show=register`);
};

const codeForm = z.object({ code: z.string().trim().min(1).max(40) });

const enterCode: Handler = async (deps, ctx, situation) => {
  const registration = situation.state.registration;
  if (!registration || registration.codeHash === null) return seeOther(ctx, `${situation.base}?show=register`);
  const form = parseForm(codeForm, ctx.request.body);
  if (!form.ok) return fieldErrors(deps, ctx, situation, 'register-code', form.errors);
  // Counted per number, not per code: a new code does not reset the count (SP 800-63B-4 3.1.3.2).
  await count(deps, 'codeTarget', registration.phone);
  if (deps.clock().getTime() >= registration.codeExpiresAt) {
    return fieldErrors(deps, ctx, situation, 'register-code', { code: 'errors.code_expired' });
  }
  const right = checkOneTimeCode({
    pepper: deps.keyring.pepper,
    purpose: 'register',
    target: registration.phone,
    ceremony: situation.interaction.cid,
    code: form.value.code,
    hash: registration.codeHash,
    now: deps.clock(),
  });
  if (!right) return fieldErrors(deps, ctx, situation, 'register-code', { code: 'errors.code_wrong' });
  await uncount(deps, 'codeTarget', registration.phone);
  // The message went to somebody who was there.
  await uncount(deps, 'smsAddress', deps.clientAddress(ctx));
  const owner = await findAccountByContact(deps.db, deps.keyring, 'phone', registration.phone);
  await saveState(deps, situation.interaction, {
    ...situation.state,
    registration: { ...registration, codeHash: null, confirmed: true, taken: owner !== null },
  });
  return seeOther(ctx, `${situation.base}?show=register`);
};

const createPasskey: Handler = async (deps, ctx, situation) => {
  const registration = confirmed(situation);
  if (!registration) return seeOther(ctx, `${situation.base}?show=register`);
  const form = parseForm(passkeyForm, ctx.request.body);
  if (!form.ok) throw new ShiminError('passkey_rejected', { status: 400 });
  const whose = { in: situation.interaction.cid, accountId: registration.accountId };
  const { passkey, event } = await newPasskeyOf(deps, whose, 'registration', form.value);
  return complete(deps, ctx, situation, registration, { kind: 'passkey', passkey }, [event], []);
};

const passwordForm = z.object({ password: z.string().min(1).max(4096) });

const choosePassword: Handler = async (deps, ctx, situation) => {
  const registration = confirmed(situation);
  if (!registration) return seeOther(ctx, `${situation.base}?show=register`);
  const form = parseForm(passwordForm, ctx.request.body);
  if (!form.ok) return fieldErrors(deps, ctx, situation, 'register-password', form.errors);
  const rules = checkPasswordRules(form.value.password, { context: [registration.phone] });
  if (!rules.ok)
    return fieldErrors(deps, ctx, situation, 'register-password', { password: `errors.password_${rules.reason}` });
  const passwordHash = await hashPassword({
    queue: deps.hashQueue,
    pepper: deps.keyring.pepper,
    password: form.value.password,
  });
  const totpSecret = newTotpSecret();
  await saveState(deps, situation.interaction, {
    ...situation.state,
    registration: { ...registration, passwordHash, totpSecret },
  });
  return seeOther(ctx, `${situation.base}?show=register-password`);
};

const confirmTotp: Handler = async (deps, ctx, situation) => {
  const registration = confirmed(situation);
  if (!registration || registration.passwordHash === null || registration.totpSecret === null) {
    return seeOther(ctx, `${situation.base}?show=register-password`);
  }
  const form = parseForm(codeForm, ctx.request.body);
  if (!form.ok) return fieldErrors(deps, ctx, situation, 'register-totp', form.errors);
  await count(deps, 'totpAccount', registration.accountId);
  const checked = verifyTotp({
    secret: registration.totpSecret,
    code: form.value.code,
    now: deps.clock(),
    lastStep: 0,
  });
  if (!checked.ok) return fieldErrors(deps, ctx, situation, 'register-totp', { code: 'errors.code_wrong' });
  const codes = makeRecoveryCodes();
  const first: FirstAuthenticator = {
    kind: 'password',
    hash: registration.passwordHash,
    totpSecret: registration.totpSecret,
    totpStep: checked.step,
    recoveryHashes: await hashRecoveryCodes({
      queue: deps.hashQueue,
      pepper: deps.keyring.pepper,
      accountId: registration.accountId,
      codes,
    }),
  };
  return complete(
    deps,
    ctx,
    situation,
    registration,
    first,
    [eventTemplates.password(), eventTemplates.totp(null)],
    codes,
  );
};

const savedCodes: Handler = async (deps, ctx, situation) => {
  await saveState(deps, situation.interaction, { ...situation.state, recoveryCodes: [] });
  seeOther(ctx, situation.base);
};

function confirmed(situation: Situation): Registration | null {
  const { registration } = situation.state;
  return registration?.confirmed && !registration.taken ? registration : null;
}

async function complete(
  deps: JourneyDeps,
  ctx: Parameters<Handler>[1],
  situation: Situation,
  registration: Registration,
  first: FirstAuthenticator,
  facts: readonly EventFacts[],
  recoveryCodes: readonly string[],
): Promise<void> {
  await count(deps, 'createAddress', deps.clientAddress(ctx));
  if (situation.citizen) throw new ShiminError('interaction_foreign', { status: 409 });
  await registerCitizen(deps, {
    accountId: registration.accountId,
    userHandle: registration.userHandle,
    phone: registration.phone,
    locale: ctx.state.locale,
    interaction: situation.interaction.cid,
    first,
    facts,
    cause: causeOf(ctx, situation),
  });
  await saveState(deps, situation.interaction, {
    ...situation.state,
    registration: null,
    recoveryCodes: [...recoveryCodes],
  });
  seeOther(ctx, situation.base);
}

export function registerRoutes(router: Router, deps: JourneyDeps): void {
  router.post('/interaction/:uid/register/phone', withSituation(deps, enterPhone));
  router.post('/interaction/:uid/register/code', withSituation(deps, enterCode));
  router.post('/interaction/:uid/register/passkey', withSituation(deps, createPasskey));
  router.post('/interaction/:uid/register/password', withSituation(deps, choosePassword));
  router.post('/interaction/:uid/register/totp', withSituation(deps, confirmTotp));
  router.post('/interaction/:uid/recovery-codes', withSituation(deps, savedCodes));
}
