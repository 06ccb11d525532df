/**
 * The members of a JSON object as they were sent, letter for letter: the signature is over these, and JSON that was read and
 * written again is another text. `text` is known to be JSON of one object without repeated names.
 */
export function rawMembers(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let depth = 0;
  let name: string | null = null;
  let from = 0;
  for (let i = 0; i < text.length; i += 1) {
    const character = text.charAt(i);
    if (character === '"') {
      const end = endOfString(text, i);
      if (depth === 1 && name === null) {
        name = String(JSON.parse(text.slice(i, end + 1)));
        i = text.indexOf(':', end);
        from = i + 1;
      } else i = end;
      continue;
    }
    if (depth === 1 && name !== null && (character === ',' || character === '}')) {
      found.set(name, text.slice(from, i).trim());
      name = null;
    }
    if (character === '{' || character === '[') depth += 1;
    if (character === '}' || character === ']') depth -= 1;
  }
  return found;
}

function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (text.charAt(i) !== '"') i += text.charAt(i) === '\\' ? 2 : 1;
  return i;
}
