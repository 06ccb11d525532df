import { z } from 'zod';
import { toldPayload } from '../commands/change-payload.ts';
import { decideChange } from '../commands/decide-change.ts';
import { changeKinds } from '../commands/permissions.ts';
import { proposeDraft, withdrawChange } from '../commands/propose-change.ts';
import { ShiminError } from '../lib/errors.ts';
import { type Change, changeById, changeStatuses, changesIn } from '../storage/changes.ts';
import { fault } from './faults.ts';
import { type ApiOperation, type Body, noBody, none, operation, type Reply } from './operation.ts';
import { RequestFaults } from './request-faults.ts';
import {
  byId,
  iso,
  isoOrNull,
  list,
  listed,
  output,
  paged,
  reason,
  revisionNumber,
  time,
  timeOrNull,
} from './schemas.ts';

const actor = z.string().nullable().describe('An account, or `app:` and a client id.');

export const change = output(
  'Change',
  z.strictObject({
    id: z.string(),
    kind: z.enum(changeKinds),
    status: z.enum(changeStatuses),
    payload: z.record(z.string(), z.unknown()).describe('What it would change, by its kind.'),
    reason: z.string(),
    createdBy: z.string(),
    createdAt: time,
    proposedBy: actor,
    proposedAt: timeOrNull,
    basedOn: z.int().nullable().describe('The version of the policy that its author saw.'),
    decidedBy: actor,
    decidedAt: timeOrNull,
    decisionReason: z.string().nullable(),
    publishAt: timeOrNull,
    expiresAt: timeOrNull,
    publishedAt: timeOrNull,
    publishedVersion: z.int().nullable(),
    refusal: z.string().nullable().describe('Why an approved change was not published; a code.'),
    revision: z.int(),
  }),
);

const kindOf = (kind: string) => z.enum(changeKinds).parse(kind);

export function changeBody({ subject: _, ...of }: Change): Body<typeof change> {
  return {
    ...of,
    kind: kindOf(of.kind),
    payload: toldPayload(of),
    createdAt: iso(of.createdAt),
    proposedAt: isoOrNull(of.proposedAt),
    decidedAt: isoOrNull(of.decidedAt),
    publishAt: isoOrNull(of.publishAt),
    expiresAt: isoOrNull(of.expiresAt),
    publishedAt: isoOrNull(of.publishedAt),
  };
}

export const changeReply = (of: Change): Reply<Body<typeof change>> => ({
  body: changeBody(of),
  revision: of.revision,
});

const all = operation({
  id: 'listChanges',
  method: 'get',
  path: '/changes',
  tag: 'Changes',
  summary: 'Drafts, proposals and what became of them, the newest first',
  permission: 'change.read',
  params: none,
  query: paged.extend({ status: z.enum(changeStatuses).optional() }),
  body: noBody,
  answer: { status: 200, description: 'A page of changes.', schema: list('Changes', change) },
  handler: async ({ deps, query: { limit, after, status } }) => {
    const statuses = status === undefined ? changeStatuses : [status];
    const found = await changesIn(deps.db, statuses, { before: after, limit: limit + 1 });
    return listed(found, limit, ({ id }) => id, changeBody);
  },
});

const one = operation({
  id: 'getChange',
  method: 'get',
  path: '/changes/{id}',
  tag: 'Changes',
  summary: 'One change',
  permission: 'change.read',
  params: byId,
  query: none,
  body: noBody,
  answer: { status: 200, description: 'The change.', schema: change },
  hasRevision: true,
  handler: async ({ deps, params }) => {
    const found = await changeById(deps.db, params.id);
    if (found === null) throw new ShiminError('not_found', { status: 404 });
    return changeReply(found);
  },
});

const propose = operation({
  id: 'proposeChange',
  method: 'post',
  path: '/changes/{id}/propose',
  tag: 'Changes',
  summary: 'Puts a draft before a second member of staff',
  permission: 'requirement.propose',
  params: byId,
  query: none,
  body: z.strictObject({
    reason,
    publishAt: timeOrNull.default(null).describe('Not before; null: with the approval.'),
  }),
  answer: { status: 200, description: 'The proposal.', schema: change },
  onRevision: true,
  hasRevision: true,
  handler: async ({ deps, by, params, body, revision }) => {
    const publishAt = body.publishAt === null ? null : new Date(body.publishAt);
    if (publishAt !== null && publishAt <= deps.clock())
      throw new RequestFaults('request_invalid', [fault('body', ['publishAt'], 'past', 'must be in the future')]);
    const input = { by, id: params.id, revision: revisionNumber(revision), reason: body.reason, publishAt };
    return changeReply(await proposeDraft(deps, input));
  },
});

const decide = operation({
  id: 'decideChange',
  method: 'post',
  path: '/changes/{id}/decide',
  tag: 'Changes',
  summary: 'Refused: the second look is a person’s',
  description:
    'Changes are decided by people in the console. No app decides one, whatever its roles: it is answered with `decider_no_person`, and the audit says so.',
  permission: 'change.decide',
  params: byId,
  query: none,
  body: z
    .strictObject({ decision: z.enum(['approve', 'reject']), reason: z.string().trim().max(500).default('') })
    .refine(({ decision, reason }) => decision === 'approve' || reason !== '', {
      path: ['reason'],
      message: 'required',
    }),
  answer: { status: 200, description: 'Not given to apps.', schema: change },
  onRevision: true,
  hasRevision: true,
  handler: async ({ deps, by, params, body, revision }) => {
    const decided = await decideChange(deps, { by, id: params.id, revision: revisionNumber(revision), ...body });
    return changeReply(decided);
  },
});

const withdraw = operation({
  id: 'withdrawChange',
  method: 'post',
  path: '/changes/{id}/withdraw',
  tag: 'Changes',
  summary: 'Takes back a draft, a proposal or a scheduled change',
  permission: 'change.withdraw',
  params: byId,
  query: none,
  body: noBody,
  answer: { status: 200, description: 'The change, withdrawn.', schema: change },
  onRevision: true,
  hasRevision: true,
  handler: async ({ deps, by, params, revision }) =>
    changeReply(await withdrawChange(deps, { by, id: params.id, revision: revisionNumber(revision) })),
});

export const changeOperations: readonly ApiOperation[] = [all, one, propose, decide, withdraw];
