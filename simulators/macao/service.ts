import { createHash } from 'node:crypto';
import type { UpstreamFactory } from '../lib/upstream.ts';
import { openIdProvider, type ProviderPerson } from '../oidc/provider.ts';
import type { TestPerson } from '../people.ts';

const prefix = '/macao';
const title = '澳門一戶通（模擬，介面為假設）';
const client = { id: 'shimin-demo', secret: 'demo-secret-of-the-macao-account' } as const;

/** Papers that accounts are opened with, in this order. */
const papers = ['mo_bir', 'hk_id', 'cn_resident_id'] as const;

/** Opened at a counter, or from afar with a face that was compared; whoever is not here only filled in a form. */
const verified = new Set(['ho-ka-i', 'chan-tai-man']);

/** Too young for an account, or dead. */
const without = new Set(['minor', 'zhao-defu']);

/** Macao's Common Access Account as we assume it: a strict OpenID provider. */
export const macaoUpstream: UpstreamFactory = async ({ origin, people, returnHosts }) => {
  const provider = await openIdProvider({
    prefix,
    title,
    origin,
    client,
    redirectHosts: returnHosts,
    levels: ['registered', 'verified'],
    people: people.flatMap(accountOf),
    lang: 'zh-Hant',
  });
  return {
    id: 'macao',
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
    }),
  };
};

function accountOf({ id, names, documents, birthDate }: TestPerson): ProviderPerson[] {
  const paper = papers.flatMap((type) => documents.filter((held) => held.type === type)).at(0);
  const name = names['zh-Hant'] ?? names['zh-Hans'];
  if (!paper || name === undefined || without.has(id)) return [];
  const latin = names.pt ?? names.latin;
  return [
    {
      id,
      // Pairwise: says nothing of the person and is of no use to another service.
      sub: createHash('sha256').update(`macao ${id}`).digest('base64url'),
      label: name,
      acr: verified.has(id) ? 'verified' : 'registered',
      amr: ['pwd'],
      claims: {
        name,
        ...(latin === undefined ? {} : { latin_name: latin }),
        document_type: paper.type,
        document_number: paper.number,
        birthdate: birthDate,
      },
    },
  ];
}
