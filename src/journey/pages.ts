import type { Context } from 'koa';
import type { Offer, Plan } from '../assurance/plan.ts';
import { totpUri } from '../authenticators/totp.ts';
import { askForPasskey, offerPasskey } from '../ceremonies/passkey.ts';
import { maskPhone } from '../identity/phone.ts';
import { faceRefusals } from '../proofing/method.ts';
import { noteVisit } from '../storage/journey-visits.ts';
import { formTarget } from '../web/guards.ts';
import { localeOf } from '../web/preferences.ts';
import { qrSvg } from '../web/qr.ts';
import { pendingUpstream, whoseOf } from './binding.ts';
import { bridgeData, nearness, signInBridges } from './bridge-data.ts';
import { checkData } from './check-data.ts';
import type { ConsentNeed } from './consent.ts';
import { consentItems } from './consent-items.ts';
import { counterData } from './counter-data.ts';
import type { JourneyDeps } from './deps.ts';
import type { Citizen, Situation } from './gather.ts';
import { qrData, qrHelps } from './qr-data.ts';
import { stepUpData } from './step-up-data.ts';
import { halfData, tieData } from './tie.ts';

export const pageNames = [
  'sign-in',
  'password',
  'qr',
  'qr-ended',
  'totp',
  'recovery-code',
  'register',
  'register-code',
  'register-taken',
  'register-authenticator',
  'register-password',
  'register-totp',
  'recovery-codes',
  'enrol-passkey',
  'added',
  'choose',
  'prove-population',
  'prove-face',
  'prove-counter',
  'prove-check',
  'prove-tie',
  'prove-bridge',
  'bridge-input',
  'bridge-wait',
  'bridge-new',
  'bridge-link',
  'bridge-refused',
  'prove-unavailable',
  'prove-refused',
  'consent',
  'stopped',
] as const;
export type PageName = (typeof pageNames)[number];

export interface PageInput {
  readonly errors: Readonly<Record<string, string>>;
  readonly status: number;
  readonly ways?: Plan;
  readonly offers?: readonly Offer[];
  readonly consent?: ConsentNeed | null;
  /** The step of the chosen way that the page is for. */
  readonly step?: string;
  /** The same page once more, because it looks again by itself. */
  readonly again?: true;
  /** Why something came to nothing. */
  readonly reason?: string;
}

const typedFields = ['region', 'phone', 'name', 'number', 'documentType'];

/** Shows one page of the journey. Views get finished values only. */
export async function renderPage(
  deps: JourneyDeps,
  ctx: Context,
  situation: Situation,
  page: PageName,
  input: PageInput,
): Promise<void> {
  const { app, base, interaction } = situation;
  ctx.state.uiLocales = interaction.params.ui_locales;
  const locale = localeOf(ctx, deps.renderer.i18n);
  // Chrome holds form-action against the redirect at the end of the journey and on the way to the face service.
  ctx.state.formTargets = [interaction.params.redirect_uri, page === 'prove-face' ? deps.faceOrigin : undefined]
    .map((uri) => (uri === undefined ? null : formTarget(uri)))
    .filter((target) => target !== null);
  const { i18n } = deps.renderer;
  const data = {
    base,
    app: { name: i18n.pick(app.name, locale), purpose: i18n.pick(app.purpose, locale), backUrl: null },
    errors: input.errors,
    values: typed(ctx),
    ...(await pageData(deps, ctx, situation, page, input)),
  };
  if (input.again !== true)
    await noteVisit(deps.db, { cid: interaction.cid, clientId: app.id, page, at: deps.clock() });
  deps.renderer.render(ctx, `journey/${page}`, data, { status: input.status });
}

/** What was typed, to be shown again; no secret and no code. */
function typed(ctx: Context): Record<string, string> {
  const body: unknown = ctx.request.body;
  if (typeof body !== 'object' || body === null) return {};
  return Object.fromEntries(
    Object.entries(body).filter(
      (entry): entry is [string, string] => typedFields.includes(entry[0]) && typeof entry[1] === 'string',
    ),
  );
}

