import type { BridgeCap } from '../assurance/bridge-worth.ts';
import { alipay } from './alipay/index.ts';
import type { Bridge, BridgeModule, BridgeTraits } from './bridge.ts';
import { carrier } from './carrier/index.ts';
import { guangdong } from './guangdong/index.ts';
import { iamSmart } from './iam-smart/index.ts';
import { macao } from './macao/index.ts';
import { networkId } from './network-id/index.ts';
import { openid } from './openid/index.ts';
import { singpass } from './singpass/index.ts';
import { twFido } from './tw-fido/index.ts';
import { wechat } from './wechat/index.ts';

/** Every bridge there is: one line each. */
export const bridgeModules: readonly BridgeModule[] = [
  alipay,
  carrier,
  guangdong,
  iamSmart,
  macao,
  networkId,
  openid,
  singpass,
  twFido,
  wechat,
];

/** A bridge that is set up and switched on. */
export interface OpenBridge {
  readonly traits: BridgeTraits;
  /** Opens accounts, or only adds proof to them. */
  readonly use: 'sign_in' | 'link_only';
  readonly cap: BridgeCap | null;
  /** False while nobody asks it because it does not answer. */
  readonly healthy: boolean;
  readonly bridge: Bridge;
}

/** The areas' view of all bridges; the composition root binds it to their settings. */
export interface BridgeDoor {
  /** Those that are set up and on. */
  list(): Promise<readonly OpenBridge[]>;
  /** @throws ShiminError `bridge_off` for one that is switched off, or never was set up. */
  get(id: string): Promise<OpenBridge>;
  /** The public keys that an upstream reads here; null: it reads none, or is not set up. */
  publicKeys(id: string): Promise<object | null>;
}
