import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { ShiminError } from './lib/errors.ts';

const port = z.coerce.number().int().min(0).max(65535);
const flag = z.enum(['true', 'false', '1', '0', '']).transform((value) => value === 'true' || value === '1');
const url = z.url({ protocol: /^https?$/ }).transform((value) => value.replace(/\/$/, ''));

/**
 * Every setting of Shimin, read from `SHIMIN_*` environment variables. The description of each field is the text of
 * the generated reference `docs/configuration.md`.
 */
export const settingsSchema = z.object({
  SHIMIN_ISSUER: url.default('http://localhost:3000').describe('Issuer identifier: the public origin of the provider.'),
  SHIMIN_HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  SHIMIN_PORT: port.default(3000).describe('Port of the provider.'),
  SHIMIN_METRICS_PORT: port.default(3001).describe('Port of /metrics, /livez and /readyz; never published.'),
  SHIMIN_PROCESSES: z.coerce
    .number()
    .int()
    .min(0)
    .max(64)
    .default(1)
    .describe('How many processes `serve` shares its port among; 0: one per processor.'),
  SHIMIN_DATABASE_URL: z
    .string()
    .regex(/^(sqlite:.+|postgres(ql)?:\/\/.+)$/, 'must be sqlite:PATH or postgres://...')
    .default('sqlite:data/shimin.db')
    .describe('`sqlite:PATH` or `postgres://...`.'),
  SHIMIN_SQLITE_DRIVER: z
    .enum(['better-sqlite3', 'sqlite3'])
    .default('better-sqlite3')
    .describe('SQLite driver; `sqlite3` must be installed beside Shimin.'),
  SHIMIN_SECRETS: z
    .string()
    .min(1)
    .default('data/secrets.json')
    .describe(
      'File of key-encryption keys, pepper, blind-index key and cookie keys. `demo` makes one; production must be given one.',
    ),
  SHIMIN_TRUSTED_PROXIES: z.coerce
    .number()
    .int()
    .min(0)
    .max(10)
    .default(0)
    .describe('How many reverse proxies stand in front and set X-Forwarded-For; 0: headers are ignored.'),
  SHIMIN_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Least severity written.'),
  SHIMIN_ALLOW_LOOPBACK: flag
    .default(false)
    .describe('Let outgoing requests reach loopback addresses; refused in production.'),
  SHIMIN_DEMO: flag.default(false).describe('Seed demo apps and people; refused in production.'),
  SHIMIN_SEED_CLIENTS: z.string().default('').describe('File of demo client metadata to seed (JSON), used by `demo`.'),
  SHIMIN_AUDIT_HEADS: z
    .string()
    .default('')
    .describe('Folder for a signed head of the audit log each day, to be collected and kept elsewhere; empty: none.'),
  SHIMIN_POPULATION_URL: url.default('http://localhost:4000/population').describe('Population register API.'),
  SHIMIN_POPULATION_APP_ID: z.string().min(1).default('shimin-demo').describe('Caller id at the population register.'),
  SHIMIN_POPULATION_SECRET: z
    .string()
    .min(8)
    .default('demo-population-secret')
    .describe('Signing secret at the population register.'),
  SHIMIN_FACE_URL: url.default('http://localhost:4000/face').describe('Face service API.'),
  SHIMIN_FACE_APP_ID: z.string().min(1).default('shimin-demo').describe('Caller id at the face service.'),
  SHIMIN_FACE_SECRET: z.string().min(8).default('demo-face-secret').describe('Signing secret at the face service.'),
  SHIMIN_SMS_URL: url.default('http://localhost:4000/sms').describe('SMS gateway API.'),
  SHIMIN_SMS_TOKEN: z.string().min(8).default('demo-sms-token').describe('Bearer token at the SMS gateway.'),
});

export interface Config {
  readonly production: boolean;
  readonly issuer: string;
  readonly host: string;
  readonly port: number;
  readonly metricsPort: number;
  readonly processes: number;
  readonly databaseUrl: string;
  readonly sqliteDriver: 'better-sqlite3' | 'sqlite3';
  readonly secretsFile: string;
  readonly trustedProxies: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly allowLoopback: boolean;
  readonly demo: boolean;
  readonly seedClients: string;
  readonly auditHeads: string;
  readonly population: { url: string; appId: string; secret: string };
  readonly face: { url: string; appId: string; secret: string };
  readonly sms: { url: string; token: string };
}

const demoSecrets = ['demo-population-secret', 'demo-face-secret', 'demo-sms-token'];

/**
 * Parses settings and refuses contradictions, all of them named at once.
 * @throws ShiminError `config_invalid` with `detail.faults`
 */
export function parseConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => name.startsWith('SHIMIN_') && value !== undefined),
  );
  const faults: string[] = [];
  for (const name of Object.keys(given)) {
    if (!(name in settingsSchema.shape)) faults.push(`${name}: unknown setting`);
  }
  const parsed = settingsSchema.safeParse(given);
  if (!parsed.success) {
    faults.push(...parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
    throw invalid(faults);
  }
  const s = parsed.data;
  const production = env.NODE_ENV === 'production';
  if (production) {
    if (!s.SHIMIN_ISSUER.startsWith('https://')) faults.push('SHIMIN_ISSUER: must be https in production');
    if (s.SHIMIN_ALLOW_LOOPBACK) faults.push('SHIMIN_ALLOW_LOOPBACK: refused in production');
    if (s.SHIMIN_DEMO) faults.push('SHIMIN_DEMO: refused in production');
    for (const [name, value] of Object.entries(s)) {
      if (typeof value === 'string' && demoSecrets.includes(value))
        faults.push(`${name}: the demo value is refused in production`);
    }
  }
  if (new URL(s.SHIMIN_ISSUER).pathname !== '/') faults.push('SHIMIN_ISSUER: must be an origin without a path');
  if (faults.length > 0) throw invalid(faults);
  return {
    production,
    issuer: s.SHIMIN_ISSUER,
    host: s.SHIMIN_HOST,
    port: s.SHIMIN_PORT,
    metricsPort: s.SHIMIN_METRICS_PORT,
    processes: s.SHIMIN_PROCESSES || availableParallelism(),
    databaseUrl: s.SHIMIN_DATABASE_URL,
    sqliteDriver: s.SHIMIN_SQLITE_DRIVER,
    secretsFile: s.SHIMIN_SECRETS,
    trustedProxies: s.SHIMIN_TRUSTED_PROXIES,
    logLevel: s.SHIMIN_LOG_LEVEL,
    allowLoopback: s.SHIMIN_ALLOW_LOOPBACK,
    demo: s.SHIMIN_DEMO,
    seedClients: s.SHIMIN_SEED_CLIENTS,
    auditHeads: s.SHIMIN_AUDIT_HEADS,
    population: { url: s.SHIMIN_POPULATION_URL, appId: s.SHIMIN_POPULATION_APP_ID, secret: s.SHIMIN_POPULATION_SECRET },
    face: { url: s.SHIMIN_FACE_URL, appId: s.SHIMIN_FACE_APP_ID, secret: s.SHIMIN_FACE_SECRET },
    sms: { url: s.SHIMIN_SMS_URL, token: s.SHIMIN_SMS_TOKEN },
  };
}

function invalid(faults: string[]): ShiminError {
  return new ShiminError('config_invalid', {
    status: 500,
    message: `settings refused: ${faults.join('; ')}`,
    detail: { faults },
  });
}
