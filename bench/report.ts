export interface Measured {
  scenario: string;
  store: string;
  perSecond: number;
  p50: number;
  p99: number;
  rssMb: number;
  cpuMsPerOp: number;
  /** Statements on the engine's tables per operation. */
  reads: number;
  writes: number;
}

/** The bench's machine-readable line; member names are part of the outside contract. */
export interface Row {
  scenario: string;
  store: string;
  per_second: number;
  p50_ms: number;
  p99_ms: number;
  ratio_to_bare: number | null;
  rss_mb: number;
  cpu_ms_per_op: number;
  reads_per_op: number;
  writes_per_op: number;
}

/** Ways to sign in that the yardstick does not know are held against its sign-in at once. */
const yardstick: Record<string, string> = { passkey: 'sign_in', password: 'sign_in', password_totp: 'sign_in' };

export function medians(measured: Measured[]): Row[] {
  const groups = Map.groupBy(measured, (one) => `${one.scenario} ${one.store}`);
  const median = (group: Measured[], pick: (one: Measured) => number) => {
    const sorted = group.map(pick).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? 0;
  };
  const round = (value: number, digits: number) => Number(value.toFixed(digits));
  const speed = (scenario: string, store: string) =>
    median(groups.get(`${scenario} ${store}`) ?? [], (one) => one.perSecond);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const { scenario, store } = first;
    const bare = speed(yardstick[scenario] ?? scenario, 'bare');
    return {
      scenario,
      store,
      per_second: round(speed(scenario, store), 0),
      p50_ms: round(
        median(group, (one) => one.p50),
        2,
      ),
      p99_ms: round(
        median(group, (one) => one.p99),
        2,
      ),
      ratio_to_bare: bare > 0 ? round(speed(scenario, store) / bare, 2) : null,
      rss_mb: round(
        median(group, (one) => one.rssMb),
        0,
      ),
      cpu_ms_per_op: round(
        median(group, (one) => one.cpuMsPerOp),
        3,
      ),
      reads_per_op: round(
        median(group, (one) => one.reads),
        1,
      ),
      writes_per_op: round(
        median(group, (one) => one.writes),
        1,
      ),
    };
  });
}

export function table(rows: Row[]): string {
  const head = '| Scenario | Store | per second | to bare | p50 ms | p99 ms | CPU ms/op | reads | writes | RSS MB |';
  const lines = rows.map(
    (row) =>
      `| ${row.scenario} | ${row.store} | ${row.per_second} | ${row.ratio_to_bare ?? '-'} | ${row.p50_ms} | ${row.p99_ms} | ${row.cpu_ms_per_op} | ${row.reads_per_op} | ${row.writes_per_op} | ${row.rss_mb} |`,
  );
  return [head, '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |', ...lines].join('\n');
}

/** Replaces what stands between the two marks of docs/performance.md. */
export function report(document: string, rows: Row[], setting: string): string {
  const begin = '<!-- bench:begin -->';
  const end = '<!-- bench:end -->';
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error('docs/performance.md has lost its marks');
  return `${document.slice(0, from + begin.length)}\n${setting}.\n\n${table(rows)}\n${document.slice(to)}`;
}
