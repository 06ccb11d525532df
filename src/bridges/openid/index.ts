import { z } from 'zod';
import { upstreamProofs } from '../../assurance/worth.ts';
import { canonicalDocument, withoutState } from '../../identity/documents/canonical.ts';
import { nameTold } from '../../identity/names.ts';
import { categories } from '../../identity/person.ts';
import { type Bridge, type BridgePorts, type BridgeResult, defineBridge, type ExternalClaims } from '../bridge.ts';
import { oidcBridge } from '../oidc.ts';

const claimName = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9_:/.-]*$/);

const settings = z.object({
  issuer: z.url().max(200),
  clientId: z.string().min(1).max(200),
  clientSecret: z.string().min(16).max(200),
  scope: z
    .string()
    .regex(/^openid( [a-z_.:]{1,40}){0,9}$/)
    .default('openid profile'),
  algorithm: z.enum(['RS256', 'PS256', 'ES256', 'EdDSA']).default('ES256'),
  /** The provider's `acr` for "real name checked, two factors", and for "person seen, two factors"; empty: it has none. */
  strongLevel: z.string().max(200).default(''),
  superiorLevel: z.string().max(200).default(''),
  /** Whose papers its people have; empty: the document tells. */
  category: z.enum(['', ...categories]).default(''),
  /** Names of its claims; empty: it has none. */
  nameClaim: claimName.default('name'),
  latinNameClaim: claimName.default(''),
  documentTypeClaim: claimName.default(''),
  documentNumberClaim: claimName.default(''),
  birthDateClaim: claimName.default('birthdate'),
  phoneClaim: claimName.default('phone_number'),
});
type Settings = z.infer<typeof settings>;

const twoFactors = {
  factors: ['possession', 'knowledge'],
  userVerified: false,
  phishingResistant: false,
  deviceBound: false,
} as const;

/**
 * Any OpenID provider that keeps to the standard, by settings alone. Its levels are worth something only where an admin has
 * said which of its `acr` values mean them; whatever else it names counts as none.
 */
export const openid = defineBridge({
  traits: {
    id: 'openid',
    region: 'any',
    minutes: 2,
    levels: [
      { name: null, worth: { identity: null, authentication: { ...twoFactors, factors: ['knowledge'] } } },
      { name: 'strong', worth: { identity: upstreamProofs.openid.strong, authentication: twoFactors } },
      { name: 'superior', worth: { identity: upstreamProofs.openid.superior, authentication: twoFactors } },
    ],
    asks: [],
    have: ['have.device'],
  },
  settings,
  secrets: ['clientSecret'],
  open: openProvider,
});

function openProvider(given: Settings, { clock: _, ...line }: BridgePorts): Bridge {
  const { issuer, clientId, clientSecret, scope, algorithm } = given;
  const theirs: Readonly<Record<string, string>> = { strong: given.strongLevel, superior: given.superiorLevel };
  const ours = (acr: string | null): string | null =>
    acr === null || acr === '' ? null : (Object.keys(theirs).find((level) => theirs[level] === acr) ?? null);
  const claims = (all: Readonly<Record<string, unknown>>) => claimsOf(given, all);
  const levelsFrom = (level: string) =>
    level === given.strongLevel ? [level, given.superiorLevel].filter(Boolean) : [level];
  const provider = { issuer, clientId, clientSecret, scope, algorithm };
  const bridge = oidcBridge({ ...provider, ...line, asksLevel: true, levelsFrom, claims });
  return {
    start: ({ level, ...request }) =>
      bridge.start({ ...request, level: level === null ? null : (theirs[level] ?? '') || null }),
    finish: async (callback, keep): Promise<BridgeResult> => {
      const result = await bridge.finish(callback, keep);
      if (result.outcome !== 'identified') return result;
      return { ...result, identity: { ...result.identity, level: ours(result.identity.level) } };
    },
  };
}

/** Both or none: a number of no type is nobody's, nor is a passport's without the state that issued it. */
function documentOf(type: string | undefined, given: string | undefined): { type: string; number: string } | null {
  if (type === undefined || given === undefined) return null;
  const document = canonicalDocument(type, given);
  return document.type === 'passport' && withoutState(document) === null ? null : document;
}

function claimsOf(given: Settings, claims: Readonly<Record<string, unknown>>): ExternalClaims {
  const text = (name: string): string | undefined => {
    const value = name === '' ? undefined : claims[name];
    return typeof value === 'string' && value.trim() !== '' && value.length <= 200 ? value : undefined;
  };
  const birthDate = text(given.birthDateClaim);
  const phone = text(given.phoneClaim);
  const document = documentOf(text(given.documentTypeClaim), text(given.documentNumberClaim));
  const found = {
    name: nameTold(text(given.nameClaim)) ?? undefined,
    latinName: nameTold(text(given.latinNameClaim)) ?? undefined,
    documentType: document?.type,
    documentNumber: document?.number,
    birthDate: birthDate !== undefined && z.iso.date().safeParse(birthDate).success ? birthDate : undefined,
    phone: phone !== undefined && /^\+[1-9]\d{6,14}$/.test(phone) ? phone : undefined,
    category: given.category === '' ? undefined : given.category,
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}
