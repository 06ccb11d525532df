import { createHash } from 'node:crypto';
import { z } from 'zod';
import { appFields, isListed } from '../audit/events.ts';
import type { App } from '../storage/apps.ts';

/** What of an app an admin sets. */
export type AppValues = Pick<App, 'name' | 'purpose' | 'ownerName' | 'metadata'>;

/** Names of what differs, for the audit. */
export function differing(old: AppValues, next: AppValues): string[] {
  const text = (value: unknown) => JSON.stringify(value);
  const own = (['name', 'purpose', 'ownerName'] as const).filter((key) => text(old[key]) !== text(next[key]));
  const names = new Set([...Object.keys(old.metadata), ...Object.keys(next.metadata)]);
  return [...own, ...[...names].filter((key) => text(old.metadata[key]) !== text(next.metadata[key]))].toSorted();
}

const keySet = z.object({ keys: z.array(z.record(z.string(), z.unknown())) });

/**
 * What the audit may tell of an app. Only what is on the list: whatever else metadata holds (secrets' hashes, people to
 * write to) is named at most. A key is told by its id and a fingerprint, so that another one of the same id shows.
 */
export function appSays({ name, purpose, ownerName, metadata }: AppValues): Record<string, unknown> {
  const listed = Object.entries(metadata).filter(([field]) => isListed(appFields, field));
  const keys = keySet.safeParse(metadata.jwks);
  return {
    ...Object.fromEntries(listed),
    ...{ name, purpose, ownerName },
    keys: keys.success ? keys.data.keys.map(fingerprint) : undefined,
  };
}

function fingerprint(key: Readonly<Record<string, unknown>>): string {
  const digest = createHash('sha256').update(JSON.stringify(Object.entries(key).toSorted()));
  return `${String(key.kid ?? key.kty)} ${digest.digest('base64url').slice(0, 12)}`;
}
