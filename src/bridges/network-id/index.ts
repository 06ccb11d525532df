import type { AuthenticationWorth, IdentityWorth } from '../../assurance/bridge-worth.ts';
import { upstreamProofs } from '../../assurance/worth.ts';
import { type BridgeLevel, defineBridge } from '../bridge.ts';
import { networkIdBridge } from './login.ts';
import { type Mode, withInformation } from './modes.ts';
import { networkIdSettings } from './settings.ts';

const { named: real, present } = upstreamProofs['network-id'];

const factors = {
  R01: ['possession'],
  R02: ['possession', 'knowledge'],
  R03: ['possession', 'inherence'],
  R04: ['possession', 'knowledge', 'inherence'],
} as const satisfies Record<Mode, AuthenticationWorth['factors']>;

const shown = (mode: Mode): AuthenticationWorth => ({
  factors: factors[mode],
  userVerified: false,
  phishingResistant: false,
  deviceBound: false,
});
const pseudonym = (mode: Mode): BridgeLevel => ({
  name: mode,
  worth: { identity: null, authentication: shown(mode) },
});
const named = (mode: Mode, identity: IdentityWorth): BridgeLevel => ({
  name: withInformation(mode),
  worth: { identity, authentication: shown(mode) },
});

/**
 * National Network Identity Authentication (国家网络身份认证公共服务: 网号, 网证), by the Ministry of Public Security. The person is a
 * pseudonym of ours alone, unless they let it tell us more.
 */
export const networkId = defineBridge({
  traits: {
    id: 'network-id',
    region: 'mainland',
    minutes: 2,
    levels: [
      { name: null, worth: { identity: null, authentication: null } },
      pseudonym('R01'),
      pseudonym('R02'),
      pseudonym('R03'),
      pseudonym('R04'),
      named('R01', real),
      named('R02', real),
      named('R03', present),
      named('R04', present),
    ],
    asks: [],
    have: ['have.networkIdApp'],
  },
  settings: networkIdSettings,
  secrets: ['signKey', 'infoKey'],
  multiline: ['signKey', 'infoKey', 'platformKeys'],
  open: networkIdBridge,
});
