import { z } from 'zod';
import { refusalReasons } from '../commands/counter-rules.ts';
import {
  type CounterCategory,
  type CounterDocument,
  counterCategories,
  counterChecks,
  counterDocuments,
  documentsFor,
  type EntryFault,
} from '../identity/counter.ts';

export interface DocumentChoice {
  readonly category: CounterCategory;
  readonly document: CounterDocument;
}

const day = z.iso.date('errors.field_invalid');

/** What the official read off the document. */
export const entryForm = z.object({
  number: z.string().trim().min(1).max(200),
  name: z.string().trim().min(1).max(200),
  birthDate: day,
  validUntil: z.union([z.literal(''), day]),
  noEnd: z.literal('on').optional(),
});

export const refuseForm = z.object({ reason: z.enum(refusalReasons) });

/** `hong_kong.cn_hm_travel_permit`: whom and what the official has before them; null: no such pair. */
export function parseChoice(value: string | undefined): DocumentChoice | null {
  const [left, right] = (value ?? '').split('.');
  const category = counterCategories.find((item) => item === left);
  const document = counterDocuments.find((item) => item === right);
  if (category === undefined || document === undefined) return null;
  return documentsFor[category].includes(document) ? { category, document } : null;
}

const bodyOf = (body: unknown) => z.record(z.string(), z.unknown()).catch({}).parse(body);

/** What was typed, to be shown again. */
export function typedIn(body: unknown): Record<string, string> {
  const typed = bodyOf(body);
  return Object.fromEntries(
    ['as', 'number', 'name', 'birthDate', 'validUntil', 'noEnd'].flatMap((name) => {
      const value = typed[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
}

export function tickedIn(body: unknown): string[] {
  const typed = bodyOf(body);
  return counterChecks.filter((check) => typed[`check_${check}`] === 'on');
}

/** The text of each fault, by field. */
export function faultKeys(faults: readonly EntryFault[]): Record<string, string> {
  return Object.fromEntries(faults.map(({ field, reason }) => [field, `counter.fault.${wordOf(field, reason)}`]));
}

function wordOf(field: EntryFault['field'], reason: EntryFault['reason']): string {
  if (reason === 'not_of_region' || reason === 'expired') return reason;
  if (reason === 'differs') return field === 'birthDate' ? 'birth_differs' : 'end_differs';
  return field;
}

/** The day in the city, YYYY-MM-DD. */
export const dayOf = (now: Date) => new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(now);
