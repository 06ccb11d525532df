import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type City, runDemo } from '../../src/demo.ts';

export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export interface TestCity extends City {
  readonly databaseUrl: string;
  readonly env: Readonly<Record<string, string>>;
  readonly lines: readonly string[];
}

/** The whole city on free ports with a database of its own, in this process so that coverage counts it. */
export async function startCity(overrides: Readonly<Record<string, string>> = {}): Promise<TestCity> {
  const folder = await mkdtemp(join(tmpdir(), 'shimin-city-'));
  const [provider = 0, metrics = 0, simulators = 0, library = 0, social = 0, housing = 0, singapore = 0] =
    await freePorts(7);
  const env = {
    SHIMIN_ISSUER: `http://localhost:${provider}`,
    SHIMIN_HOST: 'localhost',
    SHIMIN_PORT: String(provider),
    SHIMIN_METRICS_PORT: String(metrics),
    SHIMIN_DATABASE_URL: `sqlite:${join(folder, 'shimin.db')}`,
    SHIMIN_SECRETS: join(folder, 'secrets.json'),
    SHIMIN_LOG_LEVEL: 'error',
    SHIMIN_DEMO_SIMULATORS_PORT: String(simulators),
    SHIMIN_DEMO_LIBRARY_PORT: String(library),
    SHIMIN_DEMO_SOCIAL_PORT: String(social),
    SHIMIN_DEMO_HOUSING_PORT: String(housing),
    SHIMIN_DEMO_SINGAPORE_PORT: String(singapore),
    ...overrides,
  };
  const lines: string[] = [];
  const city = await runDemo(env, (line) => lines.push(line));
  return {
    ...city,
    env,
    lines,
    databaseUrl: env.SHIMIN_DATABASE_URL,
    close: async () => {
      await city.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
