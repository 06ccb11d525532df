import { z } from 'zod';
import { canonicalDocument } from '../identity/documents/canonical.ts';
import { normaliseName } from '../identity/names.ts';
import { mainlandMobile } from '../identity/phone.ts';
import { ShiminError } from '../lib/errors.ts';
import type { Applicant, ProofingMethod, ProofingResult, ProvedFacts } from './method.ts';
import { changedHandsSince, type NumberMonths, parseMonths } from './number-age.ts';
import { unavailableFor } from './signed-call.ts';
import { type TencentSource, tencentCall } from './tencent-call.ts';

/** All texts, so that a form or a file can hold them. */
export const carrierCheckSettings = z.object({
  checkUrl: z.url(),
  checkSecretId: z.string().min(1).max(100),
  checkSecretKey: z.string().min(1).max(100),
  /** Numbers that their holder has had for less are no evidence; 0: all are. */
  minimumMonths: z
    .string()
    .regex(/^[0-9]{1,2}$/)
    .default('3'),
});

export const carrierCheckSecrets = ['checkSecretKey'] as const;

export type CarrierCheckPorts = Pick<TencentSource, 'upstream' | 'allowLoopback' | 'timeoutMs' | 'clock'>;

/** `unknown`: the carrier knows the number and not since when. */
export type NumberAge =
  | { readonly outcome: 'known'; readonly months: NumberMonths }
  | { readonly outcome: 'unknown' | 'not_found' | 'refused' }
  | { readonly outcome: 'unavailable'; readonly retryAfter: number };

export interface CarrierCheck extends ProofingMethod {
  /**
   * How long the number has been its present holder's. To be asked before a number that was confirmed long ago counts for
   * anything, recovery above all: `changedHandsSince` reads it.
   */
  numberAge(phone: string): Promise<NumberAge>;
}

const base = { RequestId: z.string().min(1).max(100), Description: z.string().optional() };
const matchSchema = z.object({
  ...base,
  Result: z.enum(['0', '-4', '-6', '-7', '-8', '-9', '-11', '-12']),
  Isp: z.enum(['移动', '联通', '电信', '']),
});
const statusSchema = z.object({
  ...base,
  Result: z.enum(['0', '-1', '-2', '-3', '-4']),
  StatusCode: z.number().int().nullish(),
});
const ageSchema = z.object({
  ...base,
  Result: z.enum(['0', '-1', '-2', '-3', '-4', '-5']),
  Range: z.string().max(20).nullish(),
});

/**
 * The three-element check: is this number registered to this name and document, at China Mobile, China Telecom or China
 * Unicom. Asked of one place for all three, because numbers move between carriers and keep their digits. It is one record
 * that agrees and says nothing of who is asking; a number that is out of service or came to its holder a moment ago is none.
 */
export function carrierCheck(given: unknown, ports: CarrierCheckPorts): CarrierCheck {
  const { checkUrl, checkSecretId, checkSecretKey, minimumMonths } = carrierCheckSettings.parse(given);
  const source = { ...ports, url: checkUrl, secretId: checkSecretId, secretKey: checkSecretKey };
  const leastMonths = Number(minimumMonths);

  async function numberAge(phone: string): Promise<NumberAge> {
    const mobile = mainlandMobile(phone);
    if (mobile === null) return { outcome: 'refused' };
    try {
      return ageOf(await tencentCall(source, 'MobileNetworkTimeVerification', { Mobile: mobile }, ageSchema));
    } catch (error) {
      return unavailableFor(error);
    }
  }

  return {
    id: 'carrier',
    numberAge,
    async verify(applicant) {
      const asked = askedOf(applicant);
      if (asked === null) return { outcome: 'refused' };
      try {
        const { name, number, mobile } = asked;
        const parameters = { IdCard: number, Name: name, Phone: mobile };
        const match = await tencentCall(source, 'PhoneVerification', parameters, matchSchema);
        const matched = judge(match, applicant, number);
        if (matched.outcome !== 'verified') return matched;
        // Only now: whoever does not know the holder hears nothing of the number.
        const standing = standingOf(await tencentCall(source, 'MobileStatus', { Mobile: mobile }, statusSchema));
        if (standing !== 'in_service') return { outcome: standing };
        const now = ports.clock();
        const confirmedAt = justConfirmed(applicant.phoneConfirmedAt, now)
          ? null
          : (applicant.phoneConfirmedAt ?? null);
        if (leastMonths === 0 && confirmedAt === null) return matched;
        return aged(matched, await numberAge(`+86${mobile}`), { leastMonths, confirmedAt, now });
      } catch (error) {
        return unavailableFor(error);
      }
    },
  };
}

