import type { AssurancePolicy } from '../assurance/policy.ts';
import { changeData } from '../audit/fields.ts';
import { ShiminError } from '../lib/errors.ts';
import { lockApp, saveApp } from '../storage/apps.ts';
import { append } from '../storage/audit.ts';
import { type BridgeRow, bridgeRow, openSettings, saveBridge } from '../storage/bridges.ts';
import type { Change } from '../storage/changes.ts';
import type { Db } from '../storage/db.ts';
import { appendPolicy, currentPolicy, policyByVersion } from '../storage/policies.ts';
import { confirmSource, setSource, sourceById } from '../storage/sources.ts';
import { assignRole, revokeRole } from '../storage/staff.ts';
import { actorOf } from './actor.ts';
import { appActor, appPrefix, isAppActor, mayHold, withRole } from './app-roles.ts';
import { applyAppChange } from './apply-app.ts';
import { proposalOf, validPolicy } from './change-payload.ts';
import { staffRoles } from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import { mergeAccounts, undoMerge } from './merge-accounts.ts';
import type { Role } from './permissions.ts';
import { rotateKeys } from './rotate-keys.ts';

/**
 * Makes an approved change real, in the caller's transaction. Answers the policy version it made, if it made one.
 * @throws ShiminError `change_stale` when what it changes is not as it was when it was proposed
 */
export async function applyChange(
  tx: Db,
  deps: CommandDeps,
  change: Change,
  by: { approver: string; at: Date; requestId: string | null },
): Promise<number | null> {
  const what = proposalOf(change);
  switch (what.kind) {
    case 'policy':
      return publish(tx, change, validPolicy(what.payload.document), by);
    case 'rollback': {
      const old = await policyByVersion(tx, what.payload.toVersion);
      if (old === null) throw new ShiminError('not_found', { status: 404 });
      // Checked when it was published, by the rules of that day: the way back is not barred by stricter ones.
      return publish(tx, change, old.document, by);
    }
    case 'role': {
      const { accountId, role, change: direction } = what.payload;
      const app = isAppActor(accountId) ? accountId.slice(appPrefix.length) : null;
      const grant = { accountId, role, grantedBy: by.approver, at: by.at };
      const before = { roles: await staffRoles(tx, accountId) };
      const done =
        app !== null
          ? await changeAppRole(tx, app, role, direction, by.at)
          : direction === 'assign'
            ? await assignRole(tx, grant)
            : await revokeRole(tx, accountId, role, by.at);
      if (!done) throw stale();
      const data = { role, change: direction, app, ...changeData(before, { roles: await staffRoles(tx, accountId) }) };
      await note(tx, change, by, { type: 'role.assigned', accountId: app === null ? accountId : null, data });
      return null;
    }
    case 'keys':
      await rotateKeys({ ...deps, db: tx }, { actor: actorOf(by.approver) });
      return null;
    case 'bridge': {
      const { bridge: id, use, cap, sealedSettings, fields, from, plain = [] } = what.payload;
      const row = { id, use, cap, sealedSettings, updatedAt: by.at, updatedBy: by.approver };
      const known = await bridgeRow(tx, id);
      if (!(await saveBridge(tx, row, from))) throw stale();
      const said = (of: Parameters<typeof bridgeSays>[1] | null) =>
        of === null ? null : bridgeSays(deps.keyring, of, plain);
      const changed = changeData(said(known), said(row));
      const data = {
        bridge: id,
        use,
        identity: cap?.identity ?? null,
        factors: cap?.factors ?? null,
        fields,
        ...changed,
      };
      await note(tx, change, by, { type: 'bridge.saved', accountId: null, data });
      return null;
    }
    case 'app':
      await applyAppChange(tx, change, what.payload, by);
      return null;
    case 'merge':
      await mergeAccounts(tx, deps, change, what.payload, by);
      return null;
    case 'unmerge':
      await undoMerge(tx, deps, change, what.payload, by);
      return null;
    case 'source': {
      const { source: id, enabled, killed } = what.payload;
      if (killed) {
        if (!(await confirmSource(tx, id, change.id))) throw stale();
        return null;
      }
      const before = (await sourceById(tx, id))?.enabled ?? true;
      if (before === enabled) throw stale();
      const { approver: changedBy, at: changedAt } = by;
      await setSource(tx, { id, enabled, changedAt, changedBy, reason: change.reason, needsSecond: null });
      await note(tx, change, by, {
        type: 'source.switched',
        accountId: null,
        data: {
          ...{ source: id, from: before, to: enabled, changeId: change.id },
          ...changeData({ enabled: before }, { enabled }),
        },
      });
      return null;
    }
  }
}

/** What may be told of a bridge: how it is used, and of its settings those that are no secrets. */
function bridgeSays(
  keyring: CommandDeps['keyring'],
  { id, use, cap, sealedSettings }: Pick<BridgeRow, 'id' | 'use' | 'cap' | 'sealedSettings'>,
  plain: readonly string[],
): object {
  const settings = Object.entries(openSettings(keyring, id, sealedSettings)).filter(([name]) => plain.includes(name));
  return { use, identity: cap?.identity, factors: cap?.factors, settings: Object.fromEntries(settings) };
}

const stale = () => new ShiminError('change_stale', { status: 409 });

/** False when the app is gone or has, or has not, the role already. */
async function changeAppRole(
  tx: Db,
  id: string,
  role: Role,
  direction: 'assign' | 'revoke',
  at: Date,
): Promise<boolean> {
  const app = await lockApp(tx, id);
  if (app === null || !mayHold(appActor(id), role)) return false;
  const metadata = withRole(app.metadata, role, direction);
  if (metadata === null) return false;
  await saveApp(tx, { ...app, metadata }, at);
  return true;
}

async function publish(
  tx: Db,
  change: Change,
  document: AssurancePolicy,
  by: { approver: string; at: Date; requestId: string | null },
): Promise<number> {
  const { version: previous, document: old } = await currentPolicy(tx);
  // The preview that was approved compared with one version; on another one it would say something else.
  if (change.basedOn !== previous) throw stale();
  const version = previous + 1;
  const next = { ...document, version };
  const policy = { version, document: next, createdBy: change.proposedBy ?? by.approver, at: by.at };
  if (!(await appendPolicy(tx, { ...policy, expectedPrevious: previous }))) throw stale();
  await note(tx, change, by, {
    type: 'policy.published',
    accountId: null,
    data: {
      ...{ version, previous, apps: Object.keys(next.apps).length, levels: next.levels.length },
      ...changeData({ ...old, version: null }, { ...next, version: null }),
    },
  });
  return version;
}

async function note(
  tx: Db,
  change: Change,
  by: { approver: string; at: Date; requestId: string | null },
  what: Pick<Parameters<typeof append>[1], 'type' | 'accountId' | 'data'>,
): Promise<void> {
  await append(tx, {
    at: by.at,
    actor: actorOf(by.approver),
    clientId: 'admin',
    requestId: by.requestId,
    outcome: 'ok',
    reason: `change_${change.kind}`,
    ...what,
  });
}
