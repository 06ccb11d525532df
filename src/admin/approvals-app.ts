import type { Context } from 'koa';
import { changeData } from '../audit/fields.ts';
import { appSays } from '../commands/app-changes.ts';
import { differences } from '../commands/app-proposal.ts';
import type { Proposal } from '../commands/change-payload.ts';
import { findApp } from '../storage/apps.ts';
import { auditWords } from './audit-words.ts';
import { wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';

/** What a proposal would change in an app, finished for a view; null: it is about something else. */
export async function appPart(deps: AdminDeps, ctx: Context, what: Proposal): Promise<object | null> {
  if (what.kind !== 'app') return null;
  const { app, from, next, secret } = what.payload;
  const known = from === null ? null : await findApp(deps.db, app);
  const [words, t] = [await auditWords(deps, ctx, []), wordsOf(deps, ctx)];
  // Whether it is the app that the proposal was made on; once approved, or changed by somebody else, it is not.
  const fields = differences(known, what.payload);
  const shown = known === null ? null : appSays({ ...known, metadata: { ...known.metadata } });
  const said = changeData(shown, { ...appSays(next), ...stateOf(known?.metadata) });
  const rows = words.changes(said);
  const told = new Set(Object.keys(Object(said.after)).map((name) => name.split('.')[0]));
  const untold = (fields ?? []).filter((field) => !told.has(field) && field !== 'jwks' && field !== 'client_secret');
  return {
    id: app,
    isNew: from === null,
    onPresent: fields !== null,
    rows: [
      ...(fields === null ? [] : rows),
      // Whatever has no words of its own is named at least: nobody approves what they were not shown.
      ...untold.map((field) => ({
        field,
        before: JSON.stringify(known?.metadata[field] ?? null),
        after: JSON.stringify(next.metadata[field] ?? null),
      })),
    ],
    newSecret: secret === null ? null : t('changes.app.new_secret', { count: secret.overlapHours }),
  };
}

/** How the app stands is not part of what is proposed. */
const stateOf = (metadata: Readonly<Record<string, unknown>> = {}) =>
  Object.fromEntries(
    ['shimin_disabled', 'shimin_staff_roles'].flatMap((name) => (name in metadata ? [[name, metadata[name]]] : [])),
  );
