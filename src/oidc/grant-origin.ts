import Provider from 'oidc-provider';

/**
 * What the engine's codes and tokens say of the sign-in they came of. The engine keeps `acr`, `amr` and `authTime` in codes
 * and refresh tokens only, and nowhere the interaction; every answer of a grant is judged by all four, so access tokens
 * carry them too.
 */
export interface GrantOrigin {
  acr?: string | undefined;
  amr?: string[] | undefined;
  authTime?: number | undefined;
  /** The chain of interactions in which the grant was made; null: answered without one; absent: of before it was kept. */
  interaction?: string | null | undefined;
}

const carried = ['acr', 'amr', 'authTime', 'interaction'] as const;

/** Has codes and tokens of this provider carry their origin from the authorization response on. */
export function carryOrigins(provider: Provider): void {
  for (const model of [provider.AuthorizationCode, provider.RefreshToken, provider.AccessToken]) {
    const names: readonly string[] = [...new Set([...Reflect.get(model, 'IN_PAYLOAD'), ...carried])];
    Object.defineProperty(model, 'IN_PAYLOAD', { get: () => names });
    const prototype: { save(): Promise<string> } = model.prototype;
    const { save } = prototype;
    Object.defineProperty(prototype, 'save', {
      value(this: GrantOrigin) {
        if (this.interaction === undefined) Object.assign(this, originHere(this));
        return save.call(this);
      },
    });
  }
}

/** Of a code: the interaction that is being answered. Of a token: what it is made from. */
function originHere(made: GrantOrigin): GrantOrigin {
  const { entities } = Provider.ctx?.oidc ?? {};
  if (!entities) return {};
  const { AuthorizationCode, RotatedRefreshToken, RefreshToken } = entities;
  if (AuthorizationCode === made) return { interaction: entities.Interaction?.cid ?? null };
  const source: GrantOrigin | undefined = AuthorizationCode ?? RotatedRefreshToken ?? RefreshToken;
  return source === undefined ? {} : { ...pick(source) };
}

const pick = ({ acr, amr, authTime, interaction }: GrantOrigin): GrantOrigin => ({ acr, amr, authTime, interaction });
