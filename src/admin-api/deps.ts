import type { AssurancePolicy } from '../assurance/policy.ts';
import type { AppReplay, Comparison, longestWay } from '../assurance/preview.ts';
import type { CommandDeps } from '../commands/command.ts';
import type { MetadataCheck } from '../commands/write-app.ts';
import type { I18n } from '../i18n/index.ts';
import type { Log } from '../lib/log.ts';

export interface Policies {
  readonly old: AssurancePolicy;
  readonly next: AssurancePolicy;
}

export interface ApiDeps extends CommandDeps {
  readonly log: Log;
  readonly i18n: I18n;
  readonly issuer: string;
  /** Where the API is served, the resource that its tokens are for, and their scope. */
  readonly address: { readonly path: string; readonly resource: string; readonly scope: string };
  /** The app behind a bearer token of its own; null: none. */
  readonly appOfToken: (
    token: string,
  ) => Promise<{ clientId: string; scopes: ReadonlySet<string>; resource: string | null } | null>;
  /** What the engine says is wrong with an app's metadata; null: it takes it. */
  readonly clientFault: MetadataCheck;
  readonly allowLoopback: boolean;
  /** Takes up rotated signing keys in this process at once. */
  readonly reloadKeys: () => Promise<unknown>;
  /** The breaker's view of each upstream, by source id. */
  readonly health: () => Readonly<Record<string, boolean>>;
  /** The console's count of what a draft would mean; a long one goes on behind the answer. */
  readonly count: (
    key: string,
    policies: Policies,
  ) => Promise<{ finished: boolean; comparison: Comparison; replay: readonly AppReplay[]; decisions: number }>;
  readonly longestWay: (policies: Policies) => ReturnType<typeof longestWay>;
}
