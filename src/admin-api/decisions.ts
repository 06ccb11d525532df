import { z } from 'zod';
import type { Teller } from '../assurance/speech.ts';
import { tell } from '../assurance/tell.ts';
import { explainDecision } from '../commands/explain-decision.ts';
import { noteLook } from '../commands/note-look.ts';
import { ShiminError } from '../lib/errors.ts';
import { findAccount } from '../storage/accounts.ts';
import { decisionById, decisionsOf } from '../storage/decisions.ts';
import { dateFormats } from '../web/dates.ts';
import { decision, explained } from './decision-schemas.ts';
import { type ApiOperation, noBody, none, operation } from './operation.ts';
import { plain } from './plain.ts';
import { byId, list, listed, paged } from './schemas.ts';

const all = operation({
  id: 'listDecisions',
  method: 'get',
  path: '/decisions',
  tag: 'Decisions',
  summary: 'What was decided about an account, the newest first',
  description: 'Looking is a line in the audit, which the person sees.',
  permission: 'decision.explain',
  params: none,
  query: paged.extend({ accountId: z.uuid(), clientId: z.string().max(255).optional() }),
  body: noBody,
  answer: { status: 200, description: 'A page of decisions.', schema: list('Decisions', decision) },
  handler: async ({ deps, by, query: { limit, after, accountId, clientId } }) => {
    if ((await findAccount(deps.db, accountId)) === null) throw new ShiminError('not_found', { status: 404 });
    const found = await decisionsOf(deps.db, accountId, { before: after, limit: limit + 1, clientId });
    await noteLook(deps, { by, accountId, what: 'decision' });
    return listed(found, limit, ({ id }) => id, plain);
  },
});

const one = operation({
  id: 'explainDecision',
  method: 'get',
  path: '/decisions/{id}',
  tag: 'Decisions',
  summary: 'One decision, explained: rules, evidence, sign-ins, alternatives',
  description:
    'In the language of Accept-Language (zh-Hans, zh-Hant, en, pt). Looking is a line in the audit, which the person sees.',
  permission: 'decision.explain',
  params: byId,
  query: none,
  body: noBody,
  answer: { status: 200, description: 'The explanation.', schema: explained },
  handler: async ({ deps, by, params, locale }) => {
    const found = await decisionById(deps.db, params.id);
    if (found === null) throw new ShiminError('not_found', { status: 404 });
    const whole = await explainDecision(deps.db, found);
    await noteLook(deps, { by, accountId: found.accountId, what: 'decision', ref: found.id });
    const teller: Teller = {
      text: (key, given) => deps.i18n.t(locale, key, given),
      has: (key) => deps.i18n.has(locale, key),
      time: dateFormats(locale).time,
      voice: 'auditor',
    };
    const told = tell(whole.explanation, whole, teller);
    return { body: plain({ decision: found, agreement: whole.agreement, ...told }) };
  },
});

export const decisionOperations: readonly ApiOperation[] = [all, one];
