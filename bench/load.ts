import { scenarios, signInAtOnce } from './scenarios.ts';

/** `node bench/load.ts '{"origin", "scenario", "seconds", "workers"}'`: runs in a process of its own, prints one JSON line. */
interface Plan {
  origin: string;
  scenario: string;
  seconds: number;
  workers: number;
}

const plan: Plan = JSON.parse(process.argv[2] ?? '{}');
const scenario = scenarios[plan.scenario];
if (!scenario) throw new Error(`unknown scenario ${plan.scenario}`);

const operations = await Promise.all(Array.from({ length: plan.workers }, () => scenario(plan.origin, signInAtOnce)));
// Half a second unmeasured: connections open, the server's hot code compiles.
await run(500, []);
process.send?.({ started: true });
const times: number[] = [];
const began = performance.now();
await run(plan.seconds * 1000, times);
const elapsed = (performance.now() - began) / 1000;
times.sort((a, b) => a - b);
const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
process.send?.({ operations: times.length, perSecond: times.length / elapsed, p50: at(0.5), p99: at(0.99) }, () =>
  process.exit(0),
);

async function run(milliseconds: number, into: number[]): Promise<void> {
  const end = performance.now() + milliseconds;
  await Promise.all(
    operations.map(async (operation) => {
      for (let start = performance.now(); start < end; ) {
        await operation();
        const now = performance.now();
        into.push(now - start);
        start = now;
      }
    }),
  );
}
