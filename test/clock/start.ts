import { fileURLToPath } from 'node:url';
import { parseClock } from './spec.ts';

/**
 * Called by vitest's configuration: hands the clock that SHIMIN_TEST_CLOCK names to the workers, and to whatever they
 * start. Nothing named: the real clock. Answers a line that says so; null: there is nothing to say.
 */
export function startClock(env: NodeJS.ProcessEnv): string | null {
  const text = env.SHIMIN_TEST_CLOCK ?? 'off';
  // The server refuses settings that it does not know, and those that tests start get our environment.
  delete env.SHIMIN_TEST_CLOCK;
  const { name, shift, zone } = parseClock(text === '' ? 'off' : text, new Date());
  if (name === 'off') return null;
  const said = `clock of this run: ${describe(shift)}${zone ?? ''}; again: SHIMIN_TEST_CLOCK='${name}'`;
  if (zone !== null) env.TZ = zone;
  if ('to' in shift) env.TEST_CLOCK_TO = String(shift.to);
  else if (shift.by !== 0) env.TEST_CLOCK_BY = String(shift.by);
  else return said;
  const preload = fileURLToPath(new URL('./preload.ts', import.meta.url));
  env.NODE_OPTIONS = `${env.NODE_OPTIONS ?? ''} --require="${preload}"`.trim();
  return said;
}

function describe(shift: ReturnType<typeof parseClock>['shift']): string {
  if ('to' in shift) return `each file from ${new Date(shift.to).toISOString()} on `;
  return shift.by === 0 ? '' : `${new Date(Date.now() + shift.by).toISOString()} `;
}
