import type Router from '@koa/router';
import { z } from 'zod';
import { requestVerification, setSignalStatus, switchSubject } from '../commands/manage-signals.ts';
import { type SignalStream, streamStatuses, streamsOf } from '../storage/signal-streams.ts';
import { minVerificationInterval } from './configuration.ts';
import type { SignalDeps } from './deps.ts';
import { invalid, readBody, receiver, refusal, unknownStream } from './http.ts';
import { verificationClaims, verificationEvent } from './set.ts';
import { streamIdOf } from './streams.ts';

const streamId = z.string().min(1).max(100);
const statusBody = z.object({
  stream_id: streamId,
  status: z.enum(streamStatuses),
  reason: z.string().max(500).optional(),
});
const subjectBody = z.object({
  stream_id: streamId,
  subject: z.looseObject({ format: z.string().min(1).max(100) }),
  verified: z.boolean().optional(),
});
const issSub = z.object({ format: z.literal('iss_sub'), iss: z.string(), sub: z.string().min(1).max(255) });
const verificationBody = z.object({ stream_id: streamId, state: z.string().max(1_000).optional() });

const statusOf = ({ id, status, reason }: Pick<SignalStream, 'id' | 'status' | 'reason'>) => ({
  stream_id: id,
  status,
  ...(reason === null ? undefined : { reason }),
});

/** Status, subjects and verification (SSF 1.0 8.1.2 to 8.1.4). `wake`: something may be ready to go out. */
export function controlRoutes(router: Router, deps: SignalDeps, wake: () => void): void {
  router.get(
    '/ssf/status',
    receiver(deps, 'read', async (app, ctx) => {
      const own = await streamsOf(deps.db, deps.keyring, app.clientId);
      const stream = own.find(({ id }) => id === streamIdOf(ctx));
      return stream ? { status: 200, body: statusOf(stream) } : unknownStream;
    }),
  );
  router.post(
    '/ssf/status',
    receiver(deps, 'manage', async (app, ctx) => {
      const body = await readBody(ctx, statusBody);
      if (!body.ok) return body.answer;
      const { stream_id: id, status, reason = null } = body.value;
      if (!(await setSignalStatus(deps, { ...app, id }, { status, reason }))) return unknownStream;
      wake();
      return { status: 200, body: statusOf({ id, status, reason }) };
    }),
  );

  const subject = (excluded: boolean) =>
    receiver(deps, 'manage', async (app, ctx) => {
      const body = await readBody(ctx, subjectBody);
      if (!body.ok) return body.answer;
      const { stream_id: id } = body.value;
      const named = issSub.safeParse(body.value.subject);
      if (body.value.subject.format === 'iss_sub' && !named.success) return invalid('subject: iss and sub are needed');
      const known = named.success && named.data.iss === deps.issuer ? named.data.sub : null;
      if (known === null) {
        const own = await streamsOf(deps.db, deps.keyring, app.clientId);
        if (!own.some((stream) => stream.id === id)) return unknownStream;
        return refusal(404, 'not_found', 'subjects are known here by iss_sub with our issuer');
      }
      // Whether there is such a person is not told (SSF 1.0 9.1, subject probing).
      const done = await switchSubject(deps, { ...app, id }, { subject: known, excluded });
      if (!done) return unknownStream;
      return excluded ? { status: 204 } : { status: 200 };
    });
  router.post('/ssf/subjects/add', subject(false));
  router.post('/ssf/subjects/remove', subject(true));

  router.post(
    '/ssf/verify',
    receiver(deps, 'manage', async (app, ctx) => {
      const body = await readBody(ctx, verificationBody);
      if (!body.ok) return body.answer;
      const { stream_id: id, state = null } = body.value;
      const envelope = { issuer: deps.issuer, audience: app.clientId, issuedAt: deps.clock() };
      const event = {
        type: verificationEvent,
        claims: verificationClaims(envelope, id, state),
        algorithm: await deps.engine.algorithmOf(app.clientId),
      };
      const everyMs = minVerificationInterval * 1_000;
      const outcome = await requestVerification(deps, { ...app, id }, { everyMs, event });
      if (outcome === 'unknown') return unknownStream;
      if (outcome === 'disabled') return invalid('the stream is disabled');
      if (outcome === 'too_early') {
        const answer = refusal(429, 'too_many_requests', 'see min_verification_interval');
        return { ...answer, headers: { 'Retry-After': String(minVerificationInterval) } };
      }
      wake();
      return { status: 204 };
    }),
  );
}
