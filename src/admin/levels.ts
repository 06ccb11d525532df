import { toExternal } from '../assurance/mapping.ts';
import { schemes } from '../assurance/schemes.ts';
import { wordsOfAuthentication, wordsOfWay } from '../assurance/words.ts';
import { currentPolicy, policyHistory } from '../storage/policies.ts';
import { type AdminHandler, type AdminRoute, page, query } from './context.ts';
import { namesOf } from './names.ts';
import { policyWords } from './policy-words.ts';

const path = '/admin/levels';
const pageSize = 10;

/** The levels in force, in words, with who asks for them, and the versions there were. */
const levels: AdminHandler = async (deps, ctx, staff) => {
  const { document, version } = await currentPolicy(deps.db);
  const words = await policyWords(deps, ctx, [document]);
  const before = Number(query(ctx, 'before') ?? Number.NaN);
  const history = await policyHistory(deps.db, {
    ...(Number.isSafeInteger(before) ? { before } : {}),
    limit: pageSize + 1,
  });
  const shown = history.slice(0, pageSize);
  const nameOf = await namesOf(
    deps,
    shown.map(({ createdBy }) => createdBy),
  );
  page(deps, ctx, staff, 'levels', {
    levels: document.levels.map((level) => ({
      name: words.level(level.id),
      id: level.id,
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
    olderUrl: history.length > pageSize ? `${path}?before=${shown.at(-1)?.version}` : null,
  });
};

export const levelRoutes: readonly AdminRoute[] = [{ method: 'get', path, operation: 'policy.read', handler: levels }];
