import { z } from 'zod';

/** Times are epoch milliseconds in every table, on both databases. */
export function toMs(date: Date): number;
export function toMs(date: Date | null): number | null;
export function toMs(date: Date | null): number | null {
  return date === null ? null : date.getTime();
}

export const time = z.number().transform((ms) => new Date(ms));
export const timeOrNull = z
  .number()
  .nullable()
  .transform((ms) => (ms === null ? null : new Date(ms)));
/** SQLite answers booleans as 0 and 1. */
export const flag = z.union([z.boolean(), z.number()]).transform(Boolean);

/** A text column that holds JSON of the given shape. */
export function json<T extends z.ZodType>(shape: T) {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue('not JSON');
        return z.NEVER;
      }
    })
    .pipe(shape);
}

/** A row's snake_case columns as a camelCase object: parsed, never cast. */
export function row<S extends z.ZodRawShape>(shape: S) {
  return z.preprocess((raw) => (raw !== null && typeof raw === 'object' ? camelKeys(raw) : raw), z.object(shape));
}

const camelNames = new Map<string, string>();

function camelKeys(raw: object): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(raw)) {
    let name = camelNames.get(key);
    if (name === undefined) {
      name = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
      camelNames.set(key, name);
    }
    out[name] = value;
  }
  return out;
}

/** The rows of a raw query: pg wraps them, SQLite does not. Raw, because knex leaves RETURNING out of some statements on SQLite. */
export function rowsOf(result: unknown): unknown[] {
  if (Array.isArray(result)) return result;
  return z.object({ rows: z.array(z.unknown()) }).parse(result).rows;
}
