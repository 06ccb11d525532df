import type Router from '@koa/router';
import { z } from 'zod';
import { registrationOptions, verifyRegistration } from '../authenticators/passkey.ts';
import { registrationKeepSchema } from '../authenticators/passkey-terms.ts';
import { enrolPasskey } from '../commands/change-authenticators.ts';
import { strongestAal } from '../commands/strongest-aal.ts';
import { randomToken } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { findPasskeyByCredentialId } from '../storage/authenticators.ts';
import { put } from '../storage/pending.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { parseCredential, takeCeremony } from './authenticate.ts';
import { causeOf, type Handler, withSituation } from './context.ts';
import type { JourneyDeps } from './deps.ts';
import type { Citizen, Situation } from './gather.ts';

const ceremonyMinutes = 10;

/** Options for one more passkey of somebody who is signed in strongly enough. */
export async function enrolChallenge(deps: JourneyDeps, situation: Situation, citizen: Citizen, label: string) {
  const { options, keep } = await registrationOptions({
    rpId: deps.rpId,
    rpName: 'Shimin 市民',
    userHandle: citizen.account.passkeyUserHandle,
    userName: label,
    displayName: label,
    exclude: citizen.holdings.passkeys,
  });
  const ceremony = randomToken();
  await put(
    deps.db,
    {
      id: ceremony,
      kind: 'passkey-enrolment',
      interactionUid: situation.interaction.cid,
      accountId: citizen.account.id,
      payload: { keep, cid: situation.interaction.cid, accountId: citizen.account.id },
      expiresAt: new Date(deps.clock().getTime() + ceremonyMinutes * 60_000),
    },
    deps.keyring,
  );
  return { ceremony, options };
}

const passkeyForm = z.object({ ceremony: z.string().min(1).max(200), response: z.string().min(2).max(40_000) });

const enrol: Handler = async (deps, ctx, situation) => {
  const { citizen } = situation;
  if (!citizen) return seeOther(ctx, situation.base);
  // Binding needs what the account itself can show, up to AAL2 (SP 800-63B-4 4.1.2.1): a stolen password alone binds nothing.
  const needed = Math.min(2, strongestAal(citizen.holdings));
  if (citizen.assessment.aal < needed)
    throw new ShiminError('passkey_rejected', { status: 403, detail: { reason: 'aal_too_low' } });
  const form = parseForm(passkeyForm, ctx.request.body);
  if (!form.ok) throw new ShiminError('passkey_rejected', { status: 400 });
  const ceremony = await takeCeremony(deps, situation, form.value.ceremony, 'passkey-enrolment');
  const keep = registrationKeepSchema.safeParse(ceremony.keep);
  if (ceremony.accountId !== citizen.account.id || !keep.success)
    throw new ShiminError('ceremony_expired', { status: 400 });
  const result = await verifyRegistration({
    response: parseCredential(form.value.response),
    keep: keep.data,
    expectedOrigins: deps.origins,
    rpId: deps.rpId,
    isKnownCredential: async (id) => (await findPasskeyByCredentialId(deps.db, id)) !== null,
  });
  if (!result.ok) throw new ShiminError('passkey_rejected', { status: 400, detail: { reason: result.reason } });
  await enrolPasskey(deps, {
    accountId: citizen.account.id,
    passkey: result.passkey,
    event: { facts: result.event, interaction: situation.interaction.cid },
    cause: causeOf(ctx, situation),
  });
  return seeOther(ctx, situation.base);
};

export function enrolRoutes(router: Router, deps: JourneyDeps): void {
  router.post('/interaction/:uid/enrol/passkey', withSituation(deps, enrol));
}
