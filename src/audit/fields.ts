import type { AuditFields, AuditValue } from './events.ts';

/** Only what differs, each field under the same name on both sides; null: it was, or is, not there. */
export interface Changed {
  readonly before: AuditFields;
  readonly after: AuditFields;
  /** How many fields differ besides: a line stays readable, and what was published is kept in full elsewhere. */
  readonly omitted: number;
}

const mostFields = 200;
const longestText = 500;

/**
 * The values of the fields that changed, by their place: `levels.urn:shimin:loa:2.rideOnSso`. Members of lists that have
 * an `id` go by it, others by their number, so that one more in front does not change all.
 */
export function changedFields(before: object | null, after: object | null): Changed {
  const [old, next] = [leaves(before), leaves(after)];
  const names = [...new Set([...old.keys(), ...next.keys()])]
    .filter((name) => JSON.stringify(old.get(name) ?? null) !== JSON.stringify(next.get(name) ?? null))
    .toSorted();
  const told = names.slice(0, mostFields);
  const side = (values: ReadonlyMap<string, AuditValue>): AuditFields =>
    Object.fromEntries(told.map((name) => [name, values.get(name) ?? null]));
  return { before: side(old), after: side(next), omitted: names.length - told.length };
}

/** The same as members of an entry's data. */
export function changeData(before: object | null, after: object | null): Record<string, AuditFields | number> {
  const { omitted, ...sides } = changedFields(before, after);
  return omitted === 0 ? sides : { ...sides, omitted };
}

function leaves(value: object | null): Map<string, AuditValue> {
  const found = new Map<string, AuditValue>();
  if (value !== null) for (const [name, member] of Object.entries(value)) collect(found, name, member);
  return found;
}

function collect(found: Map<string, AuditValue>, place: string, value: unknown): void {
  if (value === undefined || value === null) return;
  if (typeof value === 'string') found.set(place, short(value));
  else if (typeof value === 'number' || typeof value === 'boolean') found.set(place, value);
  else if (!Array.isArray(value)) {
    for (const [name, member] of Object.entries(value)) collect(found, `${place}.${name}`, member);
  } else if (value.every((member) => typeof member !== 'object' || member === null)) {
    found.set(
      place,
      value.map((member) => short(String(member))),
    );
  } else {
    for (const [index, member] of value.entries()) collect(found, `${place}.${nameOf(member) ?? index + 1}`, member);
  }
}

const short = (text: string): string => (text.length > longestText ? `${text.slice(0, longestText)}…` : text);

function nameOf(member: unknown): string | null {
  if (typeof member !== 'object' || member === null) return null;
  const id: unknown = Reflect.get(member, 'id');
  return typeof id === 'string' ? id : null;
}
