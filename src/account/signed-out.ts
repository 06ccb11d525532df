import type Router from '@koa/router';
import type { AccountDeps } from './deps.ts';

/** Where the engine sends people after our own areas' sign-out: in front of the sign-in, and it says what is so. */
export const signedOutPath = '/account/signed-out';

/**
 * After "stay signed in" too the engine comes here (OpenID Connect RP-Initiated Logout 1.0, section 3), with the session of the
 * browser alive: then the page says that, and offers to go back or to sign out after all. `state`: the area left.
 */
export function signedOutRoutes(router: Router, deps: AccountDeps): void {
  router.get('/account/signed-out', async (ctx) => {
    const area = ctx.query.state === 'admin' ? '/admin' : '/account';
    deps.renderer.render(ctx, 'journey/logged-out', { area, still: await deps.isSignedIn(ctx) });
  });
}
