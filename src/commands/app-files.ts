import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { ShiminError } from '../lib/errors.ts';
import { type App, findApp, listApps, lockApp } from '../storage/apps.ts';
import { transaction } from '../storage/db.ts';
import { type AppRules, metadataFaults, stateMembers } from './app-check.ts';
import { settled } from './app-proposal.ts';
import type { By } from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import { ownAreas, proposeApp, saveOrPropose, withoutRoles } from './manage-app.ts';
import { hashClientSecret } from './save-app.ts';

const texts = (longest: number) => z.record(z.string().min(2), z.string().min(1).max(longest));

/** An app as a file tells it: what people read about it, and its OpenID Connect client metadata (RFC 7591 section 2). */
const appFile = z.strictObject({
  id: z.string().regex(/^[\w.-]{1,255}$/, 'letters, digits, dot, dash and underscore'),
  name: texts(60),
  purpose: texts(200),
  owner: z.string().min(1).max(100),
  metadata: z.looseObject({
    client_id: z.undefined('the id says it').optional(),
    client_secret: z.string().min(32, 'at least 32 characters').optional(),
  }),
});
export type AppFile = z.infer<typeof appFile>;

const appFiles = z.strictObject({ apps: z.array(appFile) });

/** Apps as a file, without our own areas; a secret is no more than a hash here and stays where it is. */
export async function exportApps(deps: Pick<CommandDeps, 'db'>): Promise<{ apps: AppFile[] }> {
  return { apps: (await listApps(deps.db)).filter(({ id }) => !ownAreas.includes(id)).map(fileOf) };
}

function fileOf({ id, name, purpose, ownerName, metadata }: App): AppFile {
  return { id, name: { ...name }, purpose: { ...purpose }, owner: ownerName, metadata: settled(metadata) };
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
export async function diffApps(
  deps: Pick<CommandDeps, 'db'>,
  file: unknown,
  rules: AppRules,
): Promise<AppDifference[]> {
  return Promise.all(
    parseApps(file, rules).map(async (app): Promise<AppDifference> => {
      const known = await findApp(deps.db, app.id);
      if (!known) return { id: app.id, change: 'new', fields: [] };
      const fields = differences(known, app);
      return { id: app.id, change: fields.length > 0 ? 'changed' : 'same', fields };
    }),
  );
}

/** `proposed`: a second person decides it in the console; `waiting`: this was proposed before and is not decided yet. */
export interface AppliedApp {
  readonly id: string;
  readonly change: 'same' | 'changed' | 'proposed' | 'waiting';
  readonly fields: readonly string[];
  readonly changeId: string | null;
}

/**
 * Saves what people read about the apps and proposes the rest, with the same four eyes as the console. Applying the same
 * file again does nothing.
 * @throws ShiminError `bad_request` naming every fault and its place; then nothing is saved
 */
export async function applyApps(
  deps: CommandDeps,
  input: { file: unknown; by: By; rules: AppRules; reason?: string },
): Promise<AppliedApp[]> {
  const { by, rules } = input;
  const at = deps.clock();
  const apps = parseApps(input.file, rules);
  return transaction(deps.db, async (tx) => {
    const within = { ...deps, db: tx };
    const applied: AppliedApp[] = [];
    for (const file of apps) {
      const known = await lockApp(tx, file.id);
      const { client_secret: told, ...rest } = file.metadata;
      const next = { name: file.name, purpose: file.purpose, ownerName: file.owner, metadata: settled(rest) };
      const hash = told === undefined ? undefined : hashClientSecret(told);
      const secret =
        hash === undefined || hash === known?.metadata.client_secret ? null : { hash, overlapHours: 0, told: null };
      const fields = known === null ? [] : differences(known, file);
      if (known !== null && fields.length === 0) {
        applied.push({ id: file.id, change: 'same', fields, changeId: null });
        continue;
      }
      // Our own areas follow the installation.
      if (ownAreas.includes(file.id)) throw fault([`apps: ${file.id} is one of our own areas`]);
      const { change, again } =
        known === null
          ? await proposeApp(within, by, { app: file.id, from: null, next }, secret, input.reason)
          : await saveOrPropose(within, { by, at, app: withoutRoles(known), next, secret, reason: input.reason });
      const outcome = change === null ? 'changed' : again ? 'waiting' : 'proposed';
      applied.push({ id: file.id, change: outcome, fields, changeId: change?.id ?? null });
    }
    return applied;
  });
}

/** A file without a secret means the one that is there. */
function differences(app: App, next: AppFile): string[] {
  const known = fileOf(app);
  const { client_secret: told, ...metadata } = next.metadata;
  const own = (['name', 'purpose', 'owner'] as const).filter((field) => !isDeepStrictEqual(known[field], next[field]));
  const names = new Set([...Object.keys(known.metadata), ...Object.keys(metadata)]);
  const other = [...names].filter(
    (name) => !isDeepStrictEqual(Reflect.get(known.metadata, name), Reflect.get(metadata, name)),
  );
  const secret = told !== undefined && hashClientSecret(told) !== app.metadata.client_secret ? ['client_secret'] : [];
  return [...own, ...[...other, ...secret].map((name) => `metadata.${name}`)].toSorted();
}

function parseApps(file: unknown, rules: AppRules): AppFile[] {
  const parsed = appFiles.safeParse(file);
  if (!parsed.success) throw fault(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
  const { apps } = parsed.data;
  const ids = apps.map(({ id }) => id);
  const twice = ids.filter((id, index) => ids.indexOf(id) !== index);
  const faults = [
    ...(twice.length === 0 ? [] : [`apps: ${twice.join(', ')} twice`]),
    ...apps.flatMap(({ id, metadata }, index) => faultsIn(id, metadata, rules).map((each) => `apps.${index}.${each}`)),
  ];
  if (faults.length > 0) throw fault(faults);
  return apps;
}

/** What the one judge of apps says; and how an app stands is not said in files: it is switched and given roles in the console. */
function faultsIn(id: string, metadata: AppFile['metadata'], rules: AppRules): string[] {
  const state = stateMembers.filter((name) => name !== 'client_secret' && name in metadata);
  // Older exports have our own areas in them.
  if (ownAreas.includes(id)) return [];
  return [
    ...metadataFaults({ ...metadata, client_id: id }, rules).map(
      ({ path, code }) => `metadata.${path.join('.')}: ${code}`,
    ),
    ...state.map((name) => `metadata.${name}: not_here`),
  ];
}

function fault(faults: readonly string[]): ShiminError {
  return new ShiminError('bad_request', {
    status: 422,
    message: `the file is refused: ${faults.join('; ')}`,
    detail: { faults },
  });
}
