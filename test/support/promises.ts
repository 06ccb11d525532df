import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** A sentence of a comment or a page that says something without exception. */
export type Promised = { file: string; sentence: string };

const absolute = /\b(never|always|only|at most|exactly one)\b/i;

/** The comments of a source, each as one line of words; lines that follow each other are one comment. */
export function commentsOf(source: string): string[] {
  const blocks = [...source.matchAll(/(?<=^|\s)\/\*\*?(?=\s)([\s\S]*?)\*\//g)].map(([, words = '']) =>
    words.replaceAll(/\n\s*\*/g, ' '),
  );
  const lines = [...source.matchAll(/(?<=^[ \t]*|[;,{})\]]\s)\/\/ .*(?:\n[ \t]*\/\/ .*)*/gm)].map(([words]) =>
    words.replaceAll(/(?:^|\n)[ \t]*\/\//g, ' '),
  );
  return [...blocks, ...lines].map((words) => words.replaceAll(/\s+/g, ' ').trim());
}

/** A page's own way of naming a test: its file, and its title, or several of one file. Codes around a title may be left out. */
const cited = /`(test\/[^`\s]+\.test\.ts)`: (\*[^*]+\*(?:, \*[^*]+\*)*)/g;

/** The tests that a page names. */
export function citationsIn(page: string): { readonly file: string; readonly title: string }[] {
  return [...page.matchAll(cited)].flatMap(([, file = '', titles = '']) =>
    [...titles.matchAll(/\*([^*]+)\*/g)].map(([, title = '']) => ({ file, title })),
  );
}

/** Whether there is a test of that title, or of one with codes around it. */
export function isCitable(root: string, { file, title }: { readonly file: string; readonly title: string }): boolean {
  const source = existsSync(`${root}/${file}`) ? readFileSync(`${root}/${file}`, 'utf8') : '';
  return source
    .split(title)
    .some(
      (before, i, all) =>
        /\(\s*['"`](?:[A-Z]\S*\d:?\S* )*$/.test(before) && /^(?: \([A-Z0-9, -]+\))?['"`]/.test(all[i + 1] ?? ''),
    );
}

/** The paragraphs, list items and table rows of a page, without its code and the titles of the tests that it names. */
export function paragraphsOf(page: string): string[] {
  return page
    .replaceAll(/^```[\s\S]*?^```$/gm, '')
    .replaceAll(cited, '`$1`')
    .split(/\n\s*\n|\n(?=\s*(?:[-*|#]|\d+\.)\s?)/)
    .map((part) => part.replaceAll(/\s+/g, ' ').trim());
}

/** The sentences without exception of one file, as they stand there. */
export function absolutesIn(file: string, text: string): Promised[] {
  const parts = file.endsWith('.md') ? paragraphsOf(text) : commentsOf(text);
  return parts
    .flatMap((part) => part.split(/(?<=[.!?;][)`*]{0,3})\s+/))
    .filter((sentence) => absolute.test(sentence))
    .map((sentence) => ({ file, sentence: sentence.trim() }));
}

/** Pages of figures and tools; the table of settings is written from `src/config.ts`. */
const notOfSecurity = /^docs\/(performance|dependencies|testing|mutation|configuration)\.md$/;

/** Those of all files below a folder, without pages that are about something else than security. */
export function absolutesBelow(root: string, folder: string): Promised[] {
  return readdirSync(`${root}/${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') || name.endsWith('.md'))
    .toSorted()
    .filter((name) => !notOfSecurity.test(`${folder}/${name}`))
    .flatMap((name) => absolutesIn(`${folder}/${name}`, readFileSync(`${root}/${folder}/${name}`, 'utf8')));
}

/** Why a sentence without exception needs no test of its own (docs/testing.md). */
export const plain = ['shape', 'cost', 'theirs', 'layout'] as const;

/** By file: words of the sentence, and `test/file.test.ts: title of the test`, or why it needs none. */
export type Register = Record<string, Record<string, string>>;

/** A test, or a group of tests, of that title: the first argument of a call. */
const titled = (source: string, title: string) =>
  source.split(title).some((before, i, all) => /\(\s*['"`]$/.test(before) && /^['"`]/.test(all[i + 1] ?? ''));

function faultOf(root: string, told: string): string | null {
  const [, file, title = ''] = /^(test\/\S+\.test\.ts): (.+)$/.exec(told) ?? [];
  if (file === undefined) return plain.some((reason) => reason === told) ? null : `no reason: "${told}"`;
  if (!existsSync(`${root}/${file}`)) return `no ${file}`;
  return titled(readFileSync(`${root}/${file}`, 'utf8'), title) ? null : `${file} has no "${title}"`;
}

/** What is wrong between the sentences there are and the register of them. */
export function faultsOf(root: string, found: readonly Promised[], register: Register): string[] {
  const known = ({ file, sentence }: Promised) =>
    Object.keys(register[file] ?? {}).some((words) => sentence.includes(words));
  const unknown = found
    .filter((each) => !known(each))
    .map(({ file, sentence }) => `${file}: "${sentence}" names no test`);
  const listed = Object.entries(register).flatMap(([file, rows]) =>
    Object.entries(rows).flatMap(([words, told]) => {
      const said = found.some((each) => each.file === file && each.sentence.includes(words));
      const fault = said ? faultOf(root, told) : `nobody says "${words}" any more`;
      return fault === null ? [] : [`${file}: ${fault}`];
    }),
  );
  return [...unknown, ...listed];
}
