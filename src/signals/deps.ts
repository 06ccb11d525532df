import type { CommandDeps } from '../commands/command.ts';
import type { Log } from '../lib/log.ts';

/** What the engine knows, handed in: this area does not see it. */
export interface SignalEngine {
  /** The app behind a bearer token of its own; null: the token is none. */
  appOfToken(value: string): Promise<{ readonly clientId: string; readonly scopes: ReadonlySet<string> } | null>;
  /** How an app knows an account, and the algorithm it checks signatures with; null: the app is gone. */
  recipient(clientId: string, accountId: string): Promise<{ subject: string; algorithm: string } | null>;
  /** The algorithm for events that are about no account. */
  algorithmOf(clientId: string): Promise<string>;
  /** Signs with the current key of an algorithm; explicit type `secevent+jwt` (SSF 1.0 4.1.2). */
  sign(claims: Readonly<Record<string, unknown>>, algorithm: string): Promise<string>;
}

export interface SignalDeps extends CommandDeps {
  readonly log: Log;
  readonly issuer: string;
  readonly engine: SignalEngine;
  readonly allowLoopback: boolean;
  /** The register's key for notices it sends us. */
  readonly population: { readonly clientId: string; readonly secret: string };
  /** Hears of each event that was set aside because nobody can read it. */
  readonly onSetAside: (jti: string) => void;
  /** True for exactly one caller per sender and nonce. */
  unique(sender: string, nonce: string, expSeconds: number): Promise<boolean>;
}
