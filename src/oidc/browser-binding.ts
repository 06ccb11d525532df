import type { Context } from 'koa';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { ShiminError } from '../lib/errors.ts';
import { noteResumed } from './open-work.ts';

/** Tells browsers apart by a secret of theirs; hashes of it only. */
export interface Browsers {
  of(ctx: Context): string | null;
  make(ctx: Context): string;
}

type Interaction = InstanceType<Provider['Interaction']>;

/** Whether this browser is the one that the interaction was begun in. */
export function beganIn(interaction: object, browser: string | null): boolean {
  const began: unknown = Reflect.get(interaction, 'browser');
  return typeof began === 'string' && browser !== null && began === browser;
}

/** Notes with a new interaction which browser it was begun in; the engine asks for the address once, when it makes one. */
export async function bindToBrowser(browsers: Browsers, ctx: KoaContextWithOIDC, interaction: Interaction) {
  Object.assign(interaction, { browser: browsers.make(ctx) });
  await interaction.persist();
}

/**
 * The engine finds an interaction by a cookie that is tied to a path, so that a sibling host can plant it in somebody
 * else's browser: whoever planted it would be signed in by what that person proves, or that person as whoever planted it
 * (login CSRF, session swapping). So the request goes on only in the browser that it was begun in.
 */
export function guardResume(
  provider: Provider,
  browsers: Pick<Browsers, 'of'>,
  refuse: (ctx: KoaContextWithOIDC, error: ShiminError) => Promise<void>,
): void {
  const { Interaction } = provider;
  const stored: readonly string[] = Reflect.get(Interaction, 'IN_PAYLOAD');
  Object.defineProperty(Interaction, 'IN_PAYLOAD', { get: () => [...stored, 'browser', 'newcomer'] });
  provider.use(async (ctx, next) => {
    if (!/^\/auth\/./.test(ctx.path)) return next();
    const uid = ctx.cookies.get(provider.cookieName('resume'), { signed: true });
    const interaction = uid === undefined ? undefined : await Interaction.find(uid);
    // Unknown or over: the engine says so.
    if (uid === undefined || interaction === undefined) return next();
    if (ctx.path === `/auth/${uid}` && beganIn(interaction, browsers.of(ctx))) {
      noteResumed(ctx, interaction);
      return next();
    }
    return refuse(ctx as KoaContextWithOIDC, new ShiminError('interaction_foreign', { status: 400 }));
  });
}
