import { type Proposal, proposalOf } from '../commands/change-payload.ts';
import type { Params } from '../i18n/index.ts';
import type { Change } from '../storage/changes.ts';
import { builtInSources } from '../storage/sources.ts';

type Words = (key: string, params?: Params) => string;

/** Sources of our own have their names with the console, bridges with the pages that citizens see. */
export const sourceName = (t: Words, id: string): string =>
  builtInSources.some((own) => own === id) ? t(`admin.source.${id}.name`) : t(`bridge.name.${id}`);

/** What a change would do, in one line. */
export function changeTitle(t: Words, nameOf: (id: string | null) => string, change: Change): string {
  const what: Proposal = proposalOf(change);
  switch (what.kind) {
    case 'policy':
      return t('changes.what.policy', { version: (change.basedOn ?? 0) + 1 });
    case 'rollback':
      return t('changes.what.rollback', { version: what.payload.toVersion });
    case 'keys':
      return t('changes.what.keys');
    case 'role': {
      const params = { name: nameOf(what.payload.accountId), role: t(`admin.role.${what.payload.role}.name`) };
      return what.payload.change === 'assign'
        ? t('changes.what.role_assign', params)
        : t('changes.what.role_revoke', params);
    }
    case 'app': {
      const { app, from, secret } = what.payload;
      if (from === null) return t('changes.what.app_new', { app });
      return secret === null ? t('changes.what.app', { app }) : t('changes.what.app_secret', { app });
    }
    case 'merge':
      return t('changes.what.merge');
    case 'unmerge':
      return t('changes.what.unmerge');
    case 'bridge':
      return t('changes.what.bridge', { bridge: sourceName(t, what.payload.bridge) });
    case 'source': {
      const params = { source: sourceName(t, what.payload.source) };
      if (what.payload.killed) return t('changes.what.source_killed', params);
      return what.payload.enabled ? t('changes.what.source_on', params) : t('changes.what.source_off', params);
    }
  }
}

/** Whose names a change's line speaks. */
export function peopleOf(change: Change): (string | null)[] {
  const what = proposalOf(change);
  const concerned = what.kind === 'role' ? what.payload.accountId : null;
  return [change.createdBy, change.proposedBy, change.decidedBy, concerned];
}
