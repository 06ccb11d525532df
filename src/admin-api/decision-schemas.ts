import { z } from 'zod';
import { reasonCodes } from '../assurance/reasons.ts';
import { decisionOutcomes } from '../storage/decisions.ts';
import { output, time, timeOrNull } from './schemas.ts';

const textOrNull = z.string().nullable();

export const decision = output(
  'Decision',
  z.strictObject({
    id: z.string(),
    at: time,
    accountId: z.string(),
    clientId: z.string(),
    sessionUid: textOrNull,
    interaction: textOrNull,
    requestId: textOrNull,
    policyVersion: z.int(),
    outcome: z.enum(decisionOutcomes),
    level: textOrNull,
    acr: textOrNull,
    reason: textOrNull,
    request: z.strictObject({
      acrValues: z.array(z.string()),
      claimsAcr: z.strictObject({ essential: z.boolean(), values: z.array(z.string()) }).optional(),
      maxAge: z.number().optional(),
      prompt: z.array(z.string()),
      scopes: z.array(z.string()).optional(),
      resources: z.array(z.string()).optional(),
      actions: z.array(z.string()).optional(),
    }),
  }),
);

const proof = z.strictObject({ id: z.string(), what: z.string(), from: textOrNull, at: time });
const rule = z.strictObject({
  line: z.string(),
  details: z.array(z.string()),
  met: z.boolean(),
  proofs: z.array(proof),
  until: timeOrNull,
  missing: textOrNull,
});
const level = output(
  'LevelExplained',
  z.strictObject({
    id: z.string(),
    name: z.string(),
    held: z.boolean(),
    through: textOrNull,
    since: timeOrNull,
    until: timeOrNull,
    identity: z.array(
      z.strictObject({
        met: z.boolean(),
        conditions: z.array(z.string()),
        rules: z.array(rule),
        missing: textOrNull,
      }),
    ),
    authentication: z.array(rule),
  }),
);
const way = z.strictObject({ steps: z.array(z.string()), minutes: z.number() });

/** Sentences in the language of Accept-Language, and what they rest on. */
export const explained = output(
  'DecisionExplained',
  z.strictObject({
    decision,
    agreement: z
      .enum(['same', 'gone', 'other', 'differs'])
      .describe('Whether the facts on file lead to what was recorded.'),
    said: z.array(z.string()).describe('The decision in sentences, most important first.'),
    levels: z.array(level).describe('The levels that the request was about.'),
    others: z.array(level),
    evidence: z.array(
      proof.extend({
        confirms: z.array(z.string()),
        expiresAt: timeOrNull,
        revokedAt: timeOrNull,
        state: z.enum(['used', 'ignored', 'ended', 'unused']),
        why: textOrNull,
      }),
    ),
    events: z.array(proof.extend({ properties: z.array(z.string()), state: z.enum(['used', 'unused']) })),
    alternatives: z
      .strictObject({ ways: z.array(way), blocked: z.array(way), because: z.array(z.enum(reasonCodes)) })
      .nullable()
      .describe('What else could have been done; null: nothing was missing.'),
  }),
);
