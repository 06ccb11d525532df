import type { JWK } from 'jose';
import { upstreamProofs } from '../../assurance/worth.ts';
import { type BridgeLevel, defineBridge } from '../bridge.ts';
import { FOREIGN } from './claims.ts';
import { ownKeys, publishedKeys } from './keys.ts';
import { singpassBridge } from './login.ts';
import { singpassSettings } from './settings.ts';

export { newKey, newKeySet } from './keys.ts';

const authentication = { userVerified: false, phishingResistant: false, deviceBound: false } as const;

/** loa:1 is a password of the staging environment and worth nothing: it is not in the list. */
const levels: readonly [BridgeLevel, ...BridgeLevel[]] = [
  { name: null, worth: { identity: null, authentication: null } },
  {
    name: FOREIGN,
    worth: {
      identity: upstreamProofs.singpass.foreign,
      authentication: { ...authentication, factors: ['possession', 'knowledge'] },
    },
  },
  {
    name: 'urn:singpass:authentication:loa:2',
    worth: {
      identity: upstreamProofs.singpass.loa2,
      authentication: { ...authentication, factors: ['possession', 'knowledge'] },
    },
  },
  {
    name: 'urn:singpass:authentication:loa:3',
    worth: {
      identity: upstreamProofs.singpass.loa3,
      authentication: { ...authentication, factors: ['possession', 'inherence'] },
    },
  },
];

export const singpass = defineBridge({
  traits: { id: 'singpass', region: 'singapore', minutes: 2, levels, asks: [], have: ['have.singpassApp'] },
  settings: singpassSettings,
  secrets: ['keys'],
  multiline: ['keys'],
  open: (settings, ports) => singpassBridge(settings, ownKeys(settings.keys), ports),
  publicKeys: ({ keys }) => publishedKeys(keys),
});

/** What has to stand at the address that we register there as our `jwks_uri`. @throws ZodError for settings that are not whole. */
export function singpassJwks(settings: unknown): { keys: JWK[] } {
  return publishedKeys(singpassSettings.parse(settings).keys);
}