async function pageData(
  deps: JourneyDeps,
  ctx: Context,
  situation: Situation,
  page: PageName,
  input: PageInput,
): Promise<object> {
  const { state, citizen } = situation;
  const { registration } = state;
  const canContinue = citizen !== null && citizen.verdict.kind === 'short' && citizen.verdict.voluntary;
  switch (page) {
    case 'prove-check':
      return checkData(deps, ctx, situation, input.step);
    case 'prove-population':
    case 'prove-tie':
      return tieData(deps, situation);
    case 'prove-bridge':
    case 'bridge-input':
    case 'bridge-wait':
    case 'bridge-new':
    case 'bridge-link':
    case 'bridge-refused':
      return bridgeData(deps, ctx, situation, page, input.step);
    case 'sign-in':
      return {
        bridges: await signInBridges(deps, ctx, situation),
        linking: state.upstream === null ? null : state.upstream.facts.bridge,
        passkey: await askForPasskey(deps, whoseOf(situation), citizen?.holdings.passkeys ?? []),
        signedIn: citizen !== null,
        qr: qrHelps(situation, deps.clock()),
        ...(citizen
          ? {
              reason: citizen.verdict.kind === 'short' ? citizen.verdict.reasons[0] : undefined,
              canPassword: citizen.holdings.hasPassword,
            }
          : {}),
      };
    case 'qr':
      return qrData(deps, ctx, situation, input.again === true);
    case 'qr-ended':
      return { reason: input.reason };
    case 'register-code':
      return registration
        ? { phoneMasked: maskPhone(registration.phone), values: { region: '', phone: registration.phone }, minutes: 10 }
        : {};
    case 'register-taken':
      return registration ? { phoneMasked: maskPhone(registration.phone) } : {};
    case 'register-authenticator':
      return registration
        ? {
            passkey: await offerPasskey(
              deps,
              { in: situation.interaction.cid, accountId: registration.accountId },
              {
                purpose: 'registration',
                userHandle: registration.userHandle,
                label: maskPhone(registration.phone),
                exclude: [],
              },
            ),
            bridge: pendingUpstream(situation, deps.clock())?.bridge ?? null,
          }
        : {};
    case 'register-password':
      return registration ? { username: registration.phone } : {};
    case 'register-totp':
      return registration?.totpSecret ? totpData(registration.totpSecret, maskPhone(registration.phone)) : {};
    case 'recovery-codes':
      return { codes: state.recoveryCodes };
    case 'enrol-passkey':
      return citizen ? { passkey: await offerPasskey(deps, whoseOf(situation), anotherPasskey(citizen)) } : {};
    case 'added':
    case 'choose':
      return {
        ...stepUpData(situation, input.ways, input.offers ?? [], await nearness(deps, ctx)),
        ...(await halfData(deps, situation)),
        canContinue,
      };
    case 'prove-counter':
      return citizen ? counterData(deps, ctx, situation, citizen.account.id) : {};
    case 'prove-unavailable':
      return { canContinue };
    case 'prove-refused':
      return { canContinue, cause: refusalCause(state.notice?.reason) };
    case 'consent':
      return citizen && input.consent ? consentItems(deps, citizen, input.consent) : {};
    case 'stopped':
      return { stop: situation.stop };
    default:
      return {};
  }
}

/**
 * What of a refusal a person reads: what happened at the camera, and what a rule of ours said to whoever proved it. Whatever a
 * register answers reads the same, so that nobody learns by it of anybody's record.
 */
function refusalCause(reason: string | undefined): string {
  return causes.find((each) => each === reason) ?? 'register';
}
const causes = [...faceRefusals, 'identity_minor', 'identity_in_use', 'identity_mismatch'] as const;

const anotherPasskey = ({ account, holdings }: Citizen) => ({
  purpose: 'enrolment' as const,
  userHandle: account.passkeyUserHandle,
  label: 'Shimin',
  exclude: holdings.passkeys,
});

function totpData(secret: string, label: string): object {
  const uri = totpUri({ secret, issuer: 'Shimin', label });
  return { qrSvg: qrSvg(uri), secret: secret.match(/.{1,4}/g)?.join(' ') ?? secret, uri };
}
