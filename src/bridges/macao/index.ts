import { z } from 'zod';
import { upstreamProofs } from '../../assurance/worth.ts';
import { type Bridge, type BridgePorts, type BridgeResult, defineBridge } from '../bridge.ts';
import { oidcBridge } from '../oidc.ts';
import { claimsOf, VERIFIED } from './claims.ts';

const settings = z.object({
  issuer: z.url().max(200),
  clientId: z.string().min(1).max(200),
  clientSecret: z.string().min(16).max(200),
  /** The scopes that bring names and document. */
  scope: z
    .string()
    .regex(/^openid( [a-z_.:]{1,40}){0,9}$/)
    .default('openid profile'),
  algorithm: z.enum(['RS256', 'PS256', 'ES256', 'EdDSA']).default('ES256'),
});

const authentication = {
  // User name and password (account.gov.mo); whether more was asked is not told in a way that could be relied on.
  factors: ['knowledge'],
  userVerified: false,
  phishingResistant: false,
  deviceBound: false,
} as const;

/**
 * Macao's Common Access Account (一戶通, reference 6), over an ASSUMED interface: there is no public specification for
 * relying parties, so this is OpenID Connect by the book (docs/bridges/macao.md).
 */
export const macao = defineBridge({
  traits: {
    id: 'macao',
    region: 'macao',
    minutes: 2,
    levels: [
      { name: null, worth: { identity: null, authentication } },
      {
        name: VERIFIED,
        worth: {
          identity: upstreamProofs.macao.verified,
          authentication,
        },
      },
    ],
    identityOfAccount: true,
    asks: [],
    have: ['have.macaoAccount'],
  },
  settings,
  secrets: ['clientSecret'],
  open: openMacao,
});

function openMacao(given: z.infer<typeof settings>, ports: BridgePorts): Bridge {
  const { clock: _, ...line } = ports;
  const bridge = oidcBridge({ ...given, ...line, asksLevel: true, claims: claimsOf });
  return {
    start: (request) => bridge.start(request),
    finish: async (...given) => known(await bridge.finish(...given)),
  };
}

/** Whatever it calls the other kinds of account: only the explicit word for a checked one is a level (reference 6). */
function known(result: BridgeResult): BridgeResult {
  if (result.outcome !== 'identified' || result.identity.level === VERIFIED) return result;
  return { ...result, identity: { ...result.identity, level: null } };
}
