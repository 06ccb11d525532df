import type { DocumentCheck } from './documents/result.ts';
import { checkDocument } from './documents.ts';

export type LineCheck = DocumentCheck & { readonly type?: string; readonly value?: string };

/** Checks one NDJSON line `{type, value}`; anything else is `bad_input`, never a fault. */
export function checkLine(line: string, today?: string): LineCheck {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return { valid: false, reason: 'bad_input' };
  }
  if (typeof parsed !== 'object' || parsed === null) return { valid: false, reason: 'bad_input' };
  const { type, value }: { type?: unknown; value?: unknown } = parsed;
  if (typeof type !== 'string' || typeof value !== 'string') return { valid: false, reason: 'bad_input' };
  return { type, value, ...checkDocument(type, value, today) };
}
