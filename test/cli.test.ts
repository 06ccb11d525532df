import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formerLevels } from '../seeds/former-policy.ts';
import { defaultPolicy } from '../seeds/policy.ts';
import { runCli } from '../src/cli.ts';
import { parseConfig } from '../src/config.ts';
import { ShiminError } from '../src/lib/errors.ts';
import { connect } from '../src/storage/db.ts';
import { appendPolicy } from '../src/storage/policies.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shimin-cli-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(argv: string[], { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(argv, {
    env: {
      SHIMIN_DATABASE_URL: `sqlite:${join(folder, 'cli.db')}`,
      SHIMIN_SECRETS: join(folder, 'secrets.json'),
      SHIMIN_LOG_LEVEL: 'silent',
      ...env,
    },
    input: Readable.from([input]),
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    onSignal: (handler) => setTimeout(handler, 50),
    exitNow: () => undefined,
  });
  return { code, out, err };
}

describe('verbs', () => {
  it('a new installation: doctor says what is missing, migrate and seed mend it, again does nothing', async () => {
    expect((await run(['doctor'])).code).toBe(1);
    expect((await run(['migrate', '--json'])).code).toBe(0);
    expect((await run(['seed', '--json'])).code).toBe(0);
    const again = await run(['seed', '--json']);
    expect(JSON.parse(again.out[0] ?? '')).toMatchObject({ policy: false, keys: 0, apps: [] });
    const doctor = await run(['doctor', '--json']);
    expect(JSON.parse(doctor.out[0] ?? '')).toMatchObject({ ok: true });
    expect(new Set((await run(['doctor'])).out.map((line) => line.slice(0, 2)))).toEqual(new Set(['ok']));
    expect((await run(['status'])).out[0]).toMatch(/pending 0/);
  });

  it('migrate follows the default where an installation has it; doctor tells where a name and a number alone are a level', async () => {
    const file = join(folder, 'former.db');
    const env = { SHIMIN_DATABASE_URL: `sqlite:${file}` };
    await run(['migrate'], { env });
    const { knex, close } = connect(`sqlite:${file}`);
    const publish = (version: number, levels: typeof formerLevels) =>
      appendPolicy(knex, {
        version,
        document: { ...defaultPolicy, levels, version },
        createdBy: 'test',
        at: new Date(),
        expectedPrevious: version - 1,
      });
    await publish(1, formerLevels);
    await run(['keys', 'rotate'], { env });
    const told = async () => (await run(['doctor'], { env })).out.find((line) => line.includes('assurance policy'));
    expect(await told()).toContain('a name and a number alone reach urn:shimin:loa:2: docs/levels.md');
    const migrated = await run(['migrate', '--json'], { env });
    expect(JSON.parse(migrated.out[0] ?? '')).toMatchObject({ names: [], policy: 'renewed', version: 2 });
    expect(await told()).not.toContain('a name and a number');
    // Taken back by somebody: it stays, and is told of.
    await publish(3, formerLevels);
    expect((await run(['migrate'], { env })).out[0]).not.toContain('default policy');
    expect(await told()).toContain('version 3');
    expect(await told()).toContain('a name and a number alone reach');
    await close();
  });

  it('keys rotate: next signs, the last stays published', async () => {
    expect((await run(['keys', 'rotate', '--json'])).out[0]).toBe('{"rotated":3}');
    expect((await run(['keys', 'rotate'])).out[0]).toContain('rotated');
  });

  it('serve: says ready, answers, drains on a signal', async () => {
    const served = await run(['serve'], { env: { SHIMIN_PORT: '0', SHIMIN_METRICS_PORT: '0' } });
    expect(served).toMatchObject({ code: 0, out: ['shimin ready http://localhost:3000'], err: [] });
  });

  it('simulators: says ready and ends on a signal', async () => {
    const served = await run(['simulators', '--port', '0']);
    expect(served.code).toBe(0);
    expect(served.out[0]).toMatch(/^simulators ready http:/);
  });

  it('rollback takes the schema back, migrate brings it again', async () => {
    expect((await run(['rollback', '--all'])).code).toBe(0);
    const behind = await run(['serve'], { env: { SHIMIN_PORT: '0', SHIMIN_METRICS_PORT: '0' } });
    expect(behind.code).toBe(1);
    expect(behind.err[0]).toContain('shimin migrate');
    expect((await run(['migrate'])).code).toBe(0);
    expect((await run(['rollback'])).code).toBe(0);
  });

  it('document check: one value, or lines in order', async () => {
    expect(await run(['document', 'check', '--type', 'hk_id', 'A1234563'])).toMatchObject({
      code: 0,
      out: ['{"valid":true,"reason":"ok"}'],
    });
    expect((await run(['document', 'check', '--type', 'hk_id', 'A1234564'])).code).toBe(1);
    expect((await run(['document', 'check', 'A1234563'])).code).toBe(1);
    const lines = await run(['document', 'check'], {
      input: '{"type":"hk_id","value":"A1234563"}\nnonsense\n\n{"type":"x","value":"y"}\n',
    });
    expect(lines.out.map((line) => JSON.parse(line).reason)).toEqual(['ok', 'bad_input', 'unknown_type']);
    const typed = await run(['document', 'check', '--type', 'hk_id'], { input: '{"value":"A1234563"}\nnonsense\n7\n' });
    expect(typed.out.map((line) => JSON.parse(line).valid)).toEqual([true, false, false]);
  });

  it('help for every verb; unknown verbs and bad settings fail with one line', async () => {
    for (const verb of [
      [],
      ['serve'],
      ['demo'],
      ['simulators'],
      ['migrate'],
      ['rollback'],
      ['seed'],
      ['keys', 'rotate'],
      ['doctor'],
      ['document', 'check'],
    ]) {
      expect((await run([...verb, '--help'])).code).toBe(0);
    }
    expect((await run(['nonsense'])).code).not.toBe(0);
    const bad = await run(['migrate', '--json'], { env: { SHIMIN_DATABASE_URL: 'mysql://x' } });
    expect(bad.code).toBe(1);
    expect(JSON.parse(bad.err[0] ?? '')).toMatchObject({ error: 'config_invalid' });
    expect((await run(['keys', 'rotate'], { env: { SHIMIN_SECRETS: join(folder, 'gone.json') } })).code).toBe(1);
  });
});

describe('settings', () => {
  const faults = (env: Record<string, string>) => {
    try {
      parseConfig(env);
      return [];
    } catch (error) {
      return error instanceof ShiminError ? error.detail.faults : error;
    }
  };
  it('have sound defaults, and name every fault at once', () => {
    expect(faults({})).toEqual([]);
    expect(faults({ SHIMIN_PORT: 'x', SHIMIN_TYPO: '1' })).toHaveLength(2);
    expect(faults({ SHIMIN_ISSUER: 'http://localhost:3000/path' })).toHaveLength(1);
  });
  it('refuse the demo in production (F-40)', () => {
    const all = faults({ NODE_ENV: 'production', SHIMIN_DEMO: 'true', SHIMIN_ALLOW_LOOPBACK: 'true' });
    expect(all).toHaveLength(6);
  });
});
