/** How long a number has been its holder's: at least so many months, and less than so many (null: nobody knows how long). */
export interface NumberMonths {
  readonly atLeast: number;
  readonly below: number | null;
}

/** `(a,b]` or, in newer versions, `[a,b)`; `+` for no upper end. Null for anything else. */
export function parseMonths(range: string): NumberMonths | null {
  const [, from = '', to = ''] = /^[([]([0-9]{1,4}),([0-9]{1,4}|\+)[)\]]$/.exec(range.replaceAll(' ', '')) ?? [];
  if (from === '') return null;
  const months = { atLeast: Number(from), below: to === '+' ? null : Number(to) };
  return months.below !== null && months.below <= months.atLeast ? null : months;
}

/**
 * Whether a number went to somebody else since a moment: `maybe` while the carrier's range leaves it open, and then it
 * has to be taken for a yes wherever the number alone would decide (reference 12.7).
 */
export function changedHandsSince(months: NumberMonths, since: Date, now: Date): 'yes' | 'no' | 'maybe' {
  // It has been held at least from here on ...
  if (monthsBefore(now, months.atLeast) <= since) return 'no';
  // ... and not any longer than from here.
  return months.below !== null && monthsBefore(now, months.below) >= since ? 'yes' : 'maybe';
}

/** Months of the calendar, in UTC; the last day of a shorter month stands for days that it does not have. */
function monthsBefore(at: Date, months: number): Date {
  const day = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() - months, 1));
  const last = new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 0)).getUTCDate();
  day.setUTCDate(Math.min(at.getUTCDate(), last));
  day.setUTCHours(at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds(), at.getUTCMilliseconds());
  return day;
}
