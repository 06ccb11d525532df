import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import type { Log } from './lib/log.ts';
import { loadKeySet } from './oidc/keys.ts';
import { createProvider, type ProviderDeps } from './oidc/provider.ts';
import { keyEpoch } from './storage/signing-keys.ts';

/** The provider of the moment. Key rotation makes a new one over the same store and swaps it in. */
export interface Engine {
  readonly provider: Provider;
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>;
  /** Takes up rotated keys; true when there were any. */
  refresh(): Promise<boolean>;
  close(): void;
}

export async function startEngine(
  deps: Omit<ProviderDeps, 'keys'> & { log: Log; observe: (provider: Provider) => void },
  pollMilliseconds = 2_000,
): Promise<Engine> {
  const make = async () => {
    const keys = await loadKeySet(deps.db, deps.keyring);
    const provider = createProvider({ ...deps, keys });
    deps.observe(provider);
    return { provider, epoch: keys.epoch, handle: provider.callback() };
  };
  let current = await make();
  const refresh = async () => {
    if ((await keyEpoch(deps.db)) === current.epoch) return false;
    current = await make();
    deps.log.info({ epoch: current.epoch }, 'signing keys taken up');
    return true;
  };
  const timer = setInterval(() => {
    refresh().catch((error: unknown) => deps.log.warn({ err: error }, 'looking for rotated keys failed'));
  }, pollMilliseconds);
  timer.unref();
  return {
    get provider() {
      return current.provider;
    },
    handle: (req, res) => current.handle(req, res),
    refresh,
    close: () => clearInterval(timer),
  };
}
