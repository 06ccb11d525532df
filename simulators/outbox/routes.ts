import { randomUUID, timingSafeEqual } from 'node:crypto';
import Router from '@koa/router';
import { faultSwitch } from '../lib/faults.ts';
import { escapeHtml, fieldsOf, page, readJson, text } from '../lib/http.ts';

export interface Message {
  readonly id: string;
  readonly channel: 'sms' | 'mail';
  readonly to: string;
  readonly text: string;
  /** The one-time code in the text, if there is one. */
  readonly code: string | null;
  readonly at: string;
}

const keep = 500;

/** SMS and mail gateways that deliver to an outbox a developer can open, newest first. */
export function outboxRoutes(options: { token: string }) {
  const router = new Router();
  const switches = faultSwitch();
  const messages: Message[] = [];
  const seen = new Map<string, string>();

  router.get('/sms/_control', (ctx) => {
    ctx.body = switches.state;
  });
  router.put('/sms/_control', async (ctx) => {
    const result = switches.set(await readJson(ctx));
    ctx.status = result.ok ? 200 : 400;
    ctx.body = result.ok ? switches.state : { error: 'invalid', message: result.message };
  });
  router.use(switches.middleware((ctx) => /^\/(sms|mail)\/v1\//.test(ctx.path)));

  for (const channel of ['sms', 'mail'] as const) {
    router.post(`/${channel}/v1/messages`, async (ctx) => {
      const expected = Buffer.from(`Bearer ${options.token}`);
      const given = Buffer.from(ctx.get('authorization'));
      if (expected.length !== given.length || !timingSafeEqual(expected, given)) {
        ctx.status = 401;
        ctx.body = { error: 'unauthorized' };
        return;
      }
      const fields = fieldsOf(await readJson(ctx));
      const [requestId, to, body] = [text(fields.request_id), text(fields.to), text(fields.text)];
      const reachable = channel === 'sms' ? /^\+[1-9]\d{6,14}$/.test(to) : /^[^\s@]+@[^\s@]+$/.test(to);
      if (requestId === '' || !reachable || body === '' || body.length > 1000) {
        ctx.status = 400;
        ctx.body = { error: 'invalid_request' };
        return;
      }
      let id = seen.get(requestId);
      if (id === undefined) {
        id = randomUUID();
        seen.set(requestId, id);
        messages.unshift({
          id,
          channel,
          to,
          text: body,
          code: /(?<!\d)\d{6}(?!\d)/.exec(body)?.[0] ?? null,
          at: new Date().toISOString(),
        });
        messages.length = Math.min(messages.length, keep);
        if (seen.size > 10 * keep) seen.delete(seen.keys().next().value ?? '');
      }
      ctx.body = { message_id: id, status: 'accepted' };
    });
  }

  router.get('/outbox', (ctx) => {
    const to = typeof ctx.query.to === 'string' ? ctx.query.to : null;
    const shown = to === null ? messages : messages.filter((message) => message.to === to);
    ctx.vary('Accept');
    if (ctx.accepts('html', 'json') === 'json') {
      ctx.body = shown;
      return;
    }
    ctx.type = 'html';
    const rows = shown.map(
      (message) =>
        `<tr><td><time>${escapeHtml(message.at.slice(11, 19))}</time></td><td>${escapeHtml(message.to)}</td><td>${escapeHtml(message.text)}</td><td><strong>${escapeHtml(message.code ?? '')}</strong></td></tr>`,
    );
    ctx.body = page(
      '发件箱 · Outbox',
      `<h1>发件箱 · Outbox</h1><p>Messages that were sent, newest first. Reload to see new ones.</p><table><thead><tr><th>UTC</th><th>To</th><th>Text</th><th>Code</th></tr></thead><tbody>${rows.join('')}</tbody></table><p><a href="/">Simulators</a></p>`,
    );
  });
  router.delete('/outbox', (ctx) => {
    messages.length = 0;
    ctx.status = 204;
  });
  return { router, switches, messages };
}
