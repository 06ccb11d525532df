import { z } from 'zod';
import { ShiminError } from '../lib/errors.ts';
import type { Reply } from './operation.ts';

/** Schemas that have a name in the description, by direction: what is sent may leave defaults out, what is answered not. */
export const namedInputs = new Map<string, z.ZodType>();
export const namedOutputs = new Map<string, z.ZodType>();

export function input<S extends z.ZodType>(id: string, schema: S): S {
  namedInputs.set(id, schema);
  return schema;
}

export function output<S extends z.ZodType>(id: string, schema: S): S {
  namedOutputs.set(id, schema);
  return schema;
}

export const time = z.iso.datetime();
export const timeOrNull = time.nullable();
export const iso = (date: Date): string => date.toISOString();
export const isoOrNull = (date: Date | null): string | null => date?.toISOString() ?? null;

/** A word of an address; whether there is such a thing is another question. */
export const idParam = z.string().regex(/^[\w.:-]{1,255}$/);
export const byId = z.strictObject({ id: idParam });
export const reason = z.string().trim().min(1).max(500);

/** A revision that is a number. @throws ShiminError `draft_conflict` for any other: nobody ever saw it */
export function revisionNumber(revision: string): number {
  if (!/^\d{1,9}$/.test(revision)) throw new ShiminError('draft_conflict', { status: 409 });
  return Number(revision);
}

const limit = z.coerce.number().int().min(1).max(200).default(50).describe('At most so many items.');
const afterTold = 'Where the page before ended: take it from `next`.';

/** Keyset paging: a page goes on after the last item of the one before, whatever was added meanwhile. */
export const paged = z.strictObject({ limit, after: idParam.optional().describe(afterTold) });
export const pagedByNumber = z.strictObject({
  limit,
  after: z.coerce.number().int().min(0).optional().describe(afterTold),
});

export const list = <S extends z.ZodType>(id: string, item: S) =>
  output(
    id,
    z.strictObject({
      items: z.array(item),
      next: z.string().nullable().describe('The next page; null: there is none.'),
    }),
  );

/** A page out of one item more than it shows. */
export function listed<T, R>(
  found: readonly T[],
  limit: number,
  key: (item: T) => string | number,
  shape: (item: T) => R,
): Reply<{ items: R[]; next: null }> {
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  const next = found.length > limit && last !== undefined ? key(last) : null;
  return { body: { items: shown.map(shape), next: null }, next };
}
