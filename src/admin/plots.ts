/** One row of a bar plot: what it is about and a number for each series. */
export interface PlotRow {
  readonly label: string;
  readonly values: readonly number[];
}

export interface Bar {
  readonly label: string;
  /** In units of the drawing, which is `plotWidth` wide. */
  readonly segments: readonly { readonly x: number; readonly width: number; readonly pattern: string }[];
  readonly values: readonly number[];
  readonly total: number;
}

export interface Plot {
  readonly id: string;
  /** Names of the series, each with the pattern it is drawn in: colour alone says nothing (WCAG 1.4.1). */
  readonly series: readonly { readonly label: string; readonly pattern: string }[];
  readonly bars: readonly Bar[];
}

export const plotWidth = 300;
const patterns = ['solid', 'stripes', 'dots', 'cross', 'empty'] as const;

/** Stacked bars on one scale, the longest as wide as the drawing. */
export function plotOf(id: string, series: readonly string[], rows: readonly PlotRow[]): Plot {
  const totals = rows.map((row) => row.values.reduce((sum, value) => sum + value, 0));
  const scale = plotWidth / Math.max(1, ...totals);
  const pattern = (index: number) => patterns[index % patterns.length] ?? 'solid';
  return {
    id,
    series: series.map((label, index) => ({ label, pattern: pattern(index) })),
    bars: rows.map((row, i) => ({
      label: row.label,
      values: row.values,
      total: totals[i] ?? 0,
      segments: stacked(row.values, scale).map((segment, index) => ({ ...segment, pattern: pattern(index) })),
    })),
  };
}

function stacked(values: readonly number[], scale: number): { x: number; width: number }[] {
  let x = 0;
  return values.map((value) => {
    const segment = { x: round(x), width: round(value * scale) };
    x += value * scale;
    return segment;
  });
}

const round = (value: number) => Math.round(value * 10) / 10;

/** Sums of what is counted, by two of its names. */
export function tally<T extends { readonly count: number }>(
  items: readonly T[],
  row: (item: T) => string,
  column: (item: T) => string,
): Map<string, Map<string, number>> {
  const table = new Map<string, Map<string, number>>();
  for (const item of items) {
    const cells = table.get(row(item)) ?? new Map<string, number>();
    cells.set(column(item), (cells.get(column(item)) ?? 0) + item.count);
    table.set(row(item), cells);
  }
  return table;
}

/** A tally as rows for these columns, the biggest first. */
export function rowsOf(
  table: ReadonlyMap<string, ReadonlyMap<string, number>>,
  columns: readonly string[],
  name: (row: string) => string,
): PlotRow[] {
  return [...table]
    .map(([row, cells]) => ({ label: name(row), values: columns.map((column) => cells.get(column) ?? 0) }))
    .toSorted((a, b) => sum(b.values) - sum(a.values) || a.label.localeCompare(b.label));
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
