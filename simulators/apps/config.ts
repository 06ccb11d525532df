import clients from './clients.json' with { type: 'json' };
import keys from './demo-keys.json' with { type: 'json' };
import type { Locale } from './language.ts';

export const KINDS = ['library', 'social-insurance', 'housing-fund'] as const;
export type Kind = (typeof KINDS)[number];
export type Ports = Readonly<Record<Kind, number>>;

export const DEFAULT_PORTS: Ports = { library: 5001, 'social-insurance': 5002, 'housing-fund': 5003 };

/** The provider's levels, lowest first: each one dominates those before it. */
export const LEVELS = ['urn:shimin:loa:1', 'urn:shimin:loa:2', 'urn:shimin:loa:3', 'urn:shimin:loa:4'] as const;
const IN_ORDER: readonly unknown[] = LEVELS;
export type LevelName = (typeof LEVELS)[number];

export interface AppConfig {
  readonly kind: Kind;
  readonly clientId: string;
  readonly names: Readonly<Record<Locale, string>>;
  readonly scope: string;
  /** What signing in needs. */
  readonly signInLevel: LevelName;
  /** What the sensitive action inside the app needs, where there is one. */
  readonly actionLevel?: LevelName;
  readonly pushed: boolean;
  readonly auth: { readonly secret: string } | { readonly privateJwk: JsonWebKey & { readonly kid: string } };
}

const NEEDS: Readonly<Record<Kind, Pick<AppConfig, 'signInLevel' | 'actionLevel' | 'pushed'>>> = {
  library: { signInLevel: 'urn:shimin:loa:1', pushed: false },
  'social-insurance': { signInLevel: 'urn:shimin:loa:2', pushed: true },
  'housing-fund': { signInLevel: 'urn:shimin:loa:2', actionLevel: 'urn:shimin:loa:3', pushed: true },
};

export function configOf(kind: Kind): AppConfig {
  const client = clients.find((each) => each.client_id === kind);
  if (client === undefined) throw new Error(`clients.json has no ${kind}`);
  const auth = kind === 'library' ? { secret: client.client_secret ?? '' } : { privateJwk: keys[kind] };
  return { kind, clientId: client.client_id, names: client.names, scope: client.scope, auth, ...NEEDS[kind] };
}

/** The place of a level, lowest first from 0; -1 for anything that is not one of them. */
export function rankOf(acr: unknown): number {
  return IN_ORDER.indexOf(acr);
}

/** True when `acr` is `needed` or a level that dominates it. */
export function meets(acr: unknown, needed: LevelName): boolean {
  return rankOf(acr) >= rankOf(needed);
}

/** Client metadata of the three apps, for a provider to register, with the URLs of the ports given. */
export function demoClients(ports: Partial<Ports> = {}, host = 'http://localhost'): typeof clients {
  return clients.map((client) => {
    const kind = KINDS.find((each) => each === client.client_id) ?? 'library';
    const base = `${host}:${ports[kind] ?? DEFAULT_PORTS[kind]}`;
    const move = (url: string) => url.replace(`http://localhost:${DEFAULT_PORTS[kind]}`, base);
    return {
      ...client,
      client_uri: move(client.client_uri),
      redirect_uris: client.redirect_uris.map(move),
      post_logout_redirect_uris: client.post_logout_redirect_uris.map(move),
      backchannel_logout_uri: move(client.backchannel_logout_uri),
    };
  });
}
