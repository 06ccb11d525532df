import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
  wrap,
} from 'cockatiel';
import { ShiminError } from './errors.ts';
import { type Exchange, exchange, unavailable } from './exchange.ts';
import { startProbe } from './probe.ts';

/** One upstream's share of our patience: how many calls at a time, and when to stop asking for a while. */
export interface Upstream {
  readonly name: string;
  /** False while the circuit is open and it does not answer our own probes either: nobody asks it just now. */
  healthy(): boolean;
  /** `target`: what is asked there, so that it can be probed when it stops answering. */
  run<T>(work: () => Promise<T>, target?: { readonly url: string | URL; readonly allowLoopback?: boolean }): Promise<T>;
  /** Stops probing. */
  close(): void;
}

export interface UpstreamOptions {
  readonly maxConcurrent?: number;
  readonly maxQueued?: number;
  readonly breakAfter?: number;
  readonly halfOpenAfterMs?: number;
  /** Hears of every call whether the upstream answered, whatever it said. */
  readonly observe?: (name: string, answered: boolean) => void;
}

/**
 * Keeps one slow or broken upstream from taking the others down with it: beyond `maxConcurrent` and `maxQueued` calls are
 * refused at once, and after `breakAfter` failures in a row nobody is made to wait for it. A way that is withdrawn is not
 * tried by anybody, so we look ourselves: as soon as the upstream answers a bare request it is offered again, and the first
 * real call after `halfOpenAfterMs` decides.
 */
export function createUpstream(name: string, options: UpstreamOptions = {}): Upstream {
  const { maxConcurrent = 20, maxQueued = 20, breakAfter = 5, halfOpenAfterMs = 2000, observe } = options;
  const breaker = circuitBreaker(handleWhen(isFaultOfUpstream), {
    halfOpenAfter: halfOpenAfterMs,
    breaker: new ConsecutiveBreaker(breakAfter),
  });
  const policy = wrap(bulkhead(maxConcurrent, maxQueued), breaker);
  let last: Pick<Exchange, 'url' | 'allowLoopback'> | null = null;
  const probe = startProbe(async () => last === null || answers(last));
  breaker.onBreak(() => probe.begin());
  breaker.onReset(() => probe.recovered());
  const withdrawn = () => breaker.state === CircuitState.Open && !probe.answered();
  return {
    name,
    healthy: () => !withdrawn(),
    close: () => probe.stop(),
    async run(work, target) {
      last = target ?? last;
      try {
        if (withdrawn()) throw new BrokenCircuitError();
        const result = await policy.execute(work);
        observe?.(name, true);
        return result;
      } catch (cause) {
        observe?.(name, !isFaultOfUpstream(cause) && cause instanceof ShiminError);
        if (cause instanceof BulkheadRejectedError)
          throw unavailable('too many calls under way', { upstream: name, cause, retryAfter: 1 });
        if (cause instanceof BrokenCircuitError) {
          throw unavailable('circuit open', { upstream: name, cause, retryAfter: Math.ceil(halfOpenAfterMs / 1000) });
        }
        throw cause;
      }
    },
  };
}

/**
 * A 4xx is mostly about the one request: people who mistype codes at an upstream must not be able to open the circuit for
 * everybody. Too many requests and request time-out are about the upstream.
 */
function isFaultOfUpstream(error: unknown): boolean {
  if (!(error instanceof ShiminError) || !error.code.startsWith('upstream_')) return false;
  const { status } = error.detail;
  return typeof status !== 'number' || status >= 500 || status === 429 || status === 408;
}

/** Whether it says anything at all to a request without credentials or content, but that it is not well. */
async function answers({ url, allowLoopback = false }: Pick<Exchange, 'url' | 'allowLoopback'>): Promise<boolean> {
  const { origin, pathname } = new URL(url);
  try {
    const { status } = await exchange({ url: origin + pathname, method: 'GET', allowLoopback, timeoutMs: 2000 });
    return status < 500 && status !== 429 && status !== 408;
  } catch (error) {
    // Too long, compressed or a redirect: odd, and an answer.
    return error instanceof ShiminError && error.code === 'upstream_malformed';
  }
}
