import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { AggregatorRegistry } from 'prom-client';
import { z } from 'zod';
import { ShiminError } from './lib/errors.ts';
import type { Log } from './lib/log.ts';
import { createOpsServer, type Readiness } from './ops/ops-server.ts';
import { closed, listen, type RunningServer } from './server.ts';

/** What a serving process and its parent tell each other. */
const toParent = z.discriminatedUnion('shimin', [
  z.object({ shimin: z.literal('serving') }),
  z.object({ shimin: z.literal('readiness'), ask: z.number(), readiness: z.custom<Readiness>() }),
]);
const toChild = z.discriminatedUnion('shimin', [
  z.object({ shimin: z.literal('readiness'), ask: z.number() }),
  z.object({ shimin: z.literal('drain') }),
]);

/** A process that ends sooner than this after its start would end again: it is not replaced at once. Milliseconds. */
const QUICK_END_MS = 5_000;
const ANSWER_WITHIN_MS = 2_000;

/** True in one of the processes that {@link serveByProcesses} began. */
export const isServingProcess = (): boolean => cluster.isWorker;

/** In a serving process: answers its parent until it is told to drain, or a signal says so. A parent that is gone ends it. */
export async function attend(running: RunningServer, signal: Promise<void>): Promise<void> {
  // Made for its effect: it answers the parent's question for this process's metrics.
  new AggregatorRegistry();
  const told = new Promise<void>((resolve, reject) => {
    process.on('message', async (message) => {
      const { data } = toChild.safeParse(message);
      if (data?.shimin === 'drain') running.drain().then(resolve, reject);
      if (data?.shimin === 'readiness')
        process.send?.({ shimin: 'readiness', ask: data.ask, readiness: await running.shimin.ready() });
    });
  });
  process.send?.({ shimin: 'serving' });
  await Promise.race([told, signal]);
  process.disconnect();
}

/**
 * One process per processor behind one port. A process that ends unasked is replaced; the parent itself serves nothing but
 * health and the sum of all metrics, on the port for those.
 */
export async function serveByProcesses(deps: {
  count: number;
  host: string;
  metricsPort: number;
  log: Log;
}): Promise<{ drain(): Promise<void> }> {
  const { count, log } = deps;
  let draining = false;
  let asks = 0;
  const living = () => Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);

  const begin = (): Worker => {
    const worker = cluster.fork();
    const began = Date.now();
    worker.once('exit', (code, signal) => {
      if (draining) return;
      log.error({ pid: worker.process.pid, code, signal }, 'a serving process ended');
      setTimeout(() => !draining && begin(), Date.now() - began < QUICK_END_MS ? QUICK_END_MS : 0).unref();
    });
    return worker;
  };

  const drain = async () => {
    draining = true;
    const ended = living().map((worker) => once(worker, 'exit'));
    // Not by a signal: a terminal sends its own to all of them, and a second one means "at once".
    for (const worker of living()) if (worker.isConnected()) worker.send({ shimin: 'drain' });
    await Promise.all(ended);
    await closed(ops, () => ops.closeAllConnections());
  };

  async function ready(): Promise<Readiness> {
    const workers = living();
    const answers = await Promise.all(workers.map((worker) => readinessOf(worker, ++asks)));
    const serving = answers.filter((answer) => answer?.ok).length;
    const first = answers.find((answer) => answer && !answer.ok) ?? answers.find((answer) => answer);
    const ok = !draining && serving === count;
    return { ok, checks: { ...first?.checks, processes: `${serving} of ${count}`, draining: draining ? 'yes' : 'no' } };
  }

  const all = new AggregatorRegistry();
  const metrics = { contentType: all.contentType, metrics: () => all.clusterMetrics() };
  const ops = createOpsServer({ metrics: { registry: metrics }, ready });
  await listen(ops, deps.metricsPort, deps.host);
  try {
    await Promise.all(Array.from({ length: count }, begin).map(serving));
  } catch (error) {
    await drain();
    throw error;
  }
  return { drain };
}

function serving(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message) => {
      if (toParent.safeParse(message).data?.shimin === 'serving') resolve();
    });
    worker.once('exit', () =>
      reject(new ShiminError('service_busy', { status: 500, message: 'a serving process could not start' })),
    );
  });
}

function readinessOf(worker: Worker, ask: number): Promise<Readiness | null> {
  return new Promise((resolve) => {
    const settle = (answer: Readiness | null) => {
      clearTimeout(timer);
      worker.off('message', hear);
      resolve(answer);
    };
    const hear = (message: unknown) => {
      const heard = toParent.safeParse(message);
      if (heard.data?.shimin === 'readiness' && heard.data.ask === ask) settle(heard.data.readiness);
    };
    const timer = setTimeout(() => settle(null), ANSWER_WITHIN_MS);
    worker.on('message', hear);
    if (worker.isConnected()) worker.send({ shimin: 'readiness', ask });
    else settle(null);
  });
}
