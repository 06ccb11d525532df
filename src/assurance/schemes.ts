/** Schemes in which levels have names. `nist` and `phr` are read off the rules, the others are written in the policy. */
export const schemes = ['eidas', 'guangdong', 'singpass', 'nist', 'phr'] as const;
export type Scheme = (typeof schemes)[number];
export type StoredScheme = Exclude<Scheme, 'nist' | 'phr'>;

/** Names, lowest first, each with its other spellings. */
const names: Readonly<Record<StoredScheme, readonly (readonly [string, ...string[]])[]>> = {
  // Implementing Regulation (EU) 2015/1502.
  eidas: [
    ['low', 'http://eidas.europa.eu/LoA/low'],
    ['substantial', 'http://eidas.europa.eu/LoA/substantial'],
    ['high', 'http://eidas.europa.eu/LoA/high'],
  ],
  // Guangdong 可信等级, as its platform writes them for people and in `creditable_level_of_account`.
  guangdong: [
    ['二级', '可信等级二级', 'L0'],
    ['三级', '可信等级三级', 'L1'],
    ['四级', '可信等级四级', 'L2'],
    ['五级', '可信等级五级', 'L3'],
  ],
  singpass: [
    ['urn:singpass:authentication:loa:1'],
    ['urn:singpass:authentication:loa:2'],
    ['urn:singpass:authentication:loa:3'],
  ],
};

export const storedSchemes: readonly StoredScheme[] = ['eidas', 'guangdong', 'singpass'];

/** The names of a scheme in its own spelling, lowest first. */
export const namesIn = (scheme: StoredScheme): string[] => names[scheme].map(([name]) => name);

export const storedScheme = (scheme: string): StoredScheme | null =>
  scheme === 'eidas' || scheme === 'guangdong' || scheme === 'singpass' ? scheme : null;

/** The scheme's own spelling of a name; null: it has no such name. */
export const nameIn = (scheme: StoredScheme, name: string): string | null =>
  names[scheme].find((spellings) => spellings.includes(name))?.[0] ?? null;

/** Place of a name in its scheme, 0 the lowest. */
export const rankIn = (scheme: StoredScheme, name: string): number =>
  names[scheme].findIndex((spellings) => spellings.includes(name));

/** Scheme and own spelling of a label that is a name of some scheme as it is, as eIDAS' URIs are. */
export function schemeOf(label: string): { scheme: StoredScheme; name: string } | null {
  if (!label.includes(':')) return null;
  for (const scheme of ['eidas', 'guangdong', 'singpass'] as const) {
    const name = nameIn(scheme, label);
    if (name !== null) return { scheme, name };
  }
  return null;
}
