import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Keyring, makeKeyring, parseKeyring } from './lib/crypto.ts';
import { ShiminError } from './lib/errors.ts';

/** @throws ShiminError `config_invalid` when the file is missing or not a keyring */
export async function readSecrets(file: string): Promise<Keyring> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new ShiminError('config_invalid', { status: 500, message: `SHIMIN_SECRETS: can't read ${file}`, cause });
  }
  try {
    return parseKeyring(JSON.parse(text));
  } catch (cause) {
    throw new ShiminError('config_invalid', {
      status: 500,
      message: `SHIMIN_SECRETS: ${file} holds no keyring`,
      cause,
    });
  }
}

/** Makes the file when there is none, readable by its owner only; of two at once one wins and both read the same. */
export async function ensureSecrets(file: string): Promise<Keyring> {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, `${JSON.stringify(makeKeyring(), null, 2)}\n`, { mode: 0o600 });
  try {
    await link(draft, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await unlink(draft);
  }
  return readSecrets(file);
}
