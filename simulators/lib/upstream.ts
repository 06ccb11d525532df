import type Router from '@koa/router';
import type { TestPerson } from '../people.ts';

/** What every simulated upstream is given. */
export interface UpstreamContext {
  /** Origin of all simulators; known once they listen. */
  readonly origin: () => string;
  readonly people: readonly TestPerson[];
  /** Hosts to which people may be sent back. */
  readonly returnHosts: readonly string[];
}

/** One simulated upstream: its routes under its own path, its switches under `path/_control`. */
export interface SimulatedUpstream {
  /** The bridge or check that it stands opposite of. */
  readonly id: string;
  readonly title: string;
  readonly path: string;
  readonly router: Router;
  /** What it is told to do wrong just now. */
  readonly fault: () => string;
  /** What a bridge must be set up with to use it; known once the simulators listen. */
  readonly settings: () => Readonly<Record<string, string>>;
}

export type UpstreamFactory = (context: UpstreamContext) => SimulatedUpstream | Promise<SimulatedUpstream>;
