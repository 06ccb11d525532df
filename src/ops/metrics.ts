import { AggregatorRegistry, Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';

/** Prometheus metrics. Labels are closed sets: no account, no number and no address. */
export interface Metrics {
  readonly registry: Registry;
  request(route: string, method: string, status: number, seconds: number): void;
  event(type: string, outcome: string): void;
  /** One statement sent to the database; a statement that serves several requests at once counts once. */
  statement(kind: 'read' | 'write'): void;
  /** A row of a queue that nobody can read was set aside: somebody has to look. */
  setAside(queue: string): void;
  /** Somebody guesses at a source, or it says what can't be so: somebody has to look. */
  oddAnswer(what: string, source: string): void;
  /** The clock of this process's machine was set back by so many seconds. */
  clockSetBack(seconds: number): void;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  // A parent process sums this one with its siblings'.
  AggregatorRegistry.setRegistries(registry);
  const requests = new Histogram({
    name: 'shimin_http_request_seconds',
    help: 'Time from request to answer by kind of route',
    labelNames: ['route', 'method', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  });
  const events = new Counter({
    name: 'shimin_events_total',
    help: 'Engine events by type and outcome',
    labelNames: ['type', 'outcome'],
    registers: [registry],
  });
  const statements = new Counter({
    name: 'shimin_db_statements_total',
    help: 'Statements sent to the database',
    labelNames: ['kind'],
    registers: [registry],
  });
  const odd = new Counter({
    name: 'shimin_odd_answers_total',
    help: 'Odd answers of sources, and guessing at them, by what is odd',
    labelNames: ['what', 'source'],
    registers: [registry],
  });
  const aside = new Counter({
    name: 'shimin_set_aside_total',
    help: 'Rows of a queue that can not be read and were set aside',
    labelNames: ['queue'],
    registers: [registry],
  });
  const stepsBack = new Counter({
    name: 'shimin_clock_steps_back_total',
    help: 'How often the clock was set back by more than two seconds, as each process saw it',
    registers: [registry],
  });
  const secondsBack = new Counter({
    name: 'shimin_clock_steps_back_seconds_total',
    help: 'By how many seconds the clock was set back in all, as each process saw it',
    registers: [registry],
  });
  return {
    registry,
    clockSetBack(seconds) {
      stepsBack.inc();
      secondsBack.inc(seconds);
    },
    oddAnswer: (what, source) => odd.inc({ what, source }),
    setAside: (queue) => aside.inc({ queue }),
    request: (route, method, status, seconds) =>
      requests.observe({ route, method, status: `${Math.floor(status / 100)}xx` }, seconds),
    event: (type, outcome) => events.inc({ type, outcome }),
    statement: (kind) => statements.inc({ kind }),
  };
}
