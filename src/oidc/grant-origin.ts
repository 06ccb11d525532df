import Provider from 'oidc-provider';
import type { GrantMade } from '../standing/grant.ts';

/** What the engine's codes and tokens say of the sign-in they came of. */
export interface GrantOrigin {
  /** The engine's own: what was said last. It keeps these in codes and refresh tokens only. */
  acr?: string | undefined;
  amr?: string[] | undefined;
  authTime?: number | undefined;
  /** Ours, from the authorization response through every rotation; absent: of before it was kept. */
  made?: GrantMade | undefined;
}

const decided = new WeakMap<object, GrantMade>();

/** What this request's answer rests on, for the code that is made of it. */
export function noteMade(ctx: object, made: GrantMade): void {
  decided.set(ctx, made);
}

/** Has codes and tokens of this provider carry what their grant was made of: every answer of it is judged by that. */
export function carryOrigins(provider: Provider): void {
  for (const model of [provider.AuthorizationCode, provider.RefreshToken, provider.AccessToken]) {
    const names: readonly string[] = [...Reflect.get(model, 'IN_PAYLOAD'), 'made'];
    Object.defineProperty(model, 'IN_PAYLOAD', { get: () => names });
    const prototype: { save(): Promise<string> } = model.prototype;
    const { save } = prototype;
    Object.defineProperty(prototype, 'save', {
      value(this: GrantOrigin) {
        const made = this.made ?? originHere(this);
        if (made !== undefined) this.made = made;
        return save.call(this);
      },
    });
  }
}

/** Of a code: what the request was answered with. Of a token: what it is made from. */
function originHere(making: GrantOrigin): GrantMade | undefined {
  const { ctx } = Provider;
  if (!ctx?.oidc) return undefined;
  const { AuthorizationCode, RotatedRefreshToken, RefreshToken } = ctx.oidc.entities;
  if (AuthorizationCode === making) return decided.get(ctx);
  const source: GrantOrigin | undefined = AuthorizationCode ?? RotatedRefreshToken ?? RefreshToken;
  return source?.made;
}
