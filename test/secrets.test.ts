import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureSecrets } from '../src/secrets.ts';

describe('the file of secrets', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shimin-secrets-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is made by one of two at once, and nobody but its owner reads it', async () => {
    const file = join(folder, 'deep', 'secrets.json');
    const [one, two] = await Promise.all([ensureSecrets(file), ensureSecrets(file)]);
    expect(one).toEqual(two);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'deep'))).toEqual(['secrets.json']);
  });
});
