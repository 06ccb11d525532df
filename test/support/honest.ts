/**
 * Kinds of assertions that cannot fail or that pass by accident, as far as they can be read off a test's text.
 * Each fault is `line: what is wrong with it`.
 */
export function hollow(source: string): string[] {
  const faults: { at: number; why: string }[] = [];
  const found = (pattern: RegExp, why: string, unless: (match: RegExpExecArray) => boolean = () => false) => {
    for (const match of source.matchAll(pattern)) if (!unless(match)) faults.push({ at: match.index, why });
  };
  found(/\.(toBeTruthy|toBeFalsy|toBeDefined)\(/g, 'says nothing of the value: name it');
  found(/\.toBeGreaterThan(OrEqual\(0\)|\(-1\))/g, 'no count is less');
  // A page holds dates, numbers and levels in its frame: one or two characters are always somewhere.
  found(
    /(?<!\.not)\.to(?:Contain|Match)\(\s*(['"`])(?:(?!\1)[^\\]|\\.){0,2}\1\s*[,)]/g,
    'two characters are always somewhere',
  );
  found(
    /(?<!\.not)\.toMatch\(\s*\/((?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/\w*\s*[,)]/g,
    'a pattern that matches next to anything',
    ([, pattern = '']) => /^\^[\s\S]*\$$/.test(pattern) || shortest(pattern) >= 3,
  );
  found(
    /expect\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\.every\([\s\S]{0,160}?\)\s*\)\.toBe\(true\)/g,
    'true of an empty list',
  );
  found(/expect\(async [\s\S]{0,80}?\)\.not\.toThrow\(/g, 'a promise that rejects throws nothing');
  for (const { index } of source.matchAll(/^[ \t]*expect(?:\.poll)?\(/gm)) {
    const after = source.slice(closing(source, source.indexOf('(', index)) + 1).trimStart();
    const promised = /^\.(resolves|rejects)\b/.test(after) || source.slice(index).trimStart().startsWith('expect.poll');
    if (promised) faults.push({ at: index, why: 'a promise that nobody awaits' });
  }
  return faults
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, why }) => `${source.slice(0, at).split('\n').length}: ${why}`);
}

/** Where the bracket that opens at `from` closes; strings with brackets in them are rare enough. */
function closing(source: string, from: number): number {
  let depth = 0;
  for (let i = from; i < source.length; i += 1) {
    if (source[i] === '(') depth += 1;
    if (source[i] === ')') depth -= 1;
    if (depth === 0) return i;
  }
  return source.length;
}

/** How many characters the shortest text has that a pattern matches. */
export function shortest(pattern: string): number {
  const token =
    /\\u\{[^}]*\}|\\u[\da-f]{4}|\\[pP]\{[^}]*\}|\\.|\[(?:[^\]\\]|\\.)*\]|\((?:\?(?:<?[=!]|:|<\w+>))?|[\s\S]/giy;
  const times = /[*?]\??|\+\??|\{(\d+)(?:,\d*)?\}\??/y;
  let at = 0;
  const next = (): string => {
    token.lastIndex = at;
    const [text = ''] = token.exec(pattern) ?? [];
    at += text.length;
    return text;
  };
  const repeats = (): number => {
    times.lastIndex = at;
    const match = times.exec(pattern);
    if (match === null) return 1;
    at += match[0].length;
    return match[1] !== undefined ? Number(match[1]) : match[0].startsWith('+') ? 1 : 0;
  };
  const branch = (): number => {
    let best = Number.POSITIVE_INFINITY;
    let here = 0;
    while (at < pattern.length) {
      const text = next();
      if (text === ')') break;
      if (text === '|') {
        best = Math.min(best, here);
        here = 0;
        continue;
      }
      let size = text === '^' || text === '$' || /^\\b$/i.test(text) ? 0 : 1;
      if (text.startsWith('(')) {
        const inside = branch();
        size = /[=!]$/.test(text) ? 0 : inside;
      }
      here += size * repeats();
    }
    return Math.min(best, here);
  };
  return branch();
}
