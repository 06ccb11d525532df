import type Router from '@koa/router';
import { newPasskeyOf, passkeyForm } from '../ceremonies/passkey.ts';
import { askToBind } from '../commands/bind.ts';
import { enrolPasskey } from '../commands/change-authenticators.ts';
import { ShiminError } from '../lib/errors.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { ceremonyOf, whoseOf } from './binding.ts';
import { causeOf, type Handler, withSituation } from './context.ts';
import type { JourneyDeps } from './deps.ts';

const enrol: Handler = async (deps, ctx, situation) => {
  const { citizen } = situation;
  if (!citizen) return seeOther(ctx, situation.base);
  const { id: accountId } = citizen.account;
  const ceremony = ceremonyOf(situation);
  const cause = causeOf(ctx, situation);
  // Told first: of two reasons the one that the person can do something about.
  const adding = { kind: 'passkey', backupEligible: true } as const;
  await askToBind(deps, { accountId, adding, ground: ceremony, cause });
  const form = parseForm(passkeyForm, ctx.request.body);
  if (!form.ok) throw new ShiminError('passkey_rejected', { status: 400 });
  const { passkey } = await newPasskeyOf(deps, { ...whoseOf(situation), accountId }, 'enrolment', form.value);
  await enrolPasskey(deps, { accountId, passkey, ceremony, cause });
  return seeOther(ctx, situation.base);
};

/** The same request once more, as a new one: what was added in this one counts there. */
const again: Handler = async (deps, ctx) => seeOther(ctx, await deps.engine.again(ctx));

export function enrolRoutes(router: Router, deps: JourneyDeps): void {
  router.post('/interaction/:uid/enrol/passkey', withSituation(deps, enrol));
  router.post('/interaction/:uid/again', withSituation(deps, again));
}
