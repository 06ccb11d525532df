import type Router from '@koa/router';
import type { Context } from 'koa';
import { changeSignalStream, createSignalStream, deleteSignalStream } from '../commands/manage-signals.ts';
import { ShiminError } from '../lib/errors.ts';
import { type SignalStream, type StreamSettings, streamsOf } from '../storage/signal-streams.ts';
import {
  changedSettings,
  configurationOf,
  newSettings,
  streamSchemas,
  type Wanted,
  wrongProperty,
} from './configuration.ts';
import type { SignalDeps } from './deps.ts';
import { type Answer, invalid, type Receiver, readBody, receiver, refusal, unknownStream } from './http.ts';

const duplicate = refusal(409, 'conflict', 'the app has a stream of this delivery method already');

export function streamIdOf(ctx: Context): string | null {
  const { stream_id: id } = ctx.query;
  return typeof id === 'string' && id !== '' ? id : null;
}

/** The configuration endpoint (SSF 1.0 8.1.1). */
export function streamRoutes(router: Router, deps: SignalDeps): void {
  const schemas = streamSchemas(deps.allowLoopback);
  const shown = (stream: SignalStream) => configurationOf(deps.issuer, stream);

  router.post(
    '/ssf/stream',
    receiver(deps, 'manage', async (app, ctx) => {
      const body = await readBody(ctx, schemas.create);
      if (!body.ok) return body.answer;
      const stream = await createSignalStream(deps, { ...app, settings: newSettings(body.value) });
      return stream ? { status: 201, body: shown(stream) } : duplicate;
    }),
  );

  router.get(
    '/ssf/stream',
    receiver(deps, 'read', async (app, ctx) => {
      const own = await streamsOf(deps.db, deps.keyring, app.clientId);
      if (ctx.query.stream_id === undefined) return { status: 200, body: own.map(shown) };
      const stream = own.find(({ id }) => id === streamIdOf(ctx));
      return stream ? { status: 200, body: shown(stream) } : unknownStream;
    }),
  );

  const change = async (
    app: Receiver,
    wanted: Wanted & { stream_id: string },
    settings: (stream: SignalStream) => StreamSettings,
  ): Promise<Answer> => {
    const id = wanted.stream_id;
    const wrong: { property: string | null } = { property: null };
    const changed = await changeSignalStream(deps, { ...app, id }, (stream) => {
      wrong.property = wrongProperty(deps.issuer, stream, { ...wanted });
      if (wrong.property !== null) throw new ShiminError('bad_request');
      return settings(stream);
    }).catch((error: unknown) => {
      if (wrong.property === null) throw error;
      return invalid(`${wrong.property} is not what it was`);
    });
    if (changed === null) return unknownStream;
    if (changed === 'duplicate') return duplicate;
    return 'clientId' in changed ? { status: 200, body: shown(changed) } : changed;
  };

  router.patch(
    '/ssf/stream',
    receiver(deps, 'manage', async (app, ctx) => {
      const body = await readBody(ctx, schemas.update);
      return body.ok ? change(app, body.value, (stream) => changedSettings(body.value, stream)) : body.answer;
    }),
  );
  router.put(
    '/ssf/stream',
    receiver(deps, 'manage', async (app, ctx) => {
      const body = await readBody(ctx, schemas.replace);
      return body.ok ? change(app, body.value, (stream) => newSettings(body.value, stream)) : body.answer;
    }),
  );

  router.delete(
    '/ssf/stream',
    receiver(deps, 'manage', async (app, ctx) => {
      const id = streamIdOf(ctx);
      if (id === null) return invalid('stream_id is needed');
      return (await deleteSignalStream(deps, { ...app, id })) ? { status: 204 } : unknownStream;
    }),
  );
}
