import { z } from 'zod';
import { proposeChange } from '../commands/propose-change.ts';
import { killSource } from '../commands/switch-source.ts';
import { ShiminError } from '../lib/errors.ts';
import type { Db } from '../storage/db.ts';
import { builtInSources, sourceSwitches } from '../storage/sources.ts';
import { change, changeReply } from './changes.ts';
import { type ApiOperation, noBody, none, operation } from './operation.ts';
import { byId, iso, list, listed, output, paged, reason, time } from './schemas.ts';

const source = output(
  'Source',
  z.strictObject({
    id: z.string(),
    enabled: z.boolean().describe('Its evidence counts.'),
    healthy: z.boolean().nullable().describe('What the last calls to it say; null: nothing is called.'),
    changed: z.strictObject({ at: time, by: z.string(), reason: z.string() }).nullable(),
    waitingChange: z.string().nullable().describe('The change in which a second person looks at a stop.'),
  }),
);

async function idsOf(db: Db): Promise<{ ids: string[]; switches: Awaited<ReturnType<typeof sourceSwitches>> }> {
  const switches = await sourceSwitches(db);
  return { ids: [...new Set<string>([...builtInSources, ...switches.map(({ id }) => id)])].toSorted(), switches };
}

/** A source is one of ours or has a switch: an id from the address can't make a row of its own. */
async function known(db: Db, id: string): Promise<string> {
  if (!(await idsOf(db)).ids.includes(id)) throw new ShiminError('not_found', { status: 404 });
  return id;
}

const all = operation({
  id: 'listSources',
  method: 'get',
  path: '/sources',
  tag: 'Sources',
  summary: 'Where evidence comes from, and whether it counts',
  permission: 'source.read',
  params: none,
  query: paged,
  body: noBody,
  answer: { status: 200, description: 'A page of sources.', schema: list('Sources', source) },
  handler: async ({ deps, query: { limit, after = '' } }) => {
    const { ids, switches } = await idsOf(deps.db);
    const health = deps.health();
    const from = ids.filter((id) => id > after).slice(0, limit + 1);
    return listed(
      from,
      limit,
      (id) => id,
      (id) => {
        const found = switches.find((row) => row.id === id);
        return {
          id,
          enabled: found?.enabled ?? true,
          healthy: health[id] ?? null,
          changed: found ? { at: iso(found.changedAt), by: found.changedBy, reason: found.reason } : null,
          waitingChange: found?.needsSecond ?? null,
        };
      },
    );
  },
});

const kill = operation({
  id: 'killSource',
  method: 'post',
  path: '/sources/{id}/kill',
  tag: 'Sources',
  summary: 'Stops a source at once',
  description: 'Its evidence counts for nothing from now on; a second person looks at it afterwards.',
  permission: 'source.kill',
  params: byId,
  query: none,
  body: z.strictObject({ reason }),
  answer: { status: 201, description: 'The change that a second person confirms or undoes.', schema: change },
  hasRevision: true,
  handler: async ({ deps, by, params, body }) => {
    const id = await known(deps.db, params.id);
    return changeReply(await killSource(deps, { by, source: id, reason: body.reason }));
  },
});

const propose = operation({
  id: 'proposeSourceSwitch',
  method: 'post',
  path: '/sources/{id}/switch',
  tag: 'Sources',
  summary: 'Proposes to switch a source on or off',
  permission: 'source.switch',
  params: byId,
  query: none,
  body: z.strictObject({ enabled: z.boolean(), reason }),
  answer: { status: 201, description: 'The proposal, which another member of staff decides.', schema: change },
  hasRevision: true,
  handler: async ({ deps, by, params, body }) => {
    const id = await known(deps.db, params.id);
    const what = { kind: 'source', payload: { source: id, enabled: body.enabled, killed: false } } as const;
    return changeReply(await proposeChange(deps, { by, what, reason: body.reason }));
  },
});

export const sourceOperations: readonly ApiOperation[] = [all, kill, propose];
