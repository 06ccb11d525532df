import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createShimin, type Shimin } from './app.ts';
import type { Config } from './config.ts';
import type { Clock } from './lib/clock.ts';
import type { Keyring } from './lib/crypto.ts';
import type { Log } from './lib/log.ts';
import { createOpsServer } from './ops/ops-server.ts';

export interface RunningServer {
  readonly shimin: Shimin;
  readonly url: string;
  /** Null in a serving process, whose parent has the port. */
  readonly opsUrl: string | null;
  /** Readiness goes first, requests under way end, then everything closes. Milliseconds. */
  drain(graceMs?: number): Promise<void>;
}

/** Starts the provider and, unless a parent process has it, its health port. */
export async function startServer(deps: {
  config: Config;
  keyring: Keyring;
  log: Log;
  clock?: Clock;
  ops?: boolean;
}): Promise<RunningServer> {
  const { config, log } = deps;
  const shimin = await createShimin(deps);
  const server = createServer({ maxHeaderSize: 16_384, requestTimeout: 30_000, headersTimeout: 10_000 }, shimin.handle);
  const ops = deps.ops === false ? null : createOpsServer({ metrics: shimin.metrics, ready: shimin.ready });
  try {
    await listen(server, config.port, config.host);
    if (ops) await listen(ops, config.metricsPort, config.host);
  } catch (error) {
    server.close();
    await shimin.close();
    throw error;
  }
  let draining: Promise<void> | undefined;
  return {
    shimin,
    url: urlOf(server, config.host),
    opsUrl: ops && urlOf(ops, config.host),
    drain(graceMs = 9_000) {
      draining ??= drain(graceMs);
      return draining;
    },
  };

  async function drain(graceMs: number): Promise<void> {
    shimin.stopReadiness();
    log.info({ graceMs }, 'draining');
    const timer = setTimeout(() => server.closeAllConnections(), graceMs);
    await closed(server, () => server.closeIdleConnections());
    clearTimeout(timer);
    if (ops) await closed(ops, () => ops.closeAllConnections());
    await shimin.close();
    log.info('stopped');
  }
}

export function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

export function closed(server: Server, hurry: () => void): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    hurry();
  });
}

function urlOf(server: Server, host: string): string {
  const address = server.address() as AddressInfo;
  return `http://${host}:${address.port}`;
}
