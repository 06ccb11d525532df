import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { App } from '../storage/apps.ts';
import { type AppValues, differing } from './app-changes.ts';
import { stateMembers } from './app-check.ts';

const texts = z.record(z.string(), z.string());

/**
 * An app as two people agree that it is to be. `from`: what it was when this was filled in; null: there was none. Only the
 * hash of a secret is in it.
 */
export const appPayload = z.strictObject({
  app: z.string().min(1).max(255),
  from: z.string().nullable(),
  next: z.strictObject({
    name: texts,
    purpose: texts,
    ownerName: z.string(),
    metadata: z.record(z.string(), z.unknown()),
  }),
  /** A new secret; the one before it stays good for this long after the approval. */
  secret: z.strictObject({ hash: z.string(), overlapHours: z.number().int().min(0).max(168) }).nullable(),
});
export type AppPayload = z.infer<typeof appPayload>;

/** What an app is, without its name and how it stands: switched off, its secret, its roles. */
export function settled(metadata: App['metadata']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(metadata).filter(([name]) => name !== 'client_id' && !stateMembers.includes(name)),
  );
}

/** Changes with every change of what the app is. */
export function settledRevision({ metadata, name, purpose, ownerName }: AppValues): string {
  const parts = [Object.entries(settled(metadata)).toSorted(byName), name, purpose, ownerName];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

const byName = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1);

/**
 * What one person may change alone: how an app is called and where people read about it. Everything else decides who can
 * act as the app, where people are sent and what it is given, and takes a second person.
 */
const single = ['name', 'purpose', 'ownerName', 'client_name', 'client_uri', 'logo_uri', 'policy_uri', 'tos_uri'];

/** Of these fields, those that take two. */
export const guarded = (fields: readonly string[]): string[] => fields.filter((field) => !single.includes(field));

/** What an approved proposal would change in the app as it is now; null: it was made on another app than this. */
export function differences(known: App | null, { from, next, secret }: AppPayload): string[] | null {
  if ((known === null) !== (from === null)) return null;
  if (known !== null && settledRevision(known) !== from) return null;
  const fields =
    known === null
      ? Object.keys(next.metadata)
      : differing({ ...known, metadata: settled(known.metadata) }, { ...next, metadata: settled(next.metadata) });
  return secret === null ? fields : [...fields, 'client_secret'].toSorted();
}

export const usesSecret = (metadata: Readonly<Record<string, unknown>>): boolean =>
  String(metadata.token_endpoint_auth_method).startsWith('client_secret');

/** What may be told of a proposal to whoever may read changes: never a secret, nor a trace of one. */
export function toldOfApp({ secret, next, ...rest }: AppPayload): Record<string, unknown> {
  return { ...rest, next, newSecret: secret === null ? null : { overlapHours: secret.overlapHours } };
}
