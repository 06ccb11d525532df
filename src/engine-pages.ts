import type { Log } from './lib/log.ts';
import type { EnginePages } from './oidc/provider.ts';
import { engineError, isSignOut } from './request-order.ts';
import { answerError } from './web/errors.ts';
import { formTarget } from './web/guards.ts';
import type { Renderer } from './web/render.ts';

/** What the engine shows of its own accord, drawn as our pages are. */
export function enginePages({ renderer, log }: { renderer: Renderer; log: Log }): EnginePages {
  return {
    async error(ctx, out, cause) {
      const oauth = {
        error: out.error,
        ...(out.error_description === undefined ? undefined : { error_description: out.error_description }),
      };
      if (ctx.accepts('html', 'json') === 'json') ctx.body = oauth;
      else if (isSignOut(ctx))
        answerError({ renderer, log, view: 'journey/logout-faulty' }, ctx, engineError(out.error, cause));
      else answerError({ renderer, log }, ctx, engineError(out.error, cause));
    },
    async logout(ctx, form) {
      // The way back to the app is a redirect after this form, which form-action would stop.
      const back: unknown = ctx.oidc.session?.state?.postLogoutRedirectUri;
      ctx.state.formTargets = [typeof back === 'string' ? formTarget(back) : null].filter((target) => target !== null);
      renderer.render(ctx, 'journey/logout', { form, app: null });
    },
    async loggedOut(ctx) {
      renderer.render(ctx, 'journey/logged-out', { area: '/account', still: ctx.oidc.session?.accountId != null });
    },
  };
}
