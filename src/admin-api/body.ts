import type { Context } from 'koa';
import { parseStrictJson } from '../lib/strict-json.ts';
import { type Answer, problem } from './problem.ts';

/** A policy of a city with thousands of apps fits. */
const maxBytes = 1024 * 1024;

/** The body as it came and as JSON; none where nothing was sent. */
export async function readBody(
  ctx: Context,
  requestId: string,
): Promise<{ text: string; value: unknown } | { refused: Answer }> {
  const tooLarge = { refused: problem(413, 'body_too_large', { requestId }) };
  if (Number(ctx.get('Content-Length') || 0) > maxBytes) return tooLarge;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of ctx.req) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > maxBytes) return tooLarge;
    chunks.push(bytes);
  }
  if (size === 0) return { text: '', value: undefined };
  if (!/^application\/json\s*(;\s*charset=utf-8\s*)?$/i.test(ctx.get('Content-Type')))
    return { refused: problem(415, 'unsupported_media_type', { requestId }) };
  const text = utf8(Buffer.concat(chunks));
  const parsed = text === null ? null : parseStrictJson(text);
  if (text === null || parsed === null || !parsed.ok) {
    const detail = parsed === null || parsed.ok ? 'not UTF-8' : `not acceptable JSON: ${parsed.reason}`;
    return { refused: problem(400, 'invalid_request', { detail, requestId }) };
  }
  // PostgreSQL has no text with this character in it; nobody writes it on purpose.
  if (/(?:^|[^\\])(?:\\\\)*\\u0000/.test(text))
    return { refused: problem(400, 'invalid_request', { detail: 'U+0000 is not taken', requestId }) };
  return { text, value: parsed.value };
}

function utf8(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
