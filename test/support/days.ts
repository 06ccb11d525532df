const calendar = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' });

/** The day in China, as `2026-11-30`. */
export const dayInChina = (at = new Date()): string => calendar.format(at);

/** A day so many years from now, for what a document says of itself: written as a fixed date it ends one day. */
export function dayInYears(years: number): string {
  const [year = '', month = '', day = ''] = dayInChina().split('-');
  return `${Number(year) + years}-${month}-${month === '02' && day === '29' ? '28' : day}`;
}
