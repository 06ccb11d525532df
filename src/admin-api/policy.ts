import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type AssurancePolicy, parsePolicy, policyDocument } from '../assurance/policy.ts';
import { describeChanges } from '../assurance/preview.ts';
import { linesOf } from '../assurance/words.ts';
import { proposeChange, saveDraft } from '../commands/propose-change.ts';
import { ShiminError } from '../lib/errors.ts';
import { currentPolicy, policyByVersion, policyHistory } from '../storage/policies.ts';
import { change, changeReply } from './changes.ts';
import { faultsOf, parse, policyFaults } from './faults.ts';
import { type ApiOperation, noBody, none, operation } from './operation.ts';
import { faultSchema } from './problem-schema.ts';
import { RequestFaults } from './request-faults.ts';
import { byId, input, iso, list, listed, output, pagedByNumber, reason, revisionNumber, time } from './schemas.ts';

const document = output('PolicyDocument', policyDocument);
const sentDocument = input('PolicyDocumentSent', policyDocument);
const version = z.int().min(1);
const policy = output('Policy', z.strictObject({ version, document }));
const versionLine = output('PolicyVersion', z.strictObject({ version, publishedBy: z.string(), publishedAt: time }));

const current = operation({
  id: 'getPolicy',
  method: 'get',
  path: '/policy',
  tag: 'Policy',
  summary: 'The policy in force: levels, their rules, and what each app requires',
  permission: 'policy.read',
  params: none,
  query: none,
  body: noBody,
  answer: { status: 200, description: 'The policy.', schema: policy },
  hasRevision: true,
  handler: async ({ deps }) => {
    const now = await currentPolicy(deps.db);
    return { body: now, revision: now.version };
  },
});

const versions = operation({
  id: 'listPolicyVersions',
  method: 'get',
  path: '/policy/versions',
  tag: 'Policy',
  summary: 'All versions there were, the newest first',
  permission: 'policy.read',
  params: none,
  query: pagedByNumber,
  body: noBody,
  answer: { status: 200, description: 'A page of versions.', schema: list('PolicyVersions', versionLine) },
  handler: async ({ deps, query: { limit, after } }) => {
    const found = await policyHistory(deps.db, { before: after, limit: limit + 1 });
    return listed(
      found,
      limit,
      (line) => line.version,
      (line) => ({ version: line.version, publishedBy: line.createdBy, publishedAt: iso(line.createdAt) }),
    );
  },
});

const oneVersion = operation({
  id: 'getPolicyVersion',
  method: 'get',
  path: '/policy/versions/{version}',
  tag: 'Policy',
  summary: 'One version of the policy, as it was published',
  permission: 'policy.read',
  params: z.strictObject({ version: z.coerce.number().int().min(1) }),
  query: none,
  body: noBody,
  answer: { status: 200, description: 'The policy.', schema: policy },
  handler: async ({ deps, params }) => {
    const found = await policyByVersion(deps.db, params.version);
    if (found === null) throw new ShiminError('not_found', { status: 404 });
    return { body: found };
  },
});

const validate = operation({
  id: 'validatePolicy',
  method: 'post',
  path: '/policy/validate',
  tag: 'Policy',
  summary: 'Says everything that is wrong with a document',
  permission: 'policy.read',
  params: none,
  query: none,
  body: z.strictObject({ document: z.record(z.string(), z.unknown()).describe('What may be a policy.') }),
  answer: {
    status: 200,
    description: 'Whether it may stand, and if not, every fault.',
    schema: output('PolicyCheck', z.strictObject({ valid: z.boolean(), faults: z.array(faultSchema) })),
  },
  computes: true,
  handler: async ({ body }) => {
    const shape = parse(policyDocument, body.document);
    const faults = shape.success
      ? rulesOf(body.document)
      : faultsOf(shape.error, 'body').map((fault) => ({ ...fault, pointer: `/document${fault.pointer}` }));
    return { body: { valid: faults.length === 0, faults } };
  },
});

function rulesOf(sent: unknown) {
  const parsed = parsePolicy(sent);
  return parsed.ok ? [] : policyFaults(parsed.faults, sent, ['document']);
}

/** A document that may stand. @throws RequestFaults naming every fault and its place */
function checked(sent: z.output<typeof policyDocument>): AssurancePolicy {
  const faults = rulesOf(sent);
  if (faults.length > 0) throw new RequestFaults('policy_invalid', faults);
  return sent;
}

