import { alipayUpstream } from './alipay/service.ts';
import { carrierUpstream } from './carrier/service.ts';
import { exitEntryUpstream } from './exit-entry/service.ts';
import { guangdongUpstream } from './guangdong/service.ts';
import { iamSmartUpstream } from './iam-smart/service.ts';
import type { UpstreamFactory } from './lib/upstream.ts';
import { macaoUpstream } from './macao/service.ts';
import { networkIdUpstream } from './network-id/service.ts';
import { openidUpstream } from './openid/service.ts';
import { singpassUpstream } from './singpass/service.ts';
import { twFidoUpstream } from './tw-fido/service.ts';
import { unionpayUpstream } from './unionpay/service.ts';
import { weChatUpstream } from './wechat/service.ts';

/** Every simulated upstream beyond the city's own register, face service and gateway: one line each. */
export const upstreamFactories: readonly UpstreamFactory[] = [
  alipayUpstream,
  carrierUpstream,
  exitEntryUpstream,
  guangdongUpstream,
  iamSmartUpstream,
  macaoUpstream,
  networkIdUpstream,
  openidUpstream,
  singpassUpstream,
  twFidoUpstream,
  unionpayUpstream,
  weChatUpstream,
];
