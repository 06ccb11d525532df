import type { AuthenticationEvent, Evidence } from './evidence.ts';
import { levelShown } from './level-shown.ts';
import type { AssurancePolicy } from './policy.ts';
import type { Proof } from './tell.ts';
import type { Words } from './words.ts';

/** The reader's language, and whom the text speaks to. */
export interface Teller {
  readonly text: (key: string, params?: Words['params']) => string;
  readonly has: (key: string) => boolean;
  readonly time: (at: Date) => string;
  /** `you`: the person whom it is about. */
  readonly voice: 'you' | 'auditor';
}

/** Says words as one sentence, with the names of what they speak of. */
export interface Speech {
  (said: Words): string;
  readonly level: (id: string) => string;
}

/** How a policy's words are said to this reader. */
export function speechOf(policy: AssurancePolicy, teller: Teller): Speech {
  const { text, has, time, voice } = teller;
  const separator = text('common.list_separator');
  const level = (id: string) => levelName(policy, id, teller);
  const list = (ids: string, nameOf: (id: string) => string) =>
    [...new Set(ids.split(', '))].map(nameOf).join(separator);
  const named: Readonly<Record<string, (value: string) => string>> = {
    at: (value) => time(new Date(value)),
    level,
    label: level,
    levels: (value) => list(value, level),
    labels: (value) => list(value, level),
    source: (value) => sourceName(value, teller),
    sources: (value) => list(value, (id) => sourceName(id, teller)),
    word: (value) => wordName(value, text),
  };
  const params = (given: Words['params']): Words['params'] =>
    Object.fromEntries(
      Object.entries(given).map(([key, value]) => [
        key,
        typeof value === 'string' ? (named[key]?.(value) ?? value) : value,
      ]),
    );
  const line = ({ code, params: given, parts }: Words): string => {
    const own = `decisions.you.${code.replace(/^explain\./, '')}`;
    const said = text(voice === 'you' && has(own) ? own : `policy.${code}`, params(given));
    return parts.length === 0 ? said : `${said} ${parts.map(line).join(separator)}`;
  };
  return Object.assign(line, { level });
}

/** The name of a level: in the reader's language where there are words for it, else as the policy has it; with its number. */
export function levelName(policy: AssurancePolicy, id: string, { text, has }: Pick<Teller, 'text' | 'has'>): string {
  const { number } = levelShown(policy, id);
  const name = levelWord(policy, id, { text, has });
  return number === null ? name : text('common.level_tag', { level: number, name });
}

/** The same without the number. */
export function levelWord(policy: AssurancePolicy, id: string, { text, has }: Pick<Teller, 'text' | 'has'>): string {
  const { name } = levelShown(policy, id);
  const key = `common.level.${name}.name`;
  return has(key) ? text(key) : name;
}

/** Where evidence comes from, by its name where it has one. */
export function sourceName(id: string, { text, has }: Teller): string {
  const key = `decisions.source.${id}`;
  return has(key) ? text(key) : id;
}

function wordName(word: string, text: Teller['text']): string {
  const officials = /^officials:(\d)$/.exec(word)?.[1];
  if (officials !== undefined) return text('decisions.word.officials', { count: Number(officials) });
  return text(`decisions.word.${word}`);
}

export const proofOfEvidence = (item: Evidence, teller: Teller): Proof => ({
  id: item.id,
  what: teller.text(`account.evidence_kind.${item.kind}`),
  from: sourceName(item.source, teller),
  at: item.recordedAt,
});

export const proofOfEvent = ({ id, method, at }: AuthenticationEvent, { text }: Teller): Proof => ({
  id,
  what: text(`decisions.method.${method}`),
  from: null,
  at,
});
