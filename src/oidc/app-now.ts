import { type Client, errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';

/** What a request was answered with may be used later only as far as its app is registered for it still. */
interface Source {
  scope?: string | undefined;
  readonly redirectUri?: string | undefined;
}

type FindAccount<S extends Source, A> = (ctx: KoaContextWithOIDC, sub: string, source?: S) => Promise<A | undefined>;

/**
 * Around the engine's account look-up, which it asks with each code, refresh and access token: a code for an address that
 * was taken from its app is worth nothing, and what comes of the others names only scopes that the app has now.
 */
export function asRegistered<S extends Source, A>(find: FindAccount<S, A>): FindAccount<S, A> {
  return async (ctx, sub, source) => {
    const { client } = ctx.oidc;
    if (source && client) {
      if (source.redirectUri !== undefined && !client.redirectUriAllowed(source.redirectUri)) return undefined;
      // Written on with the token that comes of it, so that a scope taken away and given again is asked for anew.
      source.scope = scopesNow(client, source.scope);
    }
    return find(ctx, sub, source);
  };
}

/**
 * Around the look-up of what was agreed to, which comes before anything is answered: a request that was well when it was
 * made is refused when its app's address or scope was taken away before it is answered (OpenID Connect Core 3.1.2.1).
 */
export function ifRegistered<G>(
  load: (ctx: KoaContextWithOIDC) => Promise<G>,
): (ctx: KoaContextWithOIDC) => Promise<G> {
  return async (ctx) => {
    const { client, params } = ctx.oidc;
    if (client && params) {
      const { redirect_uri: uri, scope } = params;
      if (typeof uri === 'string' && !client.redirectUriAllowed(uri)) throw new errors.InvalidRedirectUri();
      const gone = typeof scope === 'string' ? scope.split(' ').filter((each) => !allowedOf(client).has(each)) : [];
      if (gone.length > 0) throw new errors.InvalidScope('requested scope is not allowed', gone.join(' '));
    }
    return load(ctx);
  };
}

/** What is left of scopes that were given. */
export function scopesNow(client: Client | undefined, scope: string | undefined): string | undefined {
  if (client === undefined || scope === undefined) return scope;
  const allowed = allowedOf(client);
  return scope
    .split(' ')
    .filter((each) => allowed.has(each))
    .join(' ');
}

/** Scopes an app may have; `openid` is what makes a sign-in one. */
const allowedOf = (client: Client): ReadonlySet<string> => new Set(['openid', ...(client.scope ?? '').split(' ')]);

/** The engine asks the grant for what may be in an answer; it is told no more than the app is registered for now. */
export function narrowGrants(provider: Provider): void {
  const clients = new WeakMap<object, Client>();
  const find = provider.Grant.find.bind(provider.Grant);
  Object.defineProperty(provider.Grant, 'find', {
    value: async (...args: Parameters<typeof find>) => {
      const grant = await find(...args);
      const clientId: unknown = Reflect.get(Object(grant), 'clientId');
      const client = typeof clientId === 'string' ? await provider.Client.find(clientId) : undefined;
      if (grant && client) clients.set(grant, client);
      return grant;
    },
  });
  const filtered: unknown = Reflect.get(provider.Grant.prototype, 'getOIDCScopeFiltered');
  if (typeof filtered !== 'function') throw new Error('engine without scopes in its grants');
  Object.defineProperty(provider.Grant.prototype, 'getOIDCScopeFiltered', {
    value(this: object, scopes: unknown) {
      return scopesNow(clients.get(this), String(filtered.call(this, scopes)));
    },
  });
}
