import type Router from '@koa/router';
import { verifyRegistration } from '../authenticators/passkey.ts';
import { registrationKeepSchema } from '../authenticators/passkey-terms.ts';
import { enrolPasskey } from '../commands/change-authenticators.ts';
import { ShiminError } from '../lib/errors.ts';
import { findPasskeyByCredentialId } from '../storage/authenticators.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { parseCredential, passkeyForm, takeCeremony } from './ceremonies.ts';
import { causeOf, type Handler, withSituation } from './context.ts';
import type { JourneyDeps } from './deps.ts';
import { mayBind } from './own-sign-in.ts';

const enrol: Handler = async (deps, ctx, situation) => {
  const { citizen } = situation;
  if (!citizen) return seeOther(ctx, situation.base);
  // A stolen password alone, or a relayed sign-in, binds nothing.
  if (!mayBind(citizen, situation, deps.clock()))
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
