import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { everyClock, parseClock } from './spec.ts';

/**
 * `npm run test:clock [-- --at CLOCK] [files]`: the tests under another clock, or under each of them one after the other
 * (see spec.ts for what a clock is called). Ends non-zero if any run did.
 */
const { values, positionals } = parseArgs({
  options: { at: { type: 'string', multiple: true }, tz: { type: 'string' } },
  allowPositionals: true,
});
const zone = values.tz === undefined ? '' : `@${values.tz}`;
const clocks = (values.at ?? (zone === '' ? everyClock : [''])).map((at) => `${at}${zone}`);
for (const clock of clocks) parseClock(clock, new Date());

const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const failed = clocks.filter((clock) => {
  const env = { ...process.env, SHIMIN_TEST_CLOCK: clock };
  return spawnSync(process.execPath, [vitest, 'run', ...positionals], { env, stdio: 'inherit' }).status !== 0;
});
process.stdout.write(
  failed.length === 0 ? `passed under ${clocks.join(', ')}\n` : `failed under ${failed.join(', ')}\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
