import type { Context, Middleware } from 'koa';

/** How a service can be told to fail; each stands for what real ones have done. */
export const faults = ['none', 'slow', 'hang', 'down', 'http500', 'garbage', 'empty', 'wrong'] as const;
export type Fault = (typeof faults)[number];

export interface FaultSwitch {
  readonly state: { fault: Fault; delayMs: number; times: number | null };
  set(body: unknown): { ok: true } | { ok: false; message: string };
  /** Stands before the service's own routes and acts the fault out. `wrong` is left to the service itself. */
  middleware(applies: (ctx: Context) => boolean): Middleware;
}

export function faultSwitch(): FaultSwitch {
  const state: FaultSwitch['state'] = { fault: 'none', delayMs: 2000, times: null };
  return {
    state,
    set(body) {
      if (typeof body !== 'object' || body === null) return { ok: false, message: 'a JSON object is needed' };
      const { fault, delayMs, times } = body as Record<string, unknown>;
      const known = faults.find((name) => name === fault);
      if (known === undefined) return { ok: false, message: `fault must be one of ${faults.join(', ')}` };
      state.fault = known;
      state.delayMs = typeof delayMs === 'number' && delayMs >= 0 && delayMs <= 120_000 ? delayMs : 2000;
      state.times = typeof times === 'number' && times > 0 ? times : null;
      return { ok: true };
    },
    middleware: (applies) => async (ctx, next) => {
      if (!applies(ctx) || state.fault === 'none') return next();
      const { fault, delayMs } = state;
      if (state.times !== null) {
        state.times -= 1;
        if (state.times === 0) Object.assign(state, { fault: 'none', times: null });
      }
      switch (fault) {
        case 'slow':
          await new Promise((resolve) => setTimeout(resolve, delayMs));
          return next();
        case 'hang':
          await new Promise((resolve) => ctx.req.once('close', resolve));
          ctx.respond = false;
          return;
        case 'down':
          ctx.respond = false;
          ctx.req.socket.destroy();
          return;
        case 'http500':
          ctx.status = 500;
          ctx.body = { error: 'internal' };
          return;
        case 'garbage':
          ctx.type = 'html';
          ctx.body = '<html><body>502 Bad Gateway</body></html>';
          return;
        case 'empty':
          ctx.type = 'json';
          ctx.body = '';
          return;
        case 'wrong':
          ctx.state.wrong = true;
          return next();
      }
    },
  };
}
