import type { Context } from 'koa';
import type { HashQueue } from '../authenticators/password.ts';
import type { BridgeDoor } from '../bridges/index.ts';
import type { CommandDeps } from '../commands/command.ts';
import type { Log } from '../lib/log.ts';
import type { CheckDoor } from '../proofing/check.ts';
import type { AreaSessions } from '../web/area-session.ts';
import type { BrowserMarks } from '../web/browser-mark.ts';
import type { Renderer } from '../web/render.ts';

export interface AccountDeps extends CommandDeps {
  readonly log: Log;
  readonly renderer: Renderer;
  readonly rpId: string;
  readonly issuer: string;
  readonly bridges: BridgeDoor;
  readonly checks: CheckDoor;
  readonly origins: readonly string[];
  readonly hashQueue: HashQueue;
  readonly areaSession: AreaSessions;
  /** Ends an SSO session and tells every app it reached. */
  readonly endSession: (uid: string) => Promise<void>;
  /** The SSO session behind an area session's `sid`; null when it is gone. */
  readonly sessionOfSid: (accountId: string, sid: string) => Promise<string | null>;
  readonly clientAddress: (ctx: Context) => string;
  readonly browsers: BrowserMarks;
  /** Whether this browser has an SSO session with somebody signed in. */
  readonly isSignedIn: (ctx: Context) => Promise<boolean>;
}
