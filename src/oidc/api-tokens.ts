import { errors, type KoaContextWithOIDC } from 'oidc-provider';

/** Scope of an app's own token (client credentials) for the Admin API. */
export const apiScope = 'admin';

/** The Admin API as a resource (RFC 8707) and where it is served. */
export const apiPath = '/api/admin/v1';
export const apiResource = (issuer: string): string => `${issuer}${apiPath}`;

/** Member of a token that says which resource it is for. */
const member = 'resource';

/**
 * Binds an app's own token to the Admin API: its scope is given with the API named as the resource and with no other
 * scope, so that a token for one service is of no use at another (RFC 8707 section 2, RFC 9068 section 3).
 */
export function tokenResource(issuer: string) {
  const api = apiResource(issuer);
  return (ctx: KoaContextWithOIDC, token: { kind: string; scope?: string | undefined }) => {
    if (token.kind !== 'ClientCredentials') return undefined;
    const scopes = (token.scope ?? '').split(' ').filter(Boolean);
    const asked = [ctx.oidc.body?.resource].flat().filter((value) => value !== undefined);
    if (!scopes.includes(apiScope)) {
      if (asked.includes(api)) throw new errors.InvalidTarget(`this resource needs the scope ${apiScope}`);
      return undefined;
    }
    if (scopes.length > 1) throw new errors.InvalidScope(`${apiScope} is for a token of its own`, token.scope ?? '');
    if (asked.length !== 1 || asked[0] !== api)
      throw new errors.InvalidTarget(`the scope ${apiScope} needs the resource ${api}`);
    return { [member]: api };
  };
}

/** The resource that a token is for; null: none in particular. */
export function resourceOf(token: { extra?: Readonly<Record<string, unknown>> | undefined }): string | null {
  const value = token.extra?.[member];
  return typeof value === 'string' ? value : null;
}
