import { z } from 'zod';
import type { Db } from './db.ts';
import { deliveryMethods, streamStatuses } from './signal-streams.ts';

const counted = z.object({ n: z.coerce.number() });

/** About how many citizens the app receives something: they agreed, or it is passed on under the city's rules, and none took it back. */
export async function consentsFor(db: Db, clientId: string): Promise<number> {
  const found = await db('consents').where({ client_id: clientId }).whereNull('withdrawn_at').count({ n: '*' }).first();
  return counted.parse(found).n;
}

/** What is owed to an app and has not reached it. */
export interface Waiting {
  readonly waiting: number;
  /** Tried and refused at least once. */
  readonly failing: number;
}

const outboxRow = z.object({ target: z.string(), waiting: z.coerce.number(), failing: z.coerce.number() });

/** Messages of one kind by app: the outbox holds only what was not delivered yet. */
export async function waitingByApp(db: Db, kind: string): Promise<ReadonlyMap<string, Waiting>> {
  const rows = await db('outbox')
    .where({ kind })
    .groupBy('target')
    .select('target', db.raw('count(*) as waiting'))
    // An attempt that is under way counts once; a second one says that the first failed.
    .select(db.raw('sum(case when attempts > 1 then 1 else 0 end) as failing'));
  return new Map(rows.map((raw) => outboxRow.parse(raw)).map(({ target, ...waiting }) => [target, waiting]));
}

const streamRow = z.object({
  client_id: z.string(),
  method: z.enum(deliveryMethods),
  status: z.enum(streamStatuses),
  push_attempts: z.number(),
  waiting: z.coerce.number(),
});

export interface StreamHealth {
  readonly clientId: string;
  readonly method: (typeof deliveryMethods)[number];
  readonly status: (typeof streamStatuses)[number];
  readonly waiting: number;
  readonly failing: boolean;
}

/** How each event stream stands; a city has few of them. */
export async function streamHealth(db: Db): Promise<StreamHealth[]> {
  const waiting = db('signal_events').whereRaw('signal_events.stream_id = signal_streams.id').count('*').as('waiting');
  const rows = await db('signal_streams')
    .orderBy('id')
    .select('client_id', 'method', 'status', 'push_attempts', waiting);
  return rows.map((raw) => {
    const { client_id: clientId, push_attempts: attempts, ...rest } = streamRow.parse(raw);
    return { ...rest, clientId, failing: attempts > 0 };
  });
}
