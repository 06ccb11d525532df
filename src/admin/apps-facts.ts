import type { AssurancePolicy } from '../assurance/policy.ts';
import { logoutMessage } from '../commands/tell-apps.ts';
import { type StreamHealth, streamHealth, type Waiting, waitingByApp } from '../storage/app-facts.ts';
import { type App, isEnabled } from '../storage/apps.ts';
import { countsSince, dayOf } from '../storage/daily-counts.ts';
import type { AdminDeps } from './deps.ts';

export const factDays = 30;

/** How what we send to an app arrives: `none`, it takes nothing. */
export type DeliveryState = 'none' | 'well' | 'waiting' | 'failing' | 'off';

export interface AppFacts {
  readonly signIns: number;
  readonly refused: number;
  /** Back-channel logout. */
  readonly logout: { readonly state: DeliveryState; readonly waiting: number };
  /** Security event streams. */
  readonly streams: readonly { readonly method: string; readonly state: DeliveryState; readonly waiting: number }[];
  /** The worst of them, for a list. */
  readonly delivery: DeliveryState;
}

const worstFirst: readonly DeliveryState[] = ['failing', 'waiting', 'off', 'well', 'none'];

/** Sign-ins of the last days and deliveries of all apps at once: a few queries, however many apps there are. */
export async function appFacts(deps: AdminDeps): Promise<(app: App) => AppFacts> {
  const since = dayOf(new Date(deps.clock().getTime() - (factDays - 1) * 86_400_000));
  const [counts, logouts, streams] = await Promise.all([
    countsSince(deps.db, 'signin', since),
    waitingByApp(deps.db, logoutMessage),
    streamHealth(deps.db),
  ]);
  const sum = (id: string, outcome: string) =>
    counts.filter(({ a, b }) => a === id && b === outcome).reduce((total, { count }) => total + count, 0);
  return (app) => {
    const logout = logoutFacts(app, logouts.get(app.id));
    const own = streams.filter(({ clientId }) => clientId === app.id).map(streamFacts);
    const states = [logout.state, ...own.map(({ state }) => state)];
    return {
      signIns: sum(app.id, 'met'),
      refused: sum(app.id, 'refused'),
      logout,
      streams: own,
      delivery: worstFirst.find((state) => states.includes(state)) ?? 'none',
    };
  };
}

function logoutFacts(app: App, owed: Waiting | undefined): AppFacts['logout'] {
  const waiting = owed?.waiting ?? 0;
  if (typeof app.metadata.backchannel_logout_uri !== 'string') return { state: 'none', waiting };
  return { state: (owed?.failing ?? 0) > 0 ? 'failing' : waiting > 0 ? 'waiting' : 'well', waiting };
}

function streamFacts({ method, status, waiting, failing }: StreamHealth): AppFacts['streams'][number] {
  if (status !== 'enabled') return { method, state: 'off', waiting };
  return { method, state: failing ? 'failing' : waiting > 0 ? 'waiting' : 'well', waiting };
}

export const floorOf = (policy: AssurancePolicy, id: string): string => policy.apps[id]?.floor ?? policy.defaultFloor;

export const stateOf = (app: App): 'on' | 'off' => (isEnabled(app) ? 'on' : 'off');
