import { createHash, randomBytes } from 'node:crypto';
import { decodeJwt } from 'jose';
import { appSecret } from '../signals/support.ts';
import type { Faults, Said } from './actor.ts';
import type { World } from './world.ts';

const redirectUri = 'http://localhost:9/callback';

export const verifierOf = () => randomBytes(32).toString('base64url');

/** Where an app of level 1 sends people; level 0: it asks for none in particular. */
export function authorizePath(verifier: string, level: number, extra: Readonly<Record<string, string>> = {}): string {
  const acr = { essential: true, values: [`urn:shimin:loa:${level}`] };
  const userinfo = { verified_claims: { verification: { trust_framework: null }, claims: { name: null } } };
  return `/auth?${new URLSearchParams({
    client_id: 'probe',
    response_type: 'code',
    scope: 'openid profile',
    redirect_uri: redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    claims: JSON.stringify({ userinfo, ...(level === 0 ? {} : { id_token: { acr } }) }),
    ...extra,
  })}`;
}

/** The app's own side: what it is told over the back channel. Whatever is answered with 500 or more is a fault. */
export function appOn(world: World, faults: Faults) {
  const client = `Basic ${Buffer.from(`probe:${appSecret}`).toString('base64')}`;

  async function post(path: string, form: Record<string, string>) {
    const response = await fetch(`${world.issuer}${path}`, {
      method: 'POST',
      headers: { authorization: client },
      body: new URLSearchParams(form),
    });
    if (response.status >= 500) faults.add(`${response.status} at ${path}`);
    const body: Record<string, string> = await response.json();
    return { status: response.status, body };
  }

  return {
    async exchange(code: string, verifier: string) {
      const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier };
      const { status, body } = await post('/token', form);
      if (status !== 200) return null;
      const { id_token: idToken = '', access_token: accessToken = '', refresh_token: refreshToken = '' } = body;
      return { idToken: decodeJwt(idToken) as Said, accessToken, refreshToken };
    },
    /** Null: it was refused. The token that takes its place is kept with the grant. */
    async refresh(grant: { refreshToken: string }): Promise<Said | null> {
      if (grant.refreshToken === '') return null;
      const form = { grant_type: 'refresh_token', refresh_token: grant.refreshToken };
      const { status, body } = await post('/token', form);
      if (status !== 200) return null;
      grant.refreshToken = body.refresh_token ?? grant.refreshToken;
      return body.id_token === undefined ? {} : decodeJwt(body.id_token);
    },
    introspect: async (token: string): Promise<Said> => (await post('/token/introspection', { token })).body,
    async userinfo(token: string): Promise<Said | null> {
      const response = await fetch(`${world.issuer}/me`, { headers: { authorization: `Bearer ${token}` } });
      if (response.status >= 500) faults.add(`${response.status} at /me`);
      return response.status === 200 ? response.json() : null;
    },
  };
}
