/** Claims that a scope stands for (OpenID Connect Core 5.4). Those of `openid` say how somebody signed in: nobody is asked about them. */
export const claimsOfScope = {
  openid: ['sub', 'acr', 'amr', 'auth_time', 'assurance'],
  profile: ['name', 'locale'],
  phone: ['phone_number', 'phone_number_verified'],
} as const;

const { openid: _, ...byScope } = claimsOfScope;
const dataScopes: ReadonlyMap<string, readonly string[]> = new Map(Object.entries(byScope));
const plainClaims: ReadonlySet<string> = new Set(Object.values(byScope).flat());
const verified = 'verified_claims';
/** Members of `verified_claims` that tell of the person; level and time of a proof are in `assurance` anyway. */
const verifiedNames = ['name', 'birthdate'] as const;
const evidence = `${verified}.evidence`;
const inVerified = (name: string) => `${verified}.${name}`;

/** Every claim about a person, as it leaves, in the order in which it is shown. */
export const personalClaims: readonly string[] = [...plainClaims, ...verifiedNames.map(inVerified), evidence];

/** What an app is told or may do: scopes, and claims each as it leaves, those within `verified_claims` by their path. */
export interface Release {
  readonly scopes: readonly string[];
  readonly claims: readonly string[];
}

export const releaseBases = ['agreed', 'city_rules'] as const;

/** What is on file about an app: the person agreed, or it was passed on to a department under the city's rules. */
export interface Agreement extends Release {
  readonly basis: (typeof releaseBases)[number];
  readonly withdrawn: boolean;
}

/** Whether an app is a department of the city, by its metadata. */
export const isDepartment = (metadata: { readonly shimin_first_party?: unknown } | undefined): boolean =>
  metadata?.shimin_first_party === true;

/**
 * What a request asks to be told, whichever way: by a scope, for the ID token, for userinfo, within `verified_claims` or a
 * list of them. Names that nobody here knows are left out (OpenID Connect Core 5.5): nothing leaves under them.
 */
export function askedFor(scope: string | undefined, claims: unknown): Release {
  const scopes = [...new Set((scope ?? '').split(' ').filter(Boolean))];
  const names = new Set(scopes.flatMap((each) => dataScopes.get(each) ?? []));
  for (const target of ['id_token', 'userinfo']) {
    for (const [name, wish] of entriesOf(memberOf(claims, target))) {
      if (name === verified) for (const each of verifiedIn(wish)) names.add(each);
      else if (plainClaims.has(name) && (wish === null || isObject(wish))) names.add(name);
    }
  }
  return { scopes, claims: personalClaims.filter((name) => names.has(name)) };
}

function verifiedIn(wish: unknown): string[] {
  return (Array.isArray(wish) ? wish : [wish]).flatMap((each: unknown) => [
    ...Object.keys(Object(memberOf(each, 'claims'))).map(inVerified),
    ...(entriesOf(memberOf(each, 'verification')).some(([name]) => name === 'evidence') ? [evidence] : []),
  ]);
}

/** A request for `verified_claims`, or a list of them, without what may not be told. */
export function narrowVerified(wish: unknown, may: ReadonlySet<string>): unknown {
  if (Array.isArray(wish)) return wish.map((each) => narrowVerified(each, may));
  if (!isObject(wish)) return wish;
  const claims = entriesOf(wish.claims).filter(([name]) => may.has(inVerified(name)));
  const verification = entriesOf(wish.verification).filter(([name]) => name !== 'evidence' || may.has(evidence));
  return { ...wish, verification: Object.fromEntries(verification), claims: Object.fromEntries(claims) };
}

/** What of it counts for the app now: what a department was passed is no agreement once it is none. */
export function agreementNow(on: Agreement | null, department: boolean): Release | null {
  if (on === null || on.withdrawn) return null;
  return on.basis === 'agreed' || department ? on : null;
}

/** A department is not asked about (ASVS 10.7.1), unless the person took it back once: from then on it is as any app. */
export function isPassedOn(asked: Release, on: Agreement | null, department: boolean): boolean {
  return department && (isBare(asked) || on === null || (on.basis === 'city_rules' && !on.withdrawn));
}

/** What the person is to be asked about before the request is answered; null: nothing. */
export function toAsk(asked: Release, on: Agreement | null, department: boolean): Release | null {
  if (isPassedOn(asked, on, department)) return null;
  const held = agreementNow(on, department);
  if (held === null) return asked;
  const missing = {
    scopes: asked.scopes.filter((scope) => !dataScopes.has(scope) && !held.scopes.includes(scope)),
    claims: asked.claims.filter((claim) => !held.claims.includes(claim)),
  };
  return missing.scopes.length + missing.claims.length === 0 ? null : missing;
}

/** No more than who signed in: there is nothing to agree to. */
export const isBare = ({ scopes, claims }: Release): boolean =>
  claims.length === 0 && scopes.every((scope) => scope === 'openid');

/** What both hold; scopes that stand for claims where all of them are held. */
export function within(asked: Release, held: Release | null): Release {
  const claims = asked.claims.filter((claim) => held?.claims.includes(claim));
  const covers = (scope: string) =>
    dataScopes.get(scope)?.every((claim) => held?.claims.includes(claim)) ?? held?.scopes.includes(scope) ?? false;
  return { scopes: asked.scopes.filter((scope) => scope === 'openid' || covers(scope)), claims };
}

/** What either holds, in the order in which it is shown. */
export function together(one: Release | null, other: Release): Release {
  const claims = new Set([...(one?.claims ?? []), ...other.claims]);
  return {
    scopes: [...new Set([...(one?.scopes ?? []), ...other.scopes])],
    claims: personalClaims.filter((claim) => claims.has(claim)),
  };
}

/** As one list, for people: claims, then what else the app may do. What every app is told is left out. */
export function itemsOf({ scopes, claims }: Release): string[] {
  return [...claims, ...scopes.filter((scope) => scope !== 'openid' && !dataScopes.has(scope))];
}

/** The part of a release that stands in such a list; scopes of claims come along with their claims. */
export function releaseOf(items: readonly string[], asked: Release): Release {
  const claims = asked.claims.filter((claim) => items.includes(claim));
  const others = asked.scopes.filter((scope) => scope === 'openid' || items.includes(scope) || dataScopes.has(scope));
  return within({ scopes: others, claims }, { scopes: others, claims });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const entriesOf = (value: unknown): [string, unknown][] => (isObject(value) ? Object.entries(value) : []);
const memberOf = (value: unknown, name: string): unknown =>
  isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
