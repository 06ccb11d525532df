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

/** A file of photos that faces are compared with. */
export interface PhotoFile {
  /** How its record references begin. */
  readonly refPrefix: string;
  /** Where a picture is compared with a record's photo. */
  readonly scorePath: string;
  /** How the face service reaches it: over HTTP, as any other caller. */
  readonly caller: { readonly clientId: string; readonly secret: string };
  /** What a camera in front of the record's person would see. */
  readonly cameraOf: (recordRef: string) => string | undefined;
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
  /** For those that keep photos. */
  readonly photos?: PhotoFile;
}

export type UpstreamFactory = (context: UpstreamContext) => SimulatedUpstream | Promise<SimulatedUpstream>;
