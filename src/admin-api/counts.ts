import { z } from 'zod';
import { countsSince, dayOf } from '../storage/daily-counts.ts';
import { decisionOutcomes } from '../storage/decisions.ts';
import { type ApiOperation, noBody, none, operation } from './operation.ts';
import { output } from './schemas.ts';

const dayMs = 86_400_000;
const count = z.int().min(0);
const signIns = output(
  'SignInCounts',
  z.strictObject({
    from: z.iso.date().describe('The first day, in the city’s calendar.'),
    items: z.array(
      z.strictObject({
        day: z.iso.date(),
        clientId: z.string(),
        outcome: z.enum(decisionOutcomes),
        level: z.string().nullable().describe('What was answered; null: nothing.'),
        count,
      }),
    ),
  }),
);

const dateOf = (day: number): string => {
  const digits = String(day);
  return `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
};
const outcomeOf = z.enum(decisionOutcomes);

const all = operation({
  id: 'countSignIns',
  method: 'get',
  path: '/counts/sign-ins',
  tag: 'Counts',
  summary: 'Sign-ins of the last days by app, outcome and level',
  description:
    'Numbers a day; they say nothing about anybody. A day of the city has few of them, so there are no pages.',
  permission: 'dashboard.read',
  params: none,
  query: z.strictObject({
    days: z.coerce.number().int().min(1).max(92).default(7),
    clientId: z.string().max(255).optional(),
  }),
  body: noBody,
  answer: { status: 200, description: 'Counts, oldest day first.', schema: signIns },
  handler: async ({ deps, query: { days, clientId } }) => {
    const from = dayOf(new Date(deps.clock().getTime() - (days - 1) * dayMs));
    const found = await countsSince(deps.db, 'signin', from);
    const wanted = clientId === undefined ? found : found.filter(({ a }) => a === clientId);
    const items = wanted.map(({ day, a, b, c, count }) => ({
      day: dateOf(day),
      clientId: a,
      outcome: outcomeOf.parse(b),
      level: c === '' ? null : c,
      count,
    }));
    return { body: { from: dateOf(from), items } };
  },
});

export const countOperations: readonly ApiOperation[] = [all];