/** Null for what carriers here can't be asked. */
function askedOf({ name, number, documentType = 'cn_resident_id', phone = '' }: Applicant) {
  const mobile = mainlandMobile(phone);
  const plainName = normaliseName(name);
  const plainNumber = canonicalDocument(documentType, number).number;
  const whole = plainName !== '' && /^[0-9]{17}[0-9X]$/.test(plainNumber);
  if (mobile === null || documentType !== 'cn_resident_id' || !whole) return null;
  return { name: plainName, number: plainNumber, mobile };
}

function judge(
  { Result, RequestId }: z.infer<typeof matchSchema>,
  applicant: Applicant,
  number: string,
): { outcome: 'verified'; facts: ProvedFacts } | { outcome: 'mismatch' | 'not_found' } {
  if (Result === '-9') return { outcome: 'not_found' };
  if (Result === '-11') throw busy('busy', 60);
  // So many questions about one number that no more are answered today.
  if (Result === '-12') throw busy('asked too often', 3_600);
  if (Result !== '0') return { outcome: 'mismatch' };
  return {
    outcome: 'verified',
    facts: {
      recordRef: RequestId,
      name: applicant.name,
      category: 'mainland',
      documentType: 'cn_resident_id',
      documentNumber: number,
      birthDate: null,
      validUntil: null,
      reference: RequestId,
    },
  };
}

/** Suspended, given up, never given out or unreachable: nobody can be holding it. Unknown is not known to be in service. */
function standingOf({ Result, StatusCode }: z.infer<typeof statusSchema>): 'in_service' | 'refused' | 'not_found' {
  if (Result === '-1') return 'not_found';
  if (Result === '-2') return 'refused';
  if (Result !== '0' || StatusCode == null || StatusCode === 99) throw busy('does not know the number’s state', 300);
  return StatusCode === 0 ? 'in_service' : 'refused';
}

function ageOf({ Result, Range }: z.infer<typeof ageSchema>): NumberAge {
  if (Result === '-1') return { outcome: 'refused' };
  if (Result === '-2') return { outcome: 'not_found' };
  if (Result === '-3') return { outcome: 'unknown' };
  if (Result === '-4') throw busy('busy', 60);
  if (Result === '-5') throw busy('asked too often', 3_600);
  const months = parseMonths(Range ?? '');
  if (months === null) throw busy('answered a range that is none', 60);
  return { outcome: 'known', months };
}

const DAY_MS = 24 * 3_600_000;

/** A number that was confirmed today is with whoever confirmed it. */
const justConfirmed = (at: Date | undefined, now: Date) => at !== undefined && now.getTime() - at.getTime() < DAY_MS;

/**
 * Numbers opened in somebody's name the other day are how stolen papers are used: a young number is no evidence. Nor is one
 * that may have come to its holder after it was confirmed here, by another.
 */
function aged(
  matched: ProofingResult,
  age: NumberAge,
  { leastMonths, confirmedAt, now }: { leastMonths: number; confirmedAt: Date | null; now: Date },
): ProofingResult {
  if (age.outcome === 'unavailable') return age;
  const held = age.outcome === 'known' && age.months.atLeast >= leastMonths ? age.months : null;
  const same = held !== null && (confirmedAt === null || changedHandsSince(held, confirmedAt, now) === 'no');
  return same ? matched : { outcome: 'refused' };
}

const busy = (why: string, retryAfter: number) =>
  new ShiminError('upstream_unavailable', {
    status: 503,
    message: `upstream ${why}`,
    detail: { why, upstream: 'carrier' },
    retryAfter,
  });
