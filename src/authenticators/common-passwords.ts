import { readFileSync } from 'node:fs';

let list: ReadonlySet<string> | undefined;

/** Whether a password, folded to lower case NFKC, is one that everybody tries first. The file is read at the first question. */
export function isCommonPassword(folded: string): boolean {
  list ??= new Set(
    readFileSync(new URL('./common-passwords.txt', import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('# ')),
  );
  return list.has(folded);
}
