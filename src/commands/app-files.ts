import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { ShiminError } from '../lib/errors.ts';
import { type App, findApp, listApps } from '../storage/apps.ts';
import type { CommandDeps } from './command.ts';
import { saveRegisteredApp } from './save-app.ts';

const texts = z.record(z.string().min(2), z.string().min(1));

/** An app as a file tells it: what people read about it, and its OpenID Connect client metadata (RFC 7591 section 2). */
const appFile = z.strictObject({
  id: z.string().regex(/^[\w.-]{1,255}$/, 'letters, digits, dot, dash and underscore'),
  name: texts,
  purpose: texts,
  owner: z.string().min(1),
  metadata: z.looseObject({
    redirect_uris: z.array(z.url()).optional(),
    client_id: z.undefined('the id says it').optional(),
    client_secret: z.string().min(32, 'at least 32 characters').optional(),
  }),
});
export type AppFile = z.infer<typeof appFile>;

const appFiles = z.strictObject({ apps: z.array(appFile) });

/** Apps as a file; a secret is no more than a hash here and stays where it is. */
export async function exportApps(deps: Pick<CommandDeps, 'db'>): Promise<{ apps: AppFile[] }> {
  return { apps: (await listApps(deps.db)).map(fileOf) };
}

function fileOf({ id, name, purpose, ownerName, metadata }: App): AppFile {
  const { client_secret: _, client_id: __, ...rest } = metadata;
  return { id, name: { ...name }, purpose: { ...purpose }, owner: ownerName, metadata: rest };
}

export interface AppDifference {
  readonly id: string;
  readonly change: 'new' | 'changed' | 'same';
  /** Names of what differs. */
  readonly fields: readonly string[];
}

/**
 * What applying the file would change. Apps that it does not name are left alone.
 * @throws ShiminError `bad_request` naming every fault and its place
 */
export async function diffApps(deps: Pick<CommandDeps, 'db'>, file: unknown): Promise<AppDifference[]> {
  return Promise.all(
    parseApps(file).map(async (app): Promise<AppDifference> => {
      const known = await findApp(deps.db, app.id);
      if (!known) return { id: app.id, change: 'new', fields: [] };
      const fields = differences(fileOf(known), app);
      return { id: app.id, change: fields.length > 0 ? 'changed' : 'same', fields };
    }),
  );
}

/** Registers what is new and changes what differs; applying the same file again does nothing. */
export async function applyApps(
  deps: CommandDeps,
  input: { file: unknown; operator: string },
): Promise<AppDifference[]> {
  const apps = parseApps(input.file);
  const result = await diffApps(deps, input.file);
  for (const { id, change } of result) {
    const app = apps.find((each) => each.id === id);
    if (change === 'same' || !app) continue;
    const known = await findApp(deps.db, id);
    // A file without a secret means the one that is there.
    const kept = app.metadata.client_secret === undefined ? secretOf(known) : undefined;
    const { client_id: _, ...metadata } = app.metadata;
    await saveRegisteredApp(deps, {
      metadata: { ...metadata, client_id: id },
      ...(kept === undefined ? {} : { keptSecret: kept }),
      name: app.name,
      purpose: app.purpose,
      ownerName: app.owner,
      operator: input.operator,
    });
  }
  return result;
}

const secretOf = (app: App | null): string | undefined => {
  const secret = app?.metadata.client_secret;
  return typeof secret === 'string' ? secret : undefined;
};

function differences(known: AppFile, next: AppFile): string[] {
  const own = (['name', 'purpose', 'owner'] as const).filter((field) => !isDeepStrictEqual(known[field], next[field]));
  const names = new Set([...Object.keys(known.metadata), ...Object.keys(next.metadata)]);
  const metadata = [...names].filter(
    (name) => !isDeepStrictEqual(Reflect.get(known.metadata, name), Reflect.get(next.metadata, name)),
  );
  return [...own, ...metadata.map((name) => `metadata.${name}`)].toSorted();
}

function parseApps(file: unknown): AppFile[] {
  const parsed = appFiles.safeParse(file);
  if (parsed.success) {
    const ids = parsed.data.apps.map(({ id }) => id);
    const twice = ids.filter((id, index) => ids.indexOf(id) !== index);
    if (twice.length === 0) return parsed.data.apps;
    throw fault([`apps: ${twice.join(', ')} twice`]);
  }
  throw fault(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
}

function fault(faults: readonly string[]): ShiminError {
  return new ShiminError('bad_request', {
    status: 422,
    message: `the file is refused: ${faults.join('; ')}`,
    detail: { faults },
  });
}
