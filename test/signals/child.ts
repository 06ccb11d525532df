import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** The provider as an operator runs it, in a process that can be killed. */
export interface Child {
  /** Starts it; it serves when this resolves. */
  start(): Promise<void>;
  /** SIGKILL: no handler runs, nothing is flushed. */
  kill(): Promise<void>;
}

export function childOf(env: Readonly<Record<string, string>>): Child {
  let running: ChildProcess | null = null;
  return {
    async start() {
      running = spawn(process.execPath, ['src/main.ts', 'serve'], {
        env: { ...process.env, NODE_ENV: 'test', ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const died = once(running, 'exit').then(([code]) => {
        throw new Error(`did not start: ${code}`);
      });
      const [line] = await Promise.race([once(running.stdout ?? running, 'data'), died]);
      died.catch(() => undefined);
      if (!String(line).startsWith('shimin ready')) throw new Error(String(line));
    },
    async kill() {
      const child = running;
      running = null;
      if (!child || child.exitCode !== null) return;
      const over = once(child, 'exit');
      child.kill('SIGKILL');
      await over;
    },
  };
}
