const minute = 60_000;
const day = 24 * 60 * minute;

export interface Span {
  readonly from: Date;
  readonly to: Date;
}

/** A day of the city's clock (UTC+8); anything else than a date is all of time. */
export function dayOf(text: string | undefined): Partial<Span> {
  const from = text === undefined ? Number.NaN : Date.parse(`${text}T00:00:00+08:00`);
  return Number.isNaN(from) ? {} : { from: new Date(from), to: new Date(from + day) };
}

/**
 * When a request can have been decided: our own ids are UUIDv7 and tell it (RFC 9562 section 5.7); of another system's the
 * hour around what the auditor says. Null: nobody knows.
 */
export function spanOfRequest(id: string, date: string | undefined, time: string | undefined): Span | null {
  const stamp = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.exec(id);
  if (stamp) {
    const at = Number.parseInt(`${stamp[1]}${stamp[2]}`, 16);
    return { from: new Date(at - minute), to: new Date(at + 5 * minute) };
  }
  const around = Date.parse(`${date}T${time}:00+08:00`);
  return Number.isNaN(around) ? null : { from: new Date(around - 30 * minute), to: new Date(around + 30 * minute) };
}
