import { z } from 'zod';
import type { AuditEntry } from '../audit/chain.ts';
import { actorKinds, auditEvents, outcomes } from '../audit/events.ts';
import { ShiminError } from '../lib/errors.ts';
import { auditHead, auditPage, readAudit } from '../storage/audit.ts';
import { type ApiOperation, noBody, none, operation } from './operation.ts';
import { plain } from './plain.ts';
import { idParam, list, listed, output, pagedByNumber, time } from './schemas.ts';

const seq = z.int().min(0);
const value = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]);
const entry = output(
  'AuditEntry',
  z.strictObject({
    seq,
    at: time,
    type: z.string(),
    actor: z.strictObject({ kind: z.enum(actorKinds), id: z.string() }),
    accountId: z.string().nullable(),
    clientId: z.string().nullable(),
    requestId: z.string().nullable(),
    outcome: z.enum(outcomes),
    reason: z.string().nullable(),
    data: z
      .record(z.string(), z.union([value, z.record(z.string(), value)]))
      .describe(
        'What else is known, by the type of the entry; `before` and `after`: what changed fields were and are.',
      ),
    prevHash: z.string().describe('The hash of the entry before; empty for the first.'),
    hash: z.string(),
  }),
);

const page = list('AuditEntries', entry);

const shapeOf = ({
  seq,
  at,
  type,
  actor,
  accountId,
  clientId,
  requestId,
  outcome,
  reason,
  data,
  ...link
}: AuditEntry) =>
  plain({
    ...{ seq, at, type, actor, accountId, clientId, requestId, outcome, reason, data },
    prevHash: link.prevHash,
    hash: link.hash,
  });

const all = operation({
  id: 'listAuditEntries',
  method: 'get',
  path: '/audit/entries',
  tag: 'Audit',
  summary: 'The audit in its order, from `after` on',
  description: 'Reading on from the last `seq` that was seen follows it as it grows.',
  permission: 'audit.read',
  params: none,
  query: pagedByNumber,
  body: noBody,
  answer: { status: 200, description: 'A page of entries.', schema: page },
  handler: async ({ deps, query: { limit, after = 0 } }) =>
    listed(await readAudit(deps.db, { afterSeq: after, limit: limit + 1 }), limit, ({ seq }) => seq, shapeOf),
});

const types = auditEvents.map(({ type }) => type);
const filters = { accountId: z.uuid(), actorId: idParam, requestId: idParam, type: z.enum(types) };

const search = operation({
  id: 'searchAudit',
  method: 'get',
  path: '/audit/search',
  tag: 'Audit',
  summary: 'Entries about a person, by an actor, of a request or of a kind, the newest first',
  description: 'By one of them; each is a look-up in an index, however long the audit is.',
  permission: 'audit.read',
  params: none,
  query: pagedByNumber
    .extend({ ...z.object(filters).partial().shape, until: time.optional().describe('Before this moment.') })
    .superRefine((query, ctx) => {
      const given = Object.keys(filters).filter((name) => Reflect.get(query, name) !== undefined);
      for (const name of given.slice(1)) ctx.addIssue({ code: 'custom', message: 'one_filter', path: [name] });
    }),
  body: noBody,
  answer: { status: 200, description: 'A page of entries.', schema: page },
  handler: async ({ deps, query: { limit, after, until, ...filter } }) => {
    const where = { before: after, until: until === undefined ? undefined : new Date(until), limit: limit + 1 };
    return listed(await auditPage(deps.db, filter, where), limit, ({ seq }) => seq, shapeOf);
  },
});

const one = operation({
  id: 'getAuditEntry',
  method: 'get',
  path: '/audit/entries/{seq}',
  tag: 'Audit',
  summary: 'One entry of the audit',
  permission: 'audit.read',
  params: z.strictObject({ seq: z.coerce.number().int().min(1) }),
  query: none,
  body: noBody,
  answer: { status: 200, description: 'The entry.', schema: entry },
  handler: async ({ deps, params }) => {
    const [found] = await readAudit(deps.db, { afterSeq: params.seq - 1, limit: 1 });
    if (found?.seq !== params.seq) throw new ShiminError('not_found', { status: 404 });
    return { body: shapeOf(found) };
  },
});

const head = operation({
  id: 'getAuditHead',
  method: 'get',
  path: '/audit/head',
  tag: 'Audit',
  summary: 'The newest link of the chain',
  description: 'Kept elsewhere, it shows later whether the chain was cut short or written anew.',
  permission: 'audit.read',
  params: none,
  query: none,
  body: noBody,
  answer: {
    status: 200,
    description: 'Number and hash of the newest entry.',
    schema: output('AuditHead', z.strictObject({ seq, hash: z.string() })),
  },
  handler: async ({ deps }) => {
    const { seq, hash } = await auditHead(deps.db);
    return { body: { seq, hash } };
  },
});

export const auditOperations: readonly ApiOperation[] = [all, search, one, head];
