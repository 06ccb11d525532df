import type { Context } from 'koa';
import type { CommandDeps } from './commands/command.ts';
import { type LimitName, tryOnce, uncount } from './commands/throttles.ts';
import type { Begun, OpenWork } from './oidc/open-work.ts';
import type { BrowserMarks } from './web/browser-mark.ts';

/** Bytes of a pushed request that count as one: what an ordinary one has. */
const pushedUnit = 2_048;

/**
 * Bounds what strangers leave unfinished: a request that nobody ends is a sealed row for half an hour. A browser that was
 * here before counts by itself, so that only newcomers share the bound of their address, and what is finished is given
 * back; docs/limits.md has the figures.
 */
export function boundOpenWork(
  deps: CommandDeps,
  { addressOf, browsers }: { addressOf: (ctx: Context) => string; browsers: BrowserMarks },
): OpenWork {
  const counters = (ctx: Context, { clientId, newcomer }: Begun): [LimitName, string][] => {
    const browser = browsers.of(ctx);
    const source: [LimitName, string] =
      newcomer || browser === null ? ['openAddress', addressOf(ctx)] : ['openBrowser', browser];
    return [source, ['openClient', clientId]];
  };
  const first = async (tries: readonly [LimitName, string, number?][]) => {
    for (const [name, key, weight] of tries) {
      const { allowed, retryAfterSec } = await tryOnce(deps, name, key, weight);
      if (!allowed) return retryAfterSec;
    }
    return null;
  };
  return {
    isNewcomer: (ctx) => browsers.of(ctx) === null,
    begin: (ctx, begun) => first(counters(ctx, begun)),
    async end(ctx, begun) {
      for (const [name, key] of counters(ctx, begun)) await uncount(deps, name, key);
    },
    pushed: (ctx, { clientId, authenticated, bytes }) =>
      first([
        ...(authenticated ? [] : [['pushedAddress', addressOf(ctx)] as [LimitName, string]]),
        ['pushedClient', clientId, Math.max(1, Math.ceil(bytes / pushedUnit))],
      ]),
  };
}
