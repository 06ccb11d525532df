/** Why a text is not accepted as JSON, beyond plain syntax. */
export type JsonRefusal = 'syntax' | 'duplicate_key' | 'too_deep';

/**
 * Parses JSON as RFC 8259 section 4 would have it: a repeated member name has no agreed meaning (`{"result":"match",
 * "result":"mismatch"}`), so such an answer is refused rather than read one way. Nesting is bounded before parsing.
 */
export function parseStrictJson(
  text: string,
  maxDepth = 32,
): { ok: true; value: unknown } | { ok: false; reason: JsonRefusal } {
  const refusal = scan(text, maxDepth);
  if (refusal !== null) return { ok: false, reason: refusal };
  try {
    const value: unknown = JSON.parse(text);
    return { ok: true, value };
  } catch {
    return { ok: false, reason: 'syntax' };
  }
}

/** One pass over tokens. Grammar is JSON.parse's business; here only depth and member names are watched. */
function scan(text: string, maxDepth: number): JsonRefusal | null {
  const names: (Set<string> | null)[] = [];
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i];
    if (character === '{' || character === '[') {
      names.push(character === '{' ? new Set() : null);
      if (names.length > maxDepth) return 'too_deep';
    } else if (character === '}' || character === ']') {
      names.pop();
    } else if (character === '"') {
      const end = endOfString(text, i);
      if (end === -1) return 'syntax';
      const seen = names.at(-1);
      if (seen && isMemberName(text, end)) {
        const name = unescapeName(text.slice(i, end + 1));
        if (name === null) return 'syntax';
        if (seen.has(name)) return 'duplicate_key';
        seen.add(name);
      }
      i = end;
    }
  }
  return null;
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === '"') return i;
  }
  return -1;
}

function isMemberName(text: string, end: number): boolean {
  let i = end + 1;
  while (i < text.length && ' \t\n\r'.includes(text.charAt(i))) i += 1;
  return text[i] === ':';
}

/** `"a"` and `"\u0061"` are one name. */
function unescapeName(literal: string): string | null {
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    return String(JSON.parse(literal));
  } catch {
    return null;
  }
}
