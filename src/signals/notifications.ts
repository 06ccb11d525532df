import type Router from '@koa/router';
import { z } from 'zod';
import { hearRegister } from '../commands/hear-register.ts';
import { parseStrictJson } from '../lib/strict-json.ts';
import { checkNotice } from '../proofing/signed-notice.ts';
import type { SignalDeps } from './deps.ts';
import { invalid, json, readText, refusal, requestIdOf } from './http.ts';

const notice = z.object({
  document_type: z.string().min(1).max(48),
  document_number: z.string().min(1).max(64),
  status: z.enum(['active', 'deceased', 'cancelled']),
});

/**
 * Where the population register tells us that somebody died or a record was cancelled. Answered 204 whether we know the
 * person or not; anything else makes the register try again, with a new signature.
 */
export function notificationRoutes(router: Router, deps: SignalDeps): void {
  router.post(
    '/notifications/population',
    json(deps, async (ctx) => {
      const body = await readText(ctx);
      if (body === null) return refusal(413, 'invalid_request', 'too large, or not UTF-8');
      const signed = checkNotice(
        deps.population,
        { path: ctx.path, body, header: (name) => ctx.get(name) },
        deps.clock(),
      );
      if (!signed.ok) return refusal(401, signed.reason, 'the signature does not hold');
      const fresh = await deps.unique(
        'notifications/population',
        signed.nonce,
        Math.ceil(signed.goodUntil.getTime() / 1000),
      );
      if (!fresh) return refusal(401, 'nonce_replayed', 'this request was heard before');
      const parsed = parseStrictJson(body);
      const checked = notice.safeParse(parsed.ok ? parsed.value : undefined);
      if (!checked.success) return invalid('document_type, document_number and status are needed');
      await hearRegister(deps, {
        documentType: checked.data.document_type,
        documentNumber: checked.data.document_number,
        status: checked.data.status,
        requestId: requestIdOf(ctx),
      });
      return { status: 204 };
    }),
  );
}
