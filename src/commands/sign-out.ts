import { transaction } from '../storage/db.ts';
import { enqueue } from '../storage/outbox.ts';
import { announce } from './announce.ts';
import type { CommandDeps } from './command.ts';
import { logoutMessage } from './tell-apps.ts';

/** The citizen signed out at an app and this one is to hear of it: delivered by the outbox, however long the app is away. */
export async function queueLogout(
  deps: CommandDeps,
  app: { clientId: string; accountId: string; sid: string },
): Promise<void> {
  const message = { kind: logoutMessage, target: app.clientId, payload: app, at: deps.clock() };
  await enqueue(deps.db, message, deps.keyring);
}

/**
 * The citizen signs out of everything: the apps that asked are told of that session's end, just before the engine destroys
 * it. Killed in between they were told too much, which costs a sign-in, and never too little.
 */
export async function announceSignOut(
  deps: CommandDeps,
  { accountId, sids }: { accountId: string; sids: Readonly<Record<string, string>> },
): Promise<void> {
  const event = { accountId, event: 'session-revoked', at: deps.clock(), initiator: 'user', sids } as const;
  await transaction(deps.db, (tx) => announce(tx, deps.keyring, event));
}
