import { randomBytes } from 'node:crypto';
import Router from '@koa/router';
import type { Context } from 'koa';
import { faultSwitch } from '../lib/faults.ts';
import { escapeHtml, fieldsOf, page, readBody, readJson, text } from '../lib/http.ts';
import { callers, signRequest } from '../lib/signing.ts';
import type { PhotoFile } from '../lib/upstream.ts';

interface FaceSession {
  readonly id: string;
  readonly client: string;
  readonly recordRef: string;
  readonly returnUrl: URL;
  readonly nonce: string;
  readonly expiresAt: number;
  capture: string | null;
  liveness: 'passed' | 'failed' | 'none';
  token: string | null;
  cancelled: boolean;
  redeemed: boolean;
}

export interface FaceOptions {
  readonly origin: () => string;
  readonly clients: Readonly<Record<string, string>>;
  readonly perMinute: number;
  /** Hosts that a person may be sent back to. */
  readonly returnHosts: readonly string[];
  /** Whose photos it compares with, by how their record references begin. */
  readonly photos: readonly PhotoFile[];
  readonly now?: () => Date;
}

const lifetimeMs = 10 * 60_000;
const unguessable = () => randomBytes(24).toString('base64url');

/** The face service (在线刷脸): liveness on its own page, then a comparison with the photo that a register has on file. */
export function faceRoutes(options: FaceOptions) {
  const now = options.now ?? (() => new Date());
  const router = new Router({ prefix: '/face' });
  const switches = faultSwitch();
  const guard = callers(options.clients, options.perMinute, now);
  const sessions = new Map<string, FaceSession>();
  const fileOf = (recordRef: string) => options.photos.find(({ refPrefix }) => recordRef.startsWith(refPrefix));

  router.get('/_control', (ctx) => {
    ctx.body = { ...switches.state, sessions: sessions.size };
  });
  router.put('/_control', async (ctx) => {
    const result = switches.set(await readJson(ctx));
    ctx.status = result.ok ? 200 : 400;
    ctx.body = result.ok ? switches.state : { error: 'invalid', message: result.message };
  });
  router.use(switches.middleware((ctx) => ctx.path.startsWith('/face/v1/')));

  const signed =
    (work: (ctx: Context, fields: Readonly<Record<string, unknown>>) => Promise<[number, object]> | [number, object]) =>
    async (ctx: Context) => {
      const body = (await readBody(ctx)) ?? '';
      const refusal = guard.refusal({ method: ctx.method, path: ctx.path, body, header: (name) => ctx.get(name) });
      if (refusal !== null) {
        ctx.status = refusal === 'rate_limited' ? 429 : 401;
        if (refusal === 'rate_limited') ctx.set('Retry-After', '60');
        ctx.body = { error: refusal };
        return;
      }
      let fields: unknown;
      try {
        fields = JSON.parse(body);
      } catch {
        fields = undefined;
      }
      const [status, answer] = await work(ctx, fieldsOf(fields));
      ctx.status = status;
      ctx.body = answer;
    };

  router.post(
    '/v1/sessions',
    signed((ctx, fields) => {
      const url = text(fields.return_url);
      const [recordRef, nonce] = [text(fields.record_ref), text(fields.nonce)];
      if (recordRef === '' || nonce.length < 16 || !URL.canParse(url)) return [400, { error: 'invalid_request' }];
      const returnUrl = new URL(url);
      if (!options.returnHosts.includes(returnUrl.hostname)) return [400, { error: 'return_url_not_allowed' }];
      const session: FaceSession = {
        id: unguessable(),
        client: ctx.get('x-client-id'),
        recordRef,
        returnUrl,
        nonce,
        expiresAt: now().getTime() + lifetimeMs,
        capture: null,
        liveness: 'none',
        token: null,
        cancelled: false,
        redeemed: false,
      };
      sessions.set(session.id, session);
      return [200, { session_id: session.id, url: `${options.origin()}/face/capture/${session.id}`, nonce }];
    }),
  );

  router.post(
    '/v1/results',
    signed(async (ctx, fields) => {
      const session = sessions.get(text(fields.session_id));
      const open =
        session &&
        session.client === ctx.get('x-client-id') &&
        session.token !== null &&
        session.token === text(fields.result_token);
      if (!open || session.redeemed || session.expiresAt < now().getTime()) return [410, { error: 'result_gone' }];
      session.redeemed = true;
      const result = session.cancelled
        ? 'cancelled'
        : session.liveness === 'passed'
          ? await compare(session)
          : 'refused';
      // A service that mixes sessions up answers with somebody else's record.
      const recordRef = ctx.state.wrong === true ? 'rec_of_somebody_else' : session.recordRef;
      return [
        200,
        {
          session_id: session.id,
          nonce: session.nonce,
          record_ref: recordRef,
          result,
          liveness: session.liveness,
          reference: `face-${session.id.slice(0, 12)}`,
        },
      ];
    }),
  );

  router.get('/capture/:id', (ctx) => {
    const session = sessions.get(String(ctx.params.id));
    ctx.type = 'html';
    if (!session || session.token !== null || session.expiresAt < now().getTime()) {
      ctx.status = 410;
      ctx.body = page(
        '已结束 · Over',
        '<h1>这次人脸核验已结束</h1><p>This face check is over. Go back to the page you came from.</p>',
      );
      return;
    }
    ctx.body = page('人脸核验 · Face check', capturePage(session.id));
  });

  router.post('/capture/:id', async (ctx) => {
    const session = sessions.get(String(ctx.params.id));
    const choice = new URLSearchParams((await readBody(ctx)) ?? '').get('who');
    if (!session || session.token !== null || session.expiresAt < now().getTime()) {
      ctx.status = 410;
      ctx.type = 'html';
      ctx.body = page('已结束 · Over', '<h1>这次人脸核验已结束</h1><p>This face check is over.</p>');
      return;
    }
    session.cancelled = choice === 'cancel';
    session.liveness = choice === 'photo' ? 'failed' : choice === 'cancel' ? 'none' : 'passed';
    session.capture =
      choice === 'me' ? (fileOf(session.recordRef)?.cameraOf(session.recordRef) ?? 'nobody') : 'somebody else';
    session.token = unguessable();
    const back = new URL(session.returnUrl);
    back.searchParams.set('session_id', session.id);
    back.searchParams.set('result_token', session.token);
    ctx.status = 303;
    ctx.redirect(back.href);
  });

  async function compare(session: FaceSession): Promise<'match' | 'mismatch' | 'refused'> {
    const file = fileOf(session.recordRef);
    if (file === undefined) return 'refused';
    const path = file.scorePath;
    const body = JSON.stringify({ ref: session.recordRef, capture: session.capture });
    const headers = signRequest({ ...file.caller, method: 'POST', path, body, now: now(), nonce: unguessable() });
    const response = await fetch(options.origin() + path, { method: 'POST', headers, body });
    if (!response.ok) return 'refused';
    const { score, threshold } = fieldsOf(await response.json());
    return typeof score === 'number' && typeof threshold === 'number' && score >= threshold ? 'match' : 'mismatch';
  }

  return { router, switches };
}

function capturePage(id: string): string {
  const choice = (who: string, zh: string, en: string) =>
    `<button name="who" value="${who}"><strong>${zh}</strong><br><small>${en}</small></button>`;
  return `<h1>人脸核验</h1><p>模拟摄像头：请选择镜头前是谁。<br><span lang="en">Simulated camera: choose who stands in front of it.</span></p>
<form method="post" action="/face/capture/${escapeHtml(id)}">${choice('me', '本人', 'This is me')}${choice('other', '别人', 'Somebody else')}${choice('photo', '手机里的照片', 'A photo of a photo (liveness fails)')}${choice('cancel', '取消', 'Cancel')}</form>`;
}
