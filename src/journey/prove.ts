import type Router from '@koa/router';
import { z } from 'zod';
import { personCategory } from '../assurance/accepted.ts';
import { proofs, provedBy } from '../assurance/worth.ts';
import { type EvidenceFacts, recordEvidence, refuseEvidence } from '../commands/record-evidence.ts';
import { count, uncount } from '../commands/throttles.ts';
import { holdsDocument } from '../commands/upstream-person.ts';
import { readName } from '../identity/names.ts';
import { readNumber } from '../identity/read-number.ts';
import { ShiminError } from '../lib/errors.ts';
import { faceRefusal, ownRefusal, type Refusal, recordRefusal } from '../proofing/refusals.ts';
import { personOf } from '../storage/accounts.ts';
import { evidenceReference } from '../storage/evidence.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { causeOf, fieldErrors, type Handler, withSituation } from './context.ts';
import type { JourneyDeps } from './deps.ts';
import type { Citizen, Situation } from './gather.ts';
import { saveState } from './state.ts';
import { proveTie, takeFromSquatter, tieOf } from './tie.ts';

const populationForm = z.object({ name: z.string().min(1).max(200), number: z.string().min(1).max(40) });

const provePopulation: Handler = async (deps, ctx, situation) => {
  const citizen = authenticated(situation);
  const form = parseForm(populationForm, ctx.request.body);
  if (!form.ok) return fieldErrors(deps, ctx, situation, 'prove-population', form.errors);
  const name = readName(form.value.name);
  const document = readNumber('cn_resident_id', form.value.number, today(deps));
  if (!name.ok || name.script !== 'Hani')
    return fieldErrors(deps, ctx, situation, 'prove-population', { name: 'errors.name_invalid' });
  if (!document.ok) return fieldErrors(deps, ctx, situation, 'prove-population', { number: 'errors.number_invalid' });
  const { number } = document;
  // Guessing at the register is limited per account, per person guessed at and per address (security.md E17).
  await count(deps, 'registerAccount', citizen.account.id);
  await count(deps, 'registerTarget', number);
  await count(deps, 'registerAddress', deps.clientAddress(ctx));

  const silent = (await tieOf(deps, situation, citizen)) === 'silent';
  const known = await personOf(deps.db, deps.keyring, citizen.account.id);
  // Another person's number is not asked about for this account.
  if (known && !holdsDocument(known, 'cn_resident_id', number)) {
    return refused(deps, ctx, situation, citizen, ownRefusal('identity_mismatch', register));
  }
  const result = await deps.population.verify({ name: name.name, number, purpose: situation.app.id });
  switch (result.outcome) {
    case 'unavailable':
      return unavailable(deps, ctx, situation);
    case 'verified':
      break;
    default:
      return refused(
        deps,
        ctx,
        situation,
        citizen,
        recordRefusal(result.outcome, { ...register, own: known !== null }),
      );
  }
  await uncount(deps, 'registerAddress', deps.clientAddress(ctx));
  const facts: EvidenceFacts = {
    ...provedBy(proofs.population),
    category: 'mainland',
    expiresAt: result.facts.validUntil,
    reference: result.facts.recordRef,
  };
  const claims = {
    name: result.facts.name,
    documentType: 'cn_resident_id',
    documentNumber: number,
    birthDate: result.facts.birthDate ?? undefined,
    category: 'mainland' as const,
  };
  try {
    await recordEvidence(deps, {
      accountId: citizen.account.id,
      facts,
      claims,
      cause: causeOf(ctx, situation),
    });
  } catch (error) {
    if (!(error instanceof ShiminError) || !error.code.startsWith('identity_')) throw error;
    // Whoever only typed it first holds nobody's place.
    const proof = { facts, claims };
    const taken =
      error.code === 'identity_in_use' &&
      silent &&
      (await takeFromSquatter(deps, situation, citizen, proof, causeOf(ctx, situation)));
    // One person, one account: said only to somebody who gave the right name and number.
    if (!taken) return refused(deps, ctx, situation, citizen, ownRefusal(error.code, register));
    await saveState(deps, situation.interaction, { ...situation.state, notice: null, tie: 'yes' });
    return seeOther(ctx, situation.base);
  }
  // The page said so: together with the register's check the carrier is asked, where that is what is missing.
  const tie = silent ? await proveTie(deps, situation, citizen, causeOf(ctx, situation)) : situation.state.tie;
  await saveState(deps, situation.interaction, { ...situation.state, notice: null, tie });
  return seeOther(ctx, situation.base);
};

