import type { Context } from 'koa';
import { z } from 'zod';
import { lookReasons } from '../assurance/interventions.ts';
import { type Identifier, searchPerson } from '../commands/search-person.ts';
import { count } from '../commands/throttles.ts';
import { personDocuments } from '../identity/documents.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { type AdminHandler, type AdminRoute, byOf, page, type Staff } from './context.ts';
import type { AdminDeps } from './deps.ts';

const path = '/admin/people';

/** What may be typed: one exact thing of one kind. The kind is chosen, since eight digits are a number of several kinds. */
const kinds = [
  ...['CN', 'HK', 'MO', 'TW', 'SG', 'other'].map((region) => `phone.${region}`),
  ...personDocuments.map((type) => `document.${type}`),
  'account',
];

const show: AdminHandler = async (deps, ctx, staff) => render(deps, ctx, staff, {}, 200);

async function render(deps: AdminDeps, ctx: Context, staff: Staff, again: object, status: number): Promise<void> {
  page(deps, ctx, staff, 'people', { kinds, reasons: lookReasons, ...again }, { status });
}

const findForm = z.object({
  kind: z.enum(kinds),
  value: z.string().trim().min(1).max(100),
  reason: z.enum(lookReasons, 'errors.field_required'),
});

/** By POST: a number of a person must not be in an address. The answer is the same whatever it was that led to nobody. */
const find: AdminHandler = async (deps, ctx, staff) => {
  const form = parseForm(findForm, ctx.request.body);
  const chosen =
    z.looseObject({ kind: z.string(), reason: z.string() }).partial().safeParse(ctx.request.body).data ?? {};
  const values = { kind: chosen.kind ?? '', reason: chosen.reason ?? '' };
  if (!form.ok) return render(deps, ctx, staff, { errors: form.errors, values }, 422);
  // Right and wrong searches alike: somebody who reads records one after the other is stopped as well as who guesses.
  await count(deps, 'peopleHour', staff.accountId);
  await count(deps, 'peopleDay', staff.accountId);
  const { kind, value, reason } = form.value;
  const found = await searchPerson(deps, { by: byOf(ctx, staff), identifier: identifierOf(kind, value), reason });
  if ('nobody' in found) {
    const error = found.nobody === 'several' ? 'people.several' : 'people.nobody';
    return render(deps, ctx, staff, { errors: { value: error }, values }, 422);
  }
  return seeOther(ctx, `${path}/${found.accountId}`);
};

function identifierOf(kind: string, value: string): Identifier {
  const [by, detail = ''] = kind.split('.');
  if (by === 'phone') return { by, region: detail === 'other' ? '' : detail, value };
  return by === 'document' ? { by, type: detail, value } : { by: 'account', value };
}

export const peopleRoutes: readonly AdminRoute[] = [
  { method: 'get', path, operation: 'person.search', handler: show },
  { method: 'post', path: `${path}/find`, operation: 'person.search', fresh: false, handler: find },
];
