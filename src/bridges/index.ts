import type { BridgeModule } from './bridge.ts';

/** Every bridge there is: one line each. */
export const bridgeModules: readonly BridgeModule[] = [];
