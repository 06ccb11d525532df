import { z } from 'zod';
import type { Assessment } from './assess.ts';
import type { Evidence } from './evidence.ts';

/** Trust framework of Shimin's own proofing, as named to relying parties. */
export const trustFramework = 'cn_shimin';

export interface VerifiedSource {
  readonly assessment: Assessment;
  /** The evidence that is alive now. */
  readonly evidence: readonly Evidence[];
  /** End-User claims that proofing confirmed. */
  readonly claims: Readonly<Record<string, string>>;
  readonly now: Date;
}

const constraint = z
  .looseObject({
    value: z.unknown().optional(),
    values: z.array(z.unknown()).optional(),
    max_age: z.number().optional(),
  })
  .nullable();
const requestSchema = z.looseObject({
  verification: z.looseObject({
    trust_framework: constraint.optional(),
    time: constraint.optional(),
    assurance_level: constraint.optional(),
    evidence: z.unknown().optional(),
  }),
  claims: z.record(z.string(), constraint),
});

/**
 * Answers a `verified_claims` request (OpenID Connect for Identity Assurance 1.0, sections 5 and 6), one or a list. What
 * is unknown or can't be met is left out; null when nothing is left.
 */
export function verifiedClaims(request: unknown, source: VerifiedSource): object | null {
  if (Array.isArray(request)) {
    const answers = request.map((item) => answer(item, source)).filter((item) => item !== null);
    return answers.length > 0 ? answers : null;
  }
  return answer(request, source);
}

function answer(request: unknown, source: VerifiedSource): object | null {
  const parsed = requestSchema.safeParse(request);
  if (!parsed.success) return null;
  const { verification: asked, claims: wanted } = parsed.data;
  const { ialTime: since, record } = source.assessment;
  // What is told was proved by evidence about one record; other evidence says nothing of it.
  const proofed = source.evidence.filter((item) => item.kind !== 'contact' && (item.record ?? null) === record);
  if (proofed.length === 0 || since === null || source.assessment.ial === 0) return null;
  const level = `ial${source.assessment.ial}`;
  if (
    !allows(asked.trust_framework, trustFramework) ||
    !allows(asked.assurance_level, level) ||
    isTooOld(asked.time, since, source.now)
  )
    return null;
  const claims = Object.fromEntries(
    Object.entries(source.claims).filter(([name, value]) => name in wanted && allows(wanted[name], value)),
  );
  if (Object.keys(claims).length === 0) return null;
  return {
    verification: {
      trust_framework: trustFramework,
      ...('assurance_level' in asked ? { assurance_level: level } : undefined),
      ...('time' in asked ? { time: since.toISOString() } : undefined),
      ...('evidence' in asked ? { evidence: proofed.map(evidenceElement) } : undefined),
    },
    claims,
  };
}

type Constraint = z.infer<typeof constraint> | undefined;

/** `value` and `values` must be met or the element is left out (section 6.5.2). */
function allows(wish: Constraint, value: string): boolean {
  if (!wish) return true;
  if (wish.value !== undefined && wish.value !== value) return false;
  return wish.values === undefined || wish.values.includes(value);
}

const isTooOld = (wish: Constraint, since: Date, now: Date) =>
  wish?.max_age !== undefined && wish.max_age !== null && now.getTime() - since.getTime() > wish.max_age * 1000;

const evidenceElement = (item: Evidence) => ({
  type: 'electronic_record',
  check_details: [{ check_method: item.kind === 'face' ? 'bvr' : 'data' }],
  record: { type: item.kind === 'population' ? 'population_register' : item.kind, source: { name: item.source } },
  time: item.recordedAt.toISOString(),
});
