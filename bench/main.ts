import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Measured, medians, type Row, report, table } from './report.ts';
import { openStores, type Target } from './targets.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    workers: { type: 'string', default: '16' },
    stores: { type: 'string', default: 'bare,sqlite-engine,postgres-engine,sqlite,postgres' },
    scenarios: { type: 'string', default: 'sso,refresh,userinfo,discovery,sign_in,passkey,password_totp' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log('npm run bench -- [--rounds 3] [--seconds 3] [--workers 16] [--stores a,b] [--scenarios a,b] [--write]');
  process.exit(0);
}

const began = Date.now();
const stores = await openStores(options.stores.split(','));
const measured: Measured[] = [];
try {
  // Side by side in time: whatever else the machine does hits every store alike.
  for (let round = 1; round <= Number(options.rounds); round += 1) {
    for (const scenario of options.scenarios.split(',')) {
      for (const target of stores.targets) {
        if (!target.scenarios.includes(scenario)) continue;
        measured.push(await measure(target, scenario, round));
      }
    }
    console.error(`round ${round} of ${options.rounds}, ${Math.round((Date.now() - began) / 1000)} s`);
  }
} finally {
  await stores.close();
}
const rows: Row[] = medians(measured);
for (const row of rows) console.log(JSON.stringify(row));
console.error(`\n${table(rows)}`);
if (options.write) {
  const machine = `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}`;
  const setting = `${options.rounds} rounds of ${options.seconds} s, ${options.workers} at once, ${machine}`;
  const file = new URL('../docs/performance.md', import.meta.url);
  writeFileSync(file, report(readFileSync(file, 'utf8'), rows, setting));
}

async function measure(target: Target, scenario: string, round: number): Promise<Measured> {
  const plan = {
    origin: target.origin,
    scenario,
    seconds: Number(options.seconds),
    workers: Number(options.workers),
    round,
    ...(target.citizens === undefined ? {} : { citizens: target.citizens }),
  };
  const load = fork(new URL('load.ts', import.meta.url), [JSON.stringify(plan)]);
  await message(load);
  const before = { cpu: cpuMs(target.pid), counts: await target.counts() };
  const result = await message(load);
  const after = { cpu: cpuMs(target.pid), counts: await target.counts() };
  await exited(load);
  const operations = Number(result.operations);
  return {
    scenario,
    store: target.name,
    perSecond: Number(result.perSecond),
    p50: Number(result.p50),
    p99: Number(result.p99),
    rssMb: rssMb(target.pid),
    cpuMsPerOp: (after.cpu - before.cpu) / operations,
    reads: (after.counts.read - before.counts.read) / operations,
    writes: (after.counts.write - before.counts.write) / operations,
  };
}

function message(child: ChildProcess): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null) => reject(new Error(`the load generator ended with ${code}`));
    child.once('exit', gone);
    child.once('message', (value) => {
      child.off('exit', gone);
      resolve(typeof value === 'object' ? { ...value } : {});
    });
  });
}

async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode === null) await once(child, 'exit');
}

/** User and system time of the process; the kernel counts in hundredths of a second. */
/** A server and the processes that serve for it. */
function family(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return [pid, ...children];
}

function cpuMs(server: number): number {
  return total(server, (pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  });
}

function rssMb(server: number): number {
  return total(
    server,
    (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
  );
}

function total(server: number, of: (pid: number) => number): number {
  return family(server).reduce((sum, pid) => sum + of(pid), 0);
}
