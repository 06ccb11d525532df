import type { z } from 'zod';
import type { PolicyFault } from '../assurance/faults.ts';

/** One thing that is wrong: in which part of the request, and where in it (JSON pointer, RFC 6901). */
export interface Fault {
  readonly in: 'body' | 'query' | 'path' | 'header';
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

export function pointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** With what was there in each issue, so that what is missing can be told from what is wrong. */
export const parse = <S extends z.ZodType>(schema: S, value: unknown) => schema.safeParse(value, { reportInput: true });

/** Every issue that `parse` found; a member that nobody knows is named itself. */
export function faultsOf(error: z.ZodError, where: Fault['in']): Fault[] {
  return error.issues.flatMap((issue): Fault[] => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => fault(where, [...issue.path, key], 'unknown', 'no such member'));
    const code = issue.code === 'custom' && /^[a-z_]+$/.test(issue.message) ? issue.message : codes[issue.code];
    const missing = issue.code !== 'custom' && issue.input === undefined;
    return [fault(where, issue.path, missing ? 'required' : (code ?? 'invalid'), issue.message)];
  });
}

const codes: Readonly<Partial<Record<z.core.$ZodIssue['code'], string>>> = {
  invalid_type: 'wrong_type',
  too_big: 'too_big',
  too_small: 'too_small',
  invalid_format: 'wrong_format',
  invalid_value: 'not_allowed',
};

export const fault = (where: Fault['in'], path: readonly PropertyKey[], code: string, detail: string): Fault => ({
  in: where,
  pointer: pointer(path),
  code,
  detail,
});

/** Faults of a policy tell their place dotted, and names of apps may have dots: the document itself says which are which. */
export function policyFaults(faults: readonly PolicyFault[], document: unknown, at: readonly string[]): Fault[] {
  return faults.map(({ path, code, message }) =>
    fault('body', [...at, ...membersOf(document, path.split('.'))], code, message),
  );
}

function membersOf(value: unknown, words: readonly string[]): string[] {
  if (words.length === 0 || (words.length === 1 && words[0] === '')) return [];
  if (typeof value === 'object' && value !== null) {
    for (let taken = words.length; taken > 0; taken -= 1) {
      const name = words.slice(0, taken).join('.');
      if (Object.hasOwn(value, name)) return [name, ...membersOf(Reflect.get(value, name), words.slice(taken))];
    }
  }
  // What is missing has no place in the document: the words are the best there is.
  return [...words];
}
