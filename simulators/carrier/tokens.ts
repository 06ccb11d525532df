import { randomBytes } from 'node:crypto';
import type { Carrier } from './subscribers.ts';

export interface Token {
  readonly carrier: Carrier;
  /** Id of the line that it was made over. */
  readonly line: string;
  readonly at: number;
}

const lifetimeMs = 120_000;

/** Tokens of the phone's network: for one carrier, for two minutes, once. */
export function tokenStore() {
  const tokens = new Map<string, Token>();
  return {
    give(carrier: Carrier, line: string): string {
      const token = `${carrier === 'CMCC' ? 'STsid' : carrier.toLowerCase()}${randomBytes(20).toString('hex')}`;
      tokens.set(token, { carrier, line, at: Date.now() });
      return token;
    },
    /** Null when it is unknown to this carrier, too old, or was taken before. */
    take(token: string, carrier: Carrier): Token | null {
      const found = tokens.get(token);
      if (found?.carrier !== carrier) return null;
      tokens.delete(token);
      return Date.now() - found.at < lifetimeMs ? found : null;
    },
  };
}
export type TokenStore = ReturnType<typeof tokenStore>;
