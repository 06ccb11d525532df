import type { JWK } from 'jose';
import { type BridgeLevel, defineBridge } from '../bridge.ts';
import { FOREIGN } from './claims.ts';
import { ownKeys, publishedKeys } from './keys.ts';
import { singpassBridge } from './login.ts';
import { singpassSettings } from './settings.ts';

export { newKey, newKeySet } from './keys.ts';

const told = ['name', 'document_number'];
const authentication = { userVerified: false, phishingResistant: false, deviceBound: false } as const;

/** loa:1 is a password of the staging environment and worth nothing: it is not in the list. */
const levels: readonly [BridgeLevel, ...BridgeLevel[]] = [
  { name: null, worth: { identity: null, authentication: null } },
  {
    // Opened on a foreign document and not on the word of a Singapore register.
    name: FOREIGN,
    worth: {
      identity: { strength: 'fair', confirms: ['name'] },
      authentication: { ...authentication, factors: ['possession', 'knowledge'] },
    },
  },
  {
    name: 'urn:singpass:authentication:loa:2',
    worth: {
      identity: { strength: 'strong', confirms: told },
      authentication: { ...authentication, factors: ['possession', 'knowledge'] },
    },
  },
  {
    name: 'urn:singpass:authentication:loa:3',
    worth: {
      identity: { strength: 'superior', confirms: [...told, 'photo', 'liveness'] },
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
