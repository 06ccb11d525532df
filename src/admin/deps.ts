import type { Context } from 'koa';
import type { CommandDeps } from '../commands/command.ts';
import type { Log } from '../lib/log.ts';
import type { AreaSessions } from '../web/area-session.ts';
import type { Renderer } from '../web/render.ts';

export interface AdminDeps extends CommandDeps {
  readonly log: Log;
  readonly renderer: Renderer;
  readonly issuer: string;
  readonly areaSession: AreaSessions;
  /** The breaker's view of each upstream, by source id. */
  readonly health: () => Readonly<Record<string, boolean>>;
  /** Takes up rotated signing keys in this process at once. */
  readonly reloadKeys: () => Promise<boolean>;
  /** Ends an SSO session and tells every app it reached. */
  readonly endSession: (uid: string) => Promise<void>;
  readonly clientAddress: (ctx: Context) => string;
}