const count = z.int().min(0);
const outcome = z.enum(['met', 'step_up', 'reauthenticate', 'refused']);
const preview = output(
  'PolicyPreview',
  z.strictObject({
    basedOn: version.describe('The version in force that it was compared with.'),
    finished: z.boolean().describe('False: the count goes on; ask again for the rest.'),
    differences: z.array(z.strictObject({ path: z.string(), lines: z.array(z.string()) })),
    people: z.strictObject({
      counted: count,
      rising: count,
      dropping: count,
      movements: z.array(
        z.strictObject({ category: z.string().nullable(), level: z.string(), rise: count, drop: count }),
      ),
    }),
    signIns: z.strictObject({
      replayed: count,
      apps: z.array(
        z.strictObject({
          clientId: z.string(),
          decisions: count,
          changed: count,
          moves: z.array(z.strictObject({ from: outcome, to: outcome, count })),
        }),
      ),
    }),
    longestNewWay: z
      .strictObject({ clientId: z.string(), start: z.string(), steps: z.array(z.string()), minutes: z.number() })
      .nullable(),
    closed: z.array(z.strictObject({ clientId: z.string(), start: z.string() })).describe('Ways that end.'),
  }),
);

const previewed = operation({
  id: 'previewPolicy',
  method: 'post',
  path: '/policy/preview',
  tag: 'Policy',
  summary: 'What a document would mean, before anybody is affected',
  description: 'Differences in words, people by category and level, and the sign-ins of the last 30 days replayed.',
  permission: 'policy.read',
  params: none,
  query: none,
  body: z.strictObject({ document: sentDocument }),
  answer: { status: 200, description: 'What is counted so far.', schema: preview },
  computes: true,
  handler: async ({ deps, body, locale }) => {
    const { version: basedOn, document: old } = await currentPolicy(deps.db);
    const next = { ...checked(body.document), version: basedOn + 1 };
    const policies = { old, next };
    const key = createHash('sha256').update(JSON.stringify(next)).digest('base64url');
    const { comparison, replay, ...counted } = await deps.count(`api:${key}`, policies);
    const { longest, closed } = deps.longestWay(policies);
    const { people, ...moved } = comparison;
    return {
      body: {
        basedOn,
        finished: counted.finished,
        differences: describeChanges(old, next).map((difference) => ({
          path: difference.path,
          lines: linesOf(difference, (text, params) => deps.i18n.t(locale, text, params)).map((line) => line.trim()),
        })),
        people: { counted: people, ...moved },
        signIns: { replayed: counted.decisions, apps: replay },
        longestNewWay: longest,
        closed,
      },
    };
  },
});

const create = operation({
  id: 'createPolicyDraft',
  method: 'post',
  path: '/policy/drafts',
  tag: 'Policy',
  summary: 'Saves a new draft on the version in force',
  permission: 'requirement.propose',
  params: none,
  query: none,
  body: z.strictObject({ document: sentDocument }),
  answer: { status: 201, description: 'The draft; propose it as a change.', schema: change },
  hasRevision: true,
  handler: async ({ deps, by, body }) =>
    changeReply(await saveDraft(deps, { by, draft: null, document: checked(body.document) })),
});

const replace = operation({
  id: 'replacePolicyDraft',
  method: 'put',
  path: '/policy/drafts/{id}',
  tag: 'Policy',
  summary: 'Writes on in a draft from the revision that was seen',
  permission: 'requirement.propose',
  params: byId,
  query: none,
  body: z.strictObject({ document: sentDocument }),
  answer: { status: 200, description: 'The draft.', schema: change },
  onRevision: true,
  hasRevision: true,
  handler: async ({ deps, by, params, body, revision }) => {
    const draft = { id: params.id, revision: revisionNumber(revision) };
    return changeReply(await saveDraft(deps, { by, draft, document: checked(body.document) }));
  },
});

const rollBack = operation({
  id: 'proposePolicyRollback',
  method: 'post',
  path: '/policy/rollbacks',
  tag: 'Policy',
  summary: 'Proposes the way back to an earlier version',
  permission: 'policy.propose',
  params: none,
  query: none,
  body: z.strictObject({ toVersion: version, reason }),
  answer: { status: 201, description: 'The proposal, which another member of staff decides.', schema: change },
  hasRevision: true,
  handler: async ({ deps, by, body }) => {
    const what = { kind: 'rollback', payload: { toVersion: body.toVersion } } as const;
    return changeReply(await proposeChange(deps, { by, what, reason: body.reason }));
  },
});

export const policyOperations: readonly ApiOperation[] = [
  current,
  versions,
  oneVersion,
  validate,
  previewed,
  create,
  replace,
  rollBack,
];
