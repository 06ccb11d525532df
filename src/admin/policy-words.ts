import type { Context } from 'koa';
import type { AssurancePolicy } from '../assurance/policy.ts';
import { levelName } from '../assurance/speech.ts';
import { linesOf, type Words } from '../assurance/words.ts';
import { listApps } from '../storage/apps.ts';
import { localeOf } from '../web/preferences.ts';
import { wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';

/** Names of levels and apps, and sentences about rules, in the reader's language. */
export interface PolicyWords {
  readonly level: (id: string) => string;
  readonly app: (id: string) => string;
  readonly lines: (said: Words) => string[];
  readonly text: (key: string, params: Words['params']) => string;
}

export async function policyWords(
  deps: AdminDeps,
  ctx: Context,
  policies: readonly AssurancePolicy[],
): Promise<PolicyWords> {
  const { i18n } = deps.renderer;
  const locale = localeOf(ctx, i18n);
  const t = wordsOf(deps, ctx);
  const apps = new Map((await listApps(deps.db)).map((app) => [app.id, i18n.pick(app.name, locale)]));
  // Of a level that both have, the last one's name: what it would be called.
  const levels = new Map(policies.flatMap((policy) => policy.levels.map(({ id }) => [id, policy] as const)));
  const level = (id: string) => {
    const policy = levels.get(id);
    return policy ? levelName(policy, id, { text: t, has: (key) => i18n.has(locale, key) }) : id;
  };
  const app = (id: string) => apps.get(id) ?? id;
  const source = (id: string) => {
    const key = [`admin.source.${id}.name`, `bridge.name.${id}`].find((each) => i18n.has(locale, each));
    return key === undefined ? id : t(key);
  };
  const separator = t('common.list_separator');
  /** Ids of levels, apps and sources are told by their names. */
  const named = (params: Words['params']): Words['params'] =>
    Object.fromEntries(
      Object.entries(params).map(([key, value]) => {
        if (typeof value !== 'string') return [key, value];
        if (key === 'app') return [key, app(value)];
        if (key === 'sources') return [key, value.split(', ').map(source).join(separator)];
        return [key, levels.has(value) ? level(value) : value];
      }),
    );
  const text = (key: string, params: Words['params']) => t(key, named(params));
  return { level, app, text, lines: (said) => linesOf(said, text) };
}
