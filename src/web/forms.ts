import type { Context } from 'koa';
import type { z } from 'zod';

export type FormResult<T> = { ok: true; value: T } | { ok: false; errors: Record<string, string> };

/**
 * Parses a posted form. Errors are keys of texts: the schema's own message where it is one (`errors.…`), else what is
 * wrong in general.
 */
export function parseForm<S extends z.ZodType>(schema: S, body: unknown): FormResult<z.infer<S>> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return { ok: true, value: parsed.data };
  const errors: Record<string, string> = {};
  for (const issue of parsed.error.issues) {
    const field = String(issue.path[0] ?? 'form');
    errors[field] ??= messageKey(issue);
  }
  return { ok: false, errors };
}

function messageKey(issue: z.core.$ZodIssue): string {
  if (/^errors\.[\w.]+$/.test(issue.message)) return issue.message;
  if (issue.code === 'too_big') return 'errors.field_too_long';
  if (issue.code === 'too_small') return 'errors.field_required';
  if (issue.code === 'invalid_type' && issue.input === undefined) return 'errors.field_required';
  return 'errors.field_invalid';
}

/** Answers a POST: the browser fetches the next page by GET, and reloading it repeats nothing (RFC 9110 15.4.4). */
export function seeOther(ctx: Context, location: string): void {
  ctx.status = 303;
  ctx.set('Location', location);
  ctx.set('Cache-Control', 'no-store');
  ctx.body = '';
}
