import type { Context } from 'koa';
import { z } from 'zod';
import type { AuthenticationEvent } from '../assurance/evidence.ts';
import type { AssurancePolicy } from '../assurance/policy.ts';
import { describeChanges, longestWay, type Start } from '../assurance/preview.ts';
import { proofs, supposed } from '../assurance/worth.ts';
import { powerToPropose, proposalOf } from '../commands/change-payload.ts';
import { offersFor } from '../commands/offers.ts';
import { may } from '../commands/permissions.ts';
import { proposeDraft } from '../commands/propose-change.ts';
import { ShiminError } from '../lib/errors.ts';
import { type Change, changeById } from '../storage/changes.ts';
import { currentPolicy, policyByVersion } from '../storage/policies.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { changeTitle, peopleOf } from './change-words.ts';
import { type AdminHandler, type AdminRoute, byOf, page, param, type Staff, wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';
import { faultsOf } from './levels-draft.ts';
import { toldFaults } from './levels-faults.ts';
import { shadowNotice, shadowPart } from './levels-shadow.ts';
import { namesOf } from './names.ts';
import { policyWords } from './policy-words.ts';
import { countFor, replayDays } from './preview-count.ts';

const path = '/admin/preview';

/** The policy as it is, or was, and as it would be; null for a change that is about something else. */
async function policiesOf(
  deps: AdminDeps,
  change: Change,
): Promise<{ old: AssurancePolicy; next: AssurancePolicy } | null> {
  const what = proposalOf(change);
  if (what.kind !== 'policy' && what.kind !== 'rollback') return null;
  const base = change.basedOn === null ? null : await policyByVersion(deps.db, change.basedOn);
  const next =
    what.kind === 'policy' ? what.payload.document : (await policyByVersion(deps.db, what.payload.toVersion))?.document;
  return base === null || next === undefined ? null : { old: base.document, next };
}

/** What a change of the policy would mean, before anybody is affected: in words, in people, in sign-ins, in minutes. */
export async function previewOf(deps: AdminDeps, ctx: Context, change: Change): Promise<object | null> {
  const policies = await policiesOf(deps, change);
  if (policies === null) return null;
  const { old, next } = policies;
  const words = await policyWords(deps, ctx, [old, next]);
  const differences = describeChanges(old, next).map((difference) => {
    const [line = '', ...more] = words.lines(difference);
    return { line, more: more.map((text) => text.trim()) };
  });
  // What was decided is history: numbers of today would say nothing of it.
  const open = change.status === 'draft' || change.status === 'proposed' || change.status === 'scheduled';
  if (!open) return { differences, numbers: null, faults: [] };
  // Nothing is counted under rules that can't stand: it would be numbers of something that is not published.
  const faults = change.kind === 'policy' ? faultsOf(next) : [];
  if (faults.length > 0) {
    const told = await toldFaults(deps, ctx, next, faults);
    return { differences, numbers: null, faults: told.map(({ text }) => text) };
  }
  const counted = await countFor(deps, `${change.id}:${change.revision}:${change.basedOn}`, policies);
  const { longest, closed } = longestWay(next, { old, starts: starts(deps.clock()), now: deps.clock() });
  const { people, rising, dropping, movements } = counted.comparison;
  return {
    differences,
    faults: [],
    numbers: {
      finished: counted.finished,
      people,
      rising,
      dropping,
      movements: movements.map((movement) => ({ ...movement, level: words.level(movement.level) })),
      days: replayDays,
      decisions: counted.decisions,
      apps: counted.replay.map((app) => ({ ...app, name: words.app(app.clientId) })),
      longest: longest === null ? null : { ...longest, app: words.app(longest.clientId) },
      closed: closed.map(({ clientId, start }) => ({ app: words.app(clientId), start })),
    },
  };
}

/** The people whose way is measured: somebody new, and somebody at each step that most people are on. */
export function starts(now: Date): Start[] {
  const offers = offersFor(
    { passkeys: [], hasPassword: false, hasTotp: false, recoveryCodesLeft: 0 },
    { population: true, face: true, counter: true, silentTie: true },
  );
  const contact = supposed('contact', proofs.sms, null, now);
  const register = supposed('population', proofs.population, 'mainland', now);
  const tie = supposed('carrier', proofs.carrier, 'mainland', now);
  const passkey: AuthenticationEvent = {
    id: 'passkey',
    method: 'passkey',
    at: now,
    credentialId: null,
    factors: ['possession', 'inherence'],
    userVerified: true,
    phishingResistant: true,
    deviceBound: false,
    interaction: 'preview',
  };
  return [
    { name: 'newcomer', evidence: [contact], events: [], offers },
    { name: 'registered', evidence: [contact], events: [passkey], offers },
    { name: 'named', evidence: [contact, register, tie], events: [passkey], offers },
  ];
}

const show: AdminHandler = async (deps, ctx, staff) => render(deps, ctx, staff, {}, 200);

async function render(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  again: { errors?: Record<string, string>; values?: Record<string, string> },
  status: number,
): Promise<void> {
  const change = await changeById(deps.db, param(ctx, 'id'));
  if (change === null) throw new ShiminError('not_found', { status: 404 });
  if (change.status !== 'draft') return seeOther(ctx, `/admin/approvals/${change.id}`);
  const { version, document } = await currentPolicy(deps.db);
  const nameOf = await namesOf(deps, peopleOf(change));
  page(
    deps,
    ctx,
    staff,
    'preview',
    {
      change: {
        ...change,
        title: changeTitle(wordsOf(deps, ctx), nameOf, change),
        author: nameOf(change.createdBy),
      },
      preview: await previewOf(deps, ctx, change),
      shadow: await shadowPart(deps, ctx, staff, change),
      notice: shadowNotice(deps, ctx),
      stale: change.basedOn !== version,
      canPropose: may(staff.roles, powerToPropose(proposalOf(change), document)),
      canEdit: may(staff.roles, 'policy.propose'),
      ...again,
    },
    { status },
  );
}

const proposeForm = z.object({
  reason: z.string().trim().min(1).max(500),
  revision: z.coerce.number().int().positive(),
  /** Minutes are enough; the city's clock (UTC+8) is meant. */
  publishAt: z.union([z.literal(''), z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/)]).default(''),
});

const propose: AdminHandler = async (deps, ctx, staff) => {
  const form = parseForm(proposeForm, ctx.request.body);
  const { reason = '', publishAt = '' } = z
    .object({ reason: z.string().optional(), publishAt: z.string().optional() })
    .catch({})
    .parse(ctx.request.body);
  const values = { reason, publishAt };
  if (!form.ok) return render(deps, ctx, staff, { errors: form.errors, values }, 422);
  const when = form.value.publishAt === '' ? null : new Date(`${form.value.publishAt}:00+08:00`);
  if (when !== null && !(when.getTime() > deps.clock().getTime()))
    return render(deps, ctx, staff, { errors: { publishAt: 'errors.field_invalid' }, values }, 422);
  const id = param(ctx, 'id');
  const { revision } = form.value;
  await proposeDraft(deps, { by: byOf(ctx, staff), id, revision, reason: form.value.reason, publishAt: when });
  return seeOther(ctx, `/admin/approvals/${id}?done=proposed`);
};

export const previewRoutes: readonly AdminRoute[] = [
  { method: 'get', path: `${path}/:id`, operation: 'policy.read', handler: show },
  { method: 'post', path: `${path}/:id/propose`, operation: 'requirement.propose', handler: propose },
];
