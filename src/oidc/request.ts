import { z } from 'zod';
import { askedFor, type Release } from '../assurance/release.ts';
import type { AcrRequest } from '../assurance/requirement.ts';

const acrMember = z
  .object({ essential: z.boolean().optional(), value: z.string().optional(), values: z.array(z.string()).optional() })
  .nullable();
const claimsParameter = z.object({ id_token: z.object({ acr: acrMember.optional() }).optional() });

/**
 * What an authorization request asks of the level: `acr_values`, `acr` in the `claims` parameter, `max_age`, `prompt`
 * (OpenID Connect Core 3.1.2.1, 5.5.1.1), and what it asks it for: `scope`, `resource` (RFC 8707 section 2) and our own
 * `action`, names that the policy may hold to a level of their own; several are separated by blanks. The engine has already checked the shapes; what it would refuse is ignored here.
 */
export function acrRequest(params: Readonly<Record<string, unknown>>): AcrRequest {
  const words = (value: unknown) => (typeof value === 'string' ? value.split(' ').filter(Boolean) : []);
  const acr = acrInClaims(params.claims);
  const maxAge = params.max_age === undefined || params.max_age === '' ? undefined : Number(params.max_age);
  return {
    acrValues: words(params.acr_values),
    ...(acr ? { claimsAcr: acr } : undefined),
    ...(maxAge !== undefined && Number.isFinite(maxAge) ? { maxAge } : undefined),
    prompt: words(params.prompt),
    scopes: words(params.scope),
    resources: words(params.resource),
    actions: words(params.action),
  };
}

function acrInClaims(raw: unknown): { essential: boolean; values: string[] } | undefined {
  const claims = claimsParameter.safeParse(parsed(raw));
  const acr = claims.success ? claims.data.id_token?.acr : undefined;
  if (!acr) return undefined;
  const values = acr.values ?? (acr.value === undefined ? [] : [acr.value]);
  return { essential: acr.essential === true, values };
}

/** What an authorization request asks to be told, or to do. The engine has checked the JSON of `claims`. */
export function requestedRelease(params: Readonly<Record<string, unknown>>): Release {
  return askedFor(typeof params.scope === 'string' ? params.scope : '', parsed(params.claims));
}

function parsed(raw: unknown): unknown {
  if (typeof raw !== 'string') return undefined;
  try {
    return JSON.parse(raw);
  } catch {
    return undefined;
  }
}
