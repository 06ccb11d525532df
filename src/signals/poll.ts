import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { noteRefusal, settleEvents, waitingEvents } from '../storage/signal-events.ts';
import { type SignalStream, streamsOf } from '../storage/signal-streams.ts';
import type { SignalDeps } from './deps.ts';
import { type Answer, readBody, receiver, unknownStream } from './http.ts';
import type { Waiting } from './waiting.ts';

const jti = z.string().min(1).max(100);
const pollBody = z.object({
  maxEvents: z.number().int().min(0).optional(),
  returnImmediately: z.boolean().optional(),
  ack: z.array(jti).max(1_000).optional(),
  setErrs: z.record(jti, z.object({ err: z.string().max(100), description: z.string().optional() })).optional(),
});

const MOST_EVENTS = 100;
/** Below the time-outs of proxies in between; the receiver asks again at once. */
const LONGEST_WAIT_MS = 20_000;

/** Poll delivery (RFC 8936): what was not acknowledged is sent again with the same `jti`. */
export function pollRoutes(router: Router, deps: SignalDeps, waiting: Waiting): void {
  router.post(
    '/ssf/poll/:id',
    receiver(deps, 'read', async (app, ctx) => {
      const body = await readBody(ctx, pollBody, { empty: true });
      if (!body.ok) return body.answer;
      const find = async () =>
        (await streamsOf(deps.db, deps.keyring, app.clientId)).find(
          ({ id, method }) => id === ctx.params.id && method === 'poll',
        ) ?? null;
      const stream = await find();
      if (!stream) return unknownStream;
      const { maxEvents = MOST_EVENTS, returnImmediately = false, ack = [], setErrs = {} } = body.value;
      await settle(stream.id, ack, setErrs);
      if (maxEvents === 0) return { status: 200, body: { sets: {}, moreAvailable: await anyWaits(stream.id) } };

      const limit = Math.min(maxEvents, MOST_EVENTS);
      const until = Date.now() + (returnImmediately ? 0 : LONGEST_WAIT_MS);
      const place = returnImmediately ? null : waiting.take(stream.id);
      try {
        for (let now: SignalStream | null = stream; now; now = await find()) {
          const answer = now.status === 'enabled' ? await ready(now.id, limit) : null;
          if (answer) return answer;
          const left = until - Date.now();
          if (!place || left <= 0 || waiting.closed() || gone(ctx)) break;
          await place.next(left);
        }
        return { status: 200, body: { sets: {} } };
      } finally {
        place?.release();
      }
    }),
  );

  const look = (limit: number) => ({ limit, at: deps.clock(), onSetAside: deps.onSetAside });

  /** Null when there is nothing to say. */
  async function ready(streamId: string, limit: number): Promise<Answer | null> {
    const events = await waitingEvents(deps.db, deps.keyring, streamId, look(limit + 1));
    if (events.length === 0) return null;
    const sets: Record<string, string> = {};
    for (const event of events.slice(0, limit)) sets[event.jti] = await deps.engine.sign(event.claims, event.algorithm);
    return { status: 200, body: { sets, ...(events.length > limit ? { moreAvailable: true } : undefined) } };
  }

  async function anyWaits(streamId: string): Promise<boolean> {
    return (await waitingEvents(deps.db, deps.keyring, streamId, look(1))).length > 0;
  }

  /** A receiver that reports an error has had the event: it is not sent again (RFC 8936 2.2, 2.6). */
  async function settle(
    streamId: string,
    ack: readonly string[],
    setErrs: Readonly<Record<string, { err: string }>>,
  ): Promise<void> {
    const refused = Object.entries(setErrs);
    for (const [jti, { err }] of refused)
      deps.log.warn({ streamId, jti, error: err }, 'signal refused by its receiver');
    await settleEvents(deps.db, streamId, [...ack, ...refused.map(([jti]) => jti)]);
    const [last] = refused.slice(-1);
    if (last) await noteRefusal(deps.db, streamId, last[1].err);
  }
}

/** Not `req.destroyed`: a request whose body was read is destroyed while its caller waits for the answer. */
const gone = (ctx: Context) => ctx.res.destroyed || ctx.req.socket.destroyed;