const startFace: Handler = async (deps, ctx, situation) => {
  const citizen = authenticated(situation);
  await count(deps, 'registerAccount', citizen.account.id);
  const recordRef = await liveRecord(deps, citizen);
  if (recordRef === null) return seeOther(ctx, situation.base);
  const started = await deps.face.start({ recordRef, returnUrl: `${deps.issuer}${situation.base}/prove/face/return` });
  if (started.outcome === 'unavailable') return unavailable(deps, ctx, situation);
  await saveState(deps, situation.interaction, { ...situation.state, notice: null, face: { keep: started.keep } });
  return seeOther(ctx, started.url);
};

const returnQuery = z.object({ session_id: z.string().min(1).max(200), result_token: z.string().min(1).max(500) });

/** The way back from the face service: the result is fetched by us with what we kept, once; the address proves nothing. */
const finishFace: Handler = async (deps, ctx, situation) => {
  const citizen = authenticated(situation);
  const query = returnQuery.safeParse(ctx.query);
  const { face } = situation.state;
  if (!query.success || face === null) return seeOther(ctx, situation.base);
  await saveState(deps, situation.interaction, { ...situation.state, face: null });
  const recordRef = await liveRecord(deps, citizen);
  const result = await deps.face.finish({
    keep: face.keep,
    sessionId: query.data.session_id,
    resultToken: query.data.result_token,
  });
  if (result.outcome === 'unavailable') return unavailable(deps, ctx, situation);
  if (result.outcome !== 'verified') return refused(deps, ctx, situation, citizen, faceRefusal(result.outcome));
  // The face counts only for the very record that was matched before.
  if (recordRef === null || result.recordRef !== recordRef)
    return refused(deps, ctx, situation, citizen, faceRefusal('face_mismatch'));
  const facts: EvidenceFacts = {
    ...provedBy(proofs.face),
    category: personCategory(citizen.evidence),
    expiresAt: null,
    reference: recordRef,
  };
  await recordEvidence(deps, { accountId: citizen.account.id, facts, cause: causeOf(ctx, situation) });
  await saveState(deps, situation.interaction, { ...situation.state, face: null, notice: null });
  return seeOther(ctx, situation.base);
};

const retry: Handler = async (deps, ctx, situation) => {
  await saveState(deps, situation.interaction, { ...situation.state, notice: null });
  seeOther(ctx, situation.base);
};

export function authenticated(situation: Situation): Citizen {
  // SP 800-63A-4 binds proofing to an authenticated account; one factor alone could be anybody with the phone.
  if (!situation.citizen || situation.citizen.assessment.aal < 2)
    throw new ShiminError('interaction_expired', { status: 403 });
  return situation.citizen;
}

/** Today in the city, YYYYMMDD. */
export const today = (deps: JourneyDeps) =>
  new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(deps.clock()).replaceAll('-', '');

/** Registers whose records have a photo that the face service may compare with. */
const withPhoto: ReadonlySet<string> = new Set(['population', 'exit-entry']);

async function liveRecord(deps: JourneyDeps, citizen: Citizen): Promise<string | null> {
  const now = deps.clock();
  const live = citizen.evidence.filter(
    (item) =>
      withPhoto.has(item.source) && item.revokedAt === null && (item.expiresAt === null || item.expiresAt > now),
  );
  const newest = live.toSorted((a, b) => b.recordedAt.getTime() - a.recordedAt.getTime())[0];
  return newest ? evidenceReference(deps.db, newest.id) : null;
}

export async function unavailable(deps: JourneyDeps, ctx: Parameters<Handler>[1], situation: Situation): Promise<void> {
  await saveState(deps, situation.interaction, {
    ...situation.state,
    face: null,
    notice: { kind: 'unavailable', reason: 'upstream_unavailable' },
  });
  seeOther(ctx, situation.base);
}

export async function refused(
  deps: JourneyDeps,
  ctx: Parameters<Handler>[1],
  situation: Situation,
  citizen: Citizen,
  { reason, kind, source, takes }: Refusal,
): Promise<void> {
  await refuseEvidence(deps, {
    accountId: citizen.account.id,
    kind,
    source,
    reason,
    revokeKinds: takes,
    cause: causeOf(ctx, situation),
  });
  await saveState(deps, situation.interaction, { ...situation.state, face: null, notice: { kind: 'refused', reason } });
  seeOther(ctx, situation.base);
}

const register = { kind: 'population', source: 'population' } as const;

/** One set of routes serves every proofing method of this interaction. */
export function proveRoutes(router: Router, deps: JourneyDeps): void {
  router.post('/interaction/:uid/prove/population', withSituation(deps, provePopulation));
  router.post('/interaction/:uid/prove/face/start', withSituation(deps, startFace));
  router.get('/interaction/:uid/prove/face/return', withSituation(deps, finishFace));
  router.post('/interaction/:uid/prove/retry', withSituation(deps, retry));
}
