import { z } from 'zod';
import type { AppFault } from '../commands/app-check.ts';
import type { AppSettings } from '../commands/app-settings.ts';
import { ShiminError } from '../lib/errors.ts';
import { callJson } from '../lib/http.ts';
import type { AdminDeps } from './deps.ts';

const list = z.array(z.string().max(2000)).max(1000);

/**
 * A sector list has to name every address after signing in (OpenID Connect Registration 1.0 section 5). The engine looks at
 * each sign-in; a list that is wrong is better found by whoever saves it.
 */
export async function sectorFaults(deps: AdminDeps, settings: AppSettings): Promise<AppFault[]> {
  const { sectorIdentifierUri: url, redirectUris } = settings;
  if (url === null) return [];
  const guards = { timeoutMs: 3_000, maxBytes: 64 * 1024, allowLoopback: deps.allowLoopback };
  try {
    const listed = await callJson({ url, ...guards, schema: list });
    const complete = redirectUris.every((uri) => listed.includes(uri));
    return complete ? [] : [{ path: ['sectorIdentifierUri'], code: 'sector_incomplete' }];
  } catch (error) {
    if (!(error instanceof ShiminError)) throw error;
    deps.log.warn({ err: error }, 'a sector list could not be read');
    return [{ path: ['sectorIdentifierUri'], code: 'sector_unreadable' }];
  }
}
