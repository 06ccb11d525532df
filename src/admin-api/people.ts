import { z } from 'zod';
import { personCategory } from '../assurance/accepted.ts';
import { evidenceKinds, isAlive, strengths } from '../assurance/evidence.ts';
import { inForce, interventionKinds } from '../assurance/interventions.ts';
import { noteLook } from '../commands/note-look.ts';
import { ShiminError } from '../lib/errors.ts';
import { standingOfAccount } from '../standing/account.ts';
import { accountStatuses, findAccount } from '../storage/accounts.ts';
import { type ApiOperation, noBody, none, operation } from './operation.ts';
import { plain } from './plain.ts';
import { output, time, timeOrNull } from './schemas.ts';

const person = output(
  'Person',
  z.strictObject({
    id: z.string(),
    status: z.enum(accountStatuses),
    createdAt: time,
    category: z.string().nullable().describe('As evidence that counts says it.'),
    policyVersion: z.int(),
    usable: z.boolean().describe('False: closed, suspended or blocked; nothing of it works.'),
    interventions: z.array(z.strictObject({ kind: z.enum(interventionKinds), at: time, until: timeOrNull })),
    levels: z
      .array(z.string())
      .describe('Levels whose demands on identity are met; signing in well enough comes to it.'),
    evidence: z.array(
      z.strictObject({
        id: z.string(),
        kind: z.enum(evidenceKinds),
        source: z.string(),
        strength: z.enum(strengths),
        category: z.string().nullable(),
        confirmed: z.array(z.string()),
        recordedAt: time,
        expiresAt: timeOrNull,
        revokedAt: timeOrNull,
        counts: z
          .boolean()
          .describe('Neither ended, nor from a source that is off, nor from before an order to prove anew.'),
      }),
    ),
  }),
);

const one = operation({
  id: 'getPerson',
  method: 'get',
  path: '/people/{id}',
  tag: 'People',
  summary: 'Evidence and levels of an account, by its id only',
  description: 'No name, number or address. Looking is a line in the audit, which the person sees.',
  permission: 'person.read',
  params: z.strictObject({ id: z.uuid() }),
  query: none,
  body: noBody,
  answer: { status: 200, description: 'What is known of how well the person is known.', schema: person },
  handler: async ({ deps, by, params }) => {
    const account = await findAccount(deps.db, params.id);
    if (account === null) throw new ShiminError('not_found', { status: 404 });
    const now = deps.clock();
    const { policy, usable, evidence, facts, assessment } = await standingOfAccount(deps.db, account.id, { at: now });
    await noteLook(deps, { by, accountId: account.id, what: 'person' });
    const counting = evidence.filter((item) => isAlive(item, now));
    return {
      body: plain({
        id: account.id,
        status: account.status,
        createdAt: account.createdAt,
        category: personCategory(counting),
        policyVersion: policy.version,
        usable: usable && account.status === 'active',
        interventions: inForce(facts.interventions, now).map(({ kind, at, until }) => ({ kind, at, until })),
        levels: assessment.identities,
        evidence: facts.evidence.map(({ record: _, ...item }) => ({
          ...item,
          counts: counting.some(({ id }) => id === item.id),
        })),
      }),
    };
  },
});

export const peopleOperations: readonly ApiOperation[] = [one];
