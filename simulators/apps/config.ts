import clients from './clients.json' with { type: 'json' };
import keys from './demo-keys.json' with { type: 'json' };
import type { FapiKeys } from './fapi.ts';
import type { Locale } from './language.ts';

/** The city's own offices. */
export const KINDS = ['library', 'social-insurance', 'housing-fund'] as const;
/** And one that was built for another country's provider, and speaks as that does. */
export const GUEST = 'singapore';
export const APPS = [...KINDS, GUEST] as const;
export type Kind = (typeof APPS)[number];
export type Ports = Readonly<Record<Kind, number>>;

export const DEFAULT_PORTS: Ports = { library: 5001, 'social-insurance': 5002, 'housing-fund': 5003, singapore: 5004 };

/** The provider's levels, lowest first: each one dominates those before it. */
export const LEVELS = ['urn:shimin:loa:1', 'urn:shimin:loa:2', 'urn:shimin:loa:3', 'urn:shimin:loa:4'] as const;
/** The names of Singpass, which the guest knows and no others. */
export const GUEST_LEVELS = [1, 2, 3].map((level) => `urn:singpass:authentication:loa:${level}` as const);
export type LevelName = (typeof LEVELS)[number] | `urn:singpass:authentication:loa:${number}`;

export interface AppConfig {
  readonly kind: Kind;
  readonly clientId: string;
  readonly names: Readonly<Record<Locale, string>>;
  readonly scope: string;
  /** What signing in needs. */
  readonly signInLevel: LevelName;
  /** What the sensitive action inside the app needs, where there is one. */
  readonly actionLevel?: LevelName;
  /** Other levels that a person may choose to sign in with. */
  readonly moreLevels?: readonly LevelName[];
  readonly pushed: boolean;
  readonly fapi?: FapiKeys;
  readonly auth: { readonly secret: string } | { readonly privateJwk: JsonWebKey & { readonly kid: string } };
}

const NEEDS: Readonly<Record<Kind, Pick<AppConfig, 'signInLevel' | 'actionLevel' | 'moreLevels' | 'pushed' | 'fapi'>>> =
  {
    library: { signInLevel: 'urn:shimin:loa:1', moreLevels: ['urn:shimin:loa:4'], pushed: false },
    'social-insurance': { signInLevel: 'urn:shimin:loa:2', pushed: true },
    'housing-fund': { signInLevel: 'urn:shimin:loa:2', actionLevel: 'urn:shimin:loa:3', pushed: true },
    singapore: {
      signInLevel: 'urn:singpass:authentication:loa:2',
      moreLevels: ['urn:singpass:authentication:loa:3'],
      pushed: true,
      fapi: { decryption: keys['singapore-enc'] },
    },
  };

export function configOf(kind: Kind): AppConfig {
  const client = clients.find((each) => each.client_id === kind);
  if (client === undefined) throw new Error(`clients.json has no ${kind}`);
  const auth = kind === 'library' ? { secret: client.client_secret ?? '' } : { privateJwk: keys[kind] };
  return { kind, clientId: client.client_id, names: client.names, scope: client.scope, auth, ...NEEDS[kind] };
}

const place = (names: readonly unknown[], name: unknown): number => names.indexOf(name);

/** The place of a level, lowest first from 0; -1 for anything that is not one of them. */
export function rankOf(acr: unknown): number {
  return Math.max(place(LEVELS, acr), place(GUEST_LEVELS, acr));
}

/** True when `acr` is `needed` or a level that dominates it, by the names that the app knows. */
export function meets(acr: unknown, needed: LevelName): boolean {
  const known = place(LEVELS, needed) >= 0 ? LEVELS : GUEST_LEVELS;
  const wanted = place(known, needed);
  return wanted >= 0 && place(known, acr) >= wanted;
}

/** Client metadata of the apps, for a provider to register, with the URLs of the ports given. */
export function demoClients(ports: Partial<Ports> = {}, host = 'http://localhost'): typeof clients {
  return clients.map((client) => {
    const kind = APPS.find((each) => each === client.client_id) ?? 'library';
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
