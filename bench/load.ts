import { readFileSync } from 'node:fs';
import type { Citizen } from './citizens.ts';
import { type SignIn, scenarios, signInAtOnce } from './scenarios.ts';
import { withPasskey, withPassword } from './sign-in.ts';

/** `node bench/load.ts '{"origin", "scenario", "seconds", "workers"}'`: runs in a process of its own, prints one JSON line. */
interface Plan {
  origin: string;
  scenario: string;
  seconds: number;
  workers: number;
  /** File of citizens; without it the server signs in at once. */
  citizens?: string;
  round: number;
}

const plan: Plan = JSON.parse(process.argv[2] ?? '{}');
const scenario = scenarios[plan.scenario];
if (!scenario) throw new Error(`unknown scenario ${plan.scenario}`);

const signIn = ways(plan);

/** A code of an authenticator app counts once, so each of these sign-ins is another citizen's, and each round's too. */
function ways({ citizens: file, scenario: name, origin, round }: Plan): SignIn {
  if (file === undefined) return signInAtOnce;
  const citizens: Citizen[] = JSON.parse(readFileSync(file, 'utf8'));
  let next = Math.floor((citizens.length / 3) * ((round - 1) % 3));
  const way = name === 'password_totp' ? withPassword : withPasskey;
  return (browser) => {
    const citizen = citizens[next % citizens.length];
    next += 1;
    if (!citizen) throw new Error('no citizens');
    return way(browser, origin, citizen);
  };
}

const operations = await Promise.all(Array.from({ length: plan.workers }, () => scenario(plan.origin, signIn)));
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
