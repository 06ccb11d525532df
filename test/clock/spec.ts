/**
 * Under which clock and in which time zone the tests run. One text says it, so that a run can be repeated:
 *
 *   off                      the real clock, the machine's own zone
 *   +40d  +90m  +12h         ahead by so much
 *   2028-02-29T23:59+08:00   each test file begins at that moment (a date alone: at noon in China)
 *   leap-day  new-year       the next 29 February; the next 31 December 23:59 in China
 *   today                    what the day brings: see `ofTheDay`
 *
 * each with `@Zone` after it or not: `+8d@Asia/Kathmandu`, `@America/Los_Angeles`.
 *
 * Never back: PostgreSQL, TLS and the browser keep the real clock, and a browser drops at once what it is told to keep
 * until a moment that it has behind it. PostgreSQL is asked for no time (no statement of ours has `now()`), and cookies
 * that end too late end no test.
 */
export interface TestClock {
  readonly name: string;
  /** Ahead by so many milliseconds, or at a moment when a process begins. */
  readonly shift: { readonly by: number } | { readonly to: number };
  readonly zone: string | null;
}

const unit = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const china = '+08:00';

/** What `npm run test:clock` goes through. */
export const everyClock = [
  '+1d',
  '+8d',
  '+40d',
  '+400d',
  'leap-day',
  'new-year',
  '@America/Los_Angeles',
  '@Asia/Kathmandu',
  '@Pacific/Kiritimati',
] as const;

/** One clock a day, the real one each seventh: a week meets six, nine weeks all of them on each day of the week. */
export function ofTheDay(now: Date): string {
  const day = Math.floor(now.getTime() / unit.d);
  return day % 7 === 0 ? 'off' : (everyClock[(day - Math.floor(day / 7)) % everyClock.length] ?? 'off');
}

export function parseClock(text: string, now: Date): TestClock {
  if (text === 'today') return parseClock(ofTheDay(now), now);
  const [when = '', zone = null] = text.split('@');
  if (zone !== null) assertZone(zone);
  return { name: text, shift: shiftOf(when, now), zone };
}

function shiftOf(when: string, now: Date): TestClock['shift'] {
  if (when === '' || when === 'off') return { by: 0 };
  const [, count, letter] = /^\+(\d+)([mhd])$/.exec(when) ?? [];
  if (count !== undefined && (letter === 'm' || letter === 'h' || letter === 'd'))
    return { by: Number(count) * unit[letter] };
  const to = momentOf(when, now);
  if (Number.isNaN(to)) throw new Error(`no such test clock: ${when} (see test/clock/spec.ts)`);
  if (to < now.getTime())
    throw new Error(`${when} is past: the browser, which keeps the real clock, would drop cookies`);
  return { to };
}

function momentOf(when: string, now: Date): number {
  if (when === 'leap-day') return nextOf('02-29T12:00:00', now);
  if (when === 'new-year') return nextOf('12-31T23:59:00', now);
  if (/^\d{4}-\d{2}-\d{2}$/.test(when)) return Date.parse(`${when}T12:00:00${china}`);
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/.test(when) ? Date.parse(when) : Number.NaN;
}

/** That day and time in China, in the first year from now on that has it. */
function nextOf(dayAndTime: string, now: Date): number {
  const first = now.getUTCFullYear();
  const moments = Array.from({ length: 9 }, (_, i) => `${first + i}-${dayAndTime}${china}`)
    // Date.parse takes 29 February of any year for a day of March.
    .filter((text) => dayAndTime.slice(0, 5) !== '02-29' || isLeap(Number(text.slice(0, 4))))
    .map((text) => Date.parse(text));
  return moments.find((moment) => moment > now.getTime()) ?? Number.NaN;
}

const isLeap = (year: number) => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

function assertZone(zone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
  } catch (cause) {
    throw new Error(`no such time zone: ${zone}`, { cause });
  }
}
