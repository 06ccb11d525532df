import { reachedByNumberAlone } from '../assurance/by-number.ts';
import { toExternal } from '../assurance/mapping.ts';
import { schemes } from '../assurance/schemes.ts';
import { wordsOfAuthentication, wordsOfWay } from '../assurance/words.ts';
import { may } from '../commands/permissions.ts';
import { changesIn } from '../storage/changes.ts';
import { currentPolicy, policyHistory } from '../storage/policies.ts';
import { type AdminHandler, type AdminRoute, page, query } from './context.ts';
import type { AdminDeps } from './deps.ts';
import { draftUrl, levelsPath as path } from './levels-draft.ts';
import { levelDraftRoutes } from './levels-drafts.ts';
import { levelEditRoutes } from './levels-edit.ts';
import { shadowRoutes } from './levels-shadow.ts';
import { namesOf } from './names.ts';
import { policyWords } from './policy-words.ts';

const pageSize = 10;

const openDrafts = async (deps: AdminDeps) =>
  (await changesIn(deps.db, ['draft'], { limit: 200 })).filter(({ kind }) => kind === 'policy');

/** The levels in force, in words, with who asks for them, and the versions there were. */
const levels: AdminHandler = async (deps, ctx, staff) => {
  const { document, version } = await currentPolicy(deps.db);
  const words = await policyWords(deps, ctx, [document]);
  const weak = reachedByNumberAlone(document, deps.clock());
  const before = Number(query(ctx, 'before') ?? Number.NaN);
  const history = await policyHistory(deps.db, {
    ...(Number.isSafeInteger(before) ? { before } : {}),
    limit: pageSize + 1,
  });
  const shown = history.slice(0, pageSize);
  const canChange = may(staff.roles, 'policy.propose');
  const drafts = canChange ? await openDrafts(deps) : [];
  const nameOf = await namesOf(
    deps,
    [...shown, ...drafts].map(({ createdBy }) => createdBy),
  );
  page(deps, ctx, staff, 'levels', {
    levels: document.levels.map((level) => ({
      name: words.level(level.id),
      id: level.id,
      byNumberAlone: weak.includes(level.id),
      ways: level.identity.map((way) => words.lines(wordsOfWay(way)).slice(1)),
      rules: level.authentication.map((rule) => words.lines(wordsOfAuthentication(rule))),
      rideOnSso: level.rideOnSso,
      contains: level.dominates.map(words.level),
      external: schemes.flatMap((scheme) => toExternal(document, level.id, scheme) ?? []),
      apps: Object.entries(document.apps).flatMap(([app, { floor }]) => (floor === level.id ? [words.app(app)] : [])),
    })),
    versions: shown.map((each) => ({
      version: each.version,
      by: nameOf(each.createdBy),
      at: each.createdAt,
      current: each.version === version,
    })),
    drafts: drafts.map((each) => ({ url: draftUrl(each.id), by: nameOf(each.createdBy), at: each.createdAt })),
    canChange,
    olderUrl: history.length > pageSize ? `${path}?before=${shown.at(-1)?.version}` : null,
  });
};

export const levelRoutes: readonly AdminRoute[] = [
  { method: 'get', path, operation: 'policy.read', handler: levels },
  ...levelDraftRoutes,
  ...levelEditRoutes,
  ...shadowRoutes,
];
