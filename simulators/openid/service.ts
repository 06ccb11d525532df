import { createHash } from 'node:crypto';
import type { UpstreamFactory } from '../lib/upstream.ts';
import { openIdProvider } from '../oidc/provider.ts';

const prefix = '/openid';
const title = '合作机构 OpenID 提供方（模拟）';
const client = { id: 'shimin-demo', secret: 'demo-secret-of-a-partner-provider' } as const;

const members = new Set(['li-xiaoming', 'tan-wei-ming', 'wang-jianguo', 'rare-character']);

/** Any OpenID provider by the book: levels with names of its own, and claims with names of its own. */
export const openidUpstream: UpstreamFactory = async ({ origin, people, returnHosts }) => {
  const provider = await openIdProvider({
    prefix,
    title,
    origin,
    client,
    redirectHosts: returnHosts,
    levels: ['partner:basic', 'partner:checked', 'partner:seen'],
    people: people
      .filter(({ id }) => members.has(id))
      .map(({ id, names, documents, birthDate }) => ({
        id,
        sub: createHash('sha256').update(`openid ${id}`).digest('base64url'),
        label: names['zh-Hans'] ?? names.latin ?? id,
        acr: id === 'wang-jianguo' ? 'partner:basic' : 'partner:seen',
        amr: ['pwd', 'otp', 'mfa'],
        claims: {
          full_name: names['zh-Hans'] ?? names.latin,
          paper: documents[0]?.type,
          paper_number: documents[0]?.number,
          birthdate: birthDate,
        },
      })),
  });
  return {
    id: 'openid',
    title,
    path: prefix,
    router: provider.router,
    fault: provider.fault,
    settings: () => ({
      issuer: origin() + prefix,
      clientId: client.id,
      clientSecret: client.secret,
      scope: 'openid profile',
      algorithm: 'ES256',
      strongLevel: 'partner:checked',
      superiorLevel: 'partner:seen',
      category: '',
      nameClaim: 'full_name',
      latinNameClaim: '',
      documentTypeClaim: 'paper',
      documentNumberClaim: 'paper_number',
      birthDateClaim: 'birthdate',
      phoneClaim: '',
    }),
  };
};
