import type { Context } from 'koa';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { ShiminError } from '../lib/errors.ts';

/** A request of an app that waits for a person. */
export interface Begun {
  readonly clientId: string;
  /** The browser was never here before. */
  readonly newcomer: boolean;
}

/** Counts what is begun and not finished; a number is the seconds to wait, where there is too much of it already. */
export interface OpenWork {
  isNewcomer(ctx: Context): boolean;
  begin(ctx: Context, begun: Begun): Promise<number | null>;
  end(ctx: Context, begun: Begun): Promise<void>;
  pushed(ctx: Context, request: { clientId: string; authenticated: boolean; bytes: number }): Promise<number | null>;
}

type Interaction = InstanceType<Provider['Interaction']>;
type Refuse = (ctx: KoaContextWithOIDC, error: ShiminError) => Promise<void>;

const refusals = new WeakMap<object, ShiminError>();
const tooMany = (retryAfter: number) => new ShiminError('too_many_requests', { status: 429, retryAfter });

/** Interactions that a request of a browser goes on with. */
const resumed = new WeakMap<object, Interaction>();
export const noteResumed = (ctx: object, interaction: Interaction): void => void resumed.set(ctx, interaction);
const isNewcomer = (interaction: object) => Reflect.get(interaction, 'newcomer') === true;

/**
 * Counts a new interaction before it is stored; false: there are too many already, and `boundWork` answers. One that
 * follows another of the same request counts with it.
 */
export async function countBegun(work: OpenWork, ctx: KoaContextWithOIDC, interaction: Interaction): Promise<boolean> {
  const before = resumed.get(ctx);
  const newcomer = before === undefined ? work.isNewcomer(ctx) : isNewcomer(before);
  Object.assign(interaction, { newcomer });
  if (before !== undefined) return true;
  const wait = await work.begin(ctx, { clientId: clientOf(interaction), newcomer });
  if (wait === null) return true;
  refusals.set(ctx, tooMany(wait));
  await interaction.destroy();
  return false;
}

const clientOf = ({ params }: Interaction) => (typeof params.client_id === 'string' ? params.client_id : '');

/** Puts the refusal in the place of what the engine was about to answer; nothing of it was stored. */
export function boundWork(provider: Provider, work: OpenWork, refuse: Refuse): void {
  provider.use(async (ctx, next) => {
    await next();
    const engine = ctx as KoaContextWithOIDC;
    const over = resumed.get(ctx);
    // No other followed it: it came to its end, good or bad.
    if (over !== undefined && engine.oidc?.entities.Interaction?.uid === over.uid)
      await work.end(ctx, { clientId: clientOf(over), newcomer: isNewcomer(over) });
    const error = refusals.get(ctx) ?? (await tooManyPushed(work, engine));
    if (error === null) return;
    ctx.remove('Location');
    ctx.remove('Set-Cookie');
    await refuse(engine, error);
  });
}

async function tooManyPushed(work: OpenWork, ctx: KoaContextWithOIDC): Promise<ShiminError | null> {
  const { route, client, entities } = ctx.oidc ?? {};
  if (route !== 'pushed_authorization_request' || ctx.status !== 201 || client === undefined) return null;
  const authenticated = client.clientAuthMethod !== 'none';
  const bytes = ctx.request.length ?? 0;
  const wait = await work.pushed(ctx, { clientId: client.clientId, authenticated, bytes });
  if (wait === null) return null;
  await entities?.PushedAuthorizationRequest?.destroy();
  return tooMany(wait);
}
