import { readFileSync } from 'node:fs';
import type { Carrier, Network } from './subscribers.ts';
import type { TokenStore } from './tokens.ts';

interface KeyPair {
  readonly public: string;
  readonly private: string;
}
export const keys: Readonly<Record<'telecom' | 'unicom' | 'app' | 'stranger', KeyPair>> = JSON.parse(
  readFileSync(new URL('./demo-keys.json', import.meta.url), 'utf8'),
);

/** The app as each carrier knows it. */
export const apps = {
  page: { id: 'shimin-h5' },
  CMCC: { id: '300011111111', key: 'demo-cmcc-app-key' },
  CTCC: { id: '8025431111', secret: 'demo-ctcc-app-secret' },
  CUCC: { id: '1554778160000' },
} as const;

/** Answers to an exchange that arrive in good order and are wrong, or say no. */
export const exchangeFaults = [
  'other_request',
  'stale',
  'ahead',
  'time_missing',
  'number_masked',
  'number_foreign',
  'number_missing',
  'open_id_missing',
  'open_id_blank',
  'signature',
  'unsigned',
  'altered',
  'other_key',
  'member_twice',
  'token_gone',
  'no_number',
  'app_unknown',
  'sign_wrong',
  'busy',
  'code_unknown',
  'code_missing',
] as const;
export type ExchangeFault = (typeof exchangeFaults)[number];

/** Why an exchange says no; each carrier has its own code for it. */
export type No = 'token_gone' | 'no_number' | 'app_unknown' | 'sign_wrong' | 'form' | 'late' | 'busy' | 'code_unknown';

export interface Told {
  readonly mobile?: string | undefined;
  readonly openId?: string | undefined;
  readonly request: string;
  readonly at: number;
}

export interface Desk {
  readonly network: Network;
  readonly tokens: TokenStore;
  /** Ids of requests that were answered. */
  readonly requests: Set<string>;
}

const nos: readonly No[] = ['token_gone', 'no_number', 'app_unknown', 'sign_wrong', 'busy', 'code_unknown'];

/** The number and name for a token, or why not; spoilt as the fault wants it. */
export function exchanged(
  { network, tokens }: Desk,
  asked: { carrier: Carrier; appId: string; token: string; request: string },
  fault: ExchangeFault | null,
): Told | No {
  const forced = nos.find((no) => no === fault);
  const token = tokens.take(asked.token, asked.carrier);
  const line = token && network.byId(token.line);
  if (forced !== undefined) return forced;
  if (!line || line.carrier !== asked.carrier) return 'token_gone';
  // The SIM was taken out of service between the tap and now.
  if (line.status !== 0) return 'no_number';
  const honest: Told = {
    mobile: line.phone,
    openId: network.openIdOf(line, asked.appId),
    request: asked.request,
    at: Date.now(),
  };
  return spoilt(honest, fault);
}

function spoilt(told: Told, fault: ExchangeFault | null): Told {
  switch (fault) {
    case 'other_request':
      return { ...told, request: '0123456789abcdef0123456789abcdef' };
    case 'stale':
      return { ...told, at: told.at - 3_600_000 };
    case 'ahead':
      return { ...told, at: told.at + 3_600_000 };
    case 'time_missing':
      return { ...told, at: Number.NaN };
    case 'number_masked':
      return { ...told, mobile: told.mobile?.replace(/^(\d{3})\d{4}/, '$1****') };
    case 'number_foreign':
      return { ...told, mobile: '91234567' };
    case 'number_missing':
      return { ...told, mobile: undefined };
    case 'open_id_missing':
      return { ...told, openId: undefined };
    case 'open_id_blank':
      return { ...told, openId: '        ' };
    default:
      return told;
  }
}
