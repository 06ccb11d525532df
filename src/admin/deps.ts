import type { Context } from 'koa';
import type { BridgeDoor } from '../bridges/index.ts';
import type { CommandDeps } from '../commands/command.ts';
import type { Log } from '../lib/log.ts';
import type { CheckDoor } from '../proofing/check.ts';
import type { PopulationRegister } from '../proofing/population.ts';
import type { AreaSessions } from '../web/area-session.ts';
import type { BrowserMarks } from '../web/browser-mark.ts';
import type { Renderer } from '../web/render.ts';

export interface AdminDeps extends CommandDeps {
  readonly log: Log;
  readonly renderer: Renderer;
  readonly issuer: string;
  readonly areaSession: AreaSessions;
  /** The breaker's view of each upstream, by source id. */
  readonly health: () => Readonly<Record<string, boolean>>;
  readonly bridges: BridgeDoor;
  readonly checks: CheckDoor;
  /** The breaker's view of a bridge or a check; null: it was never asked. */
  readonly healthy: (id: string) => boolean | null;
  /** Asked at counters. */
  readonly population: PopulationRegister;
  /** Takes up rotated signing keys in this process at once. */
  readonly reloadKeys: () => Promise<boolean>;
  /** Ends an SSO session and tells every app it reached. */
  readonly endSession: (uid: string) => Promise<void>;
  /** What the engine says is wrong with an app's metadata; null: it takes it. */
  readonly clientFault: (metadata: Readonly<Record<string, unknown>>) => string | null;
  /** The city on one machine: addresses on it are well. */
  readonly allowLoopback: boolean;
  /** The sign-in that a token of ours comes from; null: it is none of ours, or gone. */
  readonly originOf: (
    token: string,
  ) => Promise<{ accountId: string; clientId: string; sessionUid: string; issuedAt: Date } | null>;
  readonly clientAddress: (ctx: Context) => string;
  readonly browsers: BrowserMarks;
}
