import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { describe, expect, it } from 'vitest';
import { describeApi } from '../../src/admin-api/openapi.ts';
import { apiOperations } from '../../src/admin-api/operations.ts';
import { operations as permissions } from '../../src/commands/permissions.ts';

const file = resolve(import.meta.dirname, '../../docs/api/openapi.json');
const issuer = 'https://shimin.example';
const path = '/api/admin/v1';
const operations = apiOperations({ allowLoopback: false });
const description = describeApi(operations, {
  issuer,
  address: { path, resource: `${issuer}${path}`, scope: 'admin' },
});

async function lint(document: unknown): Promise<string[]> {
  const config = await createConfig({ extends: ['recommended'] });
  const source = JSON.stringify(document);
  const found = await lintFromString({ source, absoluteRef: join(import.meta.dirname, 'openapi.json'), config });
  return found.map(({ severity, ruleId, message }) => `${severity} ${ruleId}: ${message}`);
}

describe('the description', () => {
  it('is written down: `npm run docs:api` writes it anew', async () => {
    await expect(`${JSON.stringify(description, null, 2)}\n`).toMatchFileSnapshot(file);
  });

  it('has nothing that a public linter finds fault with', async () => {
    expect(await lint(JSON.parse(readFileSync(file, 'utf8')))).toEqual([]);
  });

  it('would be found fault with if it were wrong', async () => {
    const wrong = { ...description, paths: { '/policy': { get: { responses: { 200: {} } } } } };
    expect((await lint(wrong)).some((line) => line.startsWith('error'))).toBe(true);
    expect((await lint(wrong)).some((line) => line.startsWith('warn'))).toBe(true);
  });

  it('names each operation once and each permission as the matrix does', () => {
    const ids = operations.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(operations.map((each) => `${each.method} ${each.path}`)).size).toBe(ids.length);
    expect(operations.filter(({ permission }) => !permissions.includes(permission))).toEqual([]);
  });

  it('takes nothing that it does not know, anywhere', () => {
    const open = operations.filter(({ params, query, body }) =>
      [params, query, body].some((part) => part.safeParse({ surely_unknown: 1 }).success),
    );
    expect(open.map(({ id }) => id)).toEqual([]);
  });
});
