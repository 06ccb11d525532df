import { z } from 'zod';
import { timingSafeEqualStrings } from '../../lib/crypto.ts';
import { ShiminError } from '../../lib/errors.ts';
import type { Bridge, BridgePorts, BridgeRefusal, BridgeResult } from '../bridge.ts';
import type { Exchange } from './exchange.ts';
import { chinaMobile, type MobileSettings } from './mobile.ts';
import { chinaTelecom, type TelecomSettings } from './telecom.ts';
import { chinaUnicom, type UnicomSettings } from './unicom.ts';

interface OneTapSettings extends MobileSettings, TelecomSettings, UnicomSettings {
  readonly pageUrl: string;
  readonly pageAppId: string;
}

const kept = z.strictObject({ state: z.string() });

/** What the page comes back with, each once. */
const callbackSchema = z.object({
  state: z.string(),
  resultCode: z.string().regex(/^[0-9]{6}$/),
  operator: z.enum(['CMCC', 'CTCC', 'CUCC']).optional(),
  token: z
    .string()
    .regex(/^[\w.~+/=-]{8,512}$/)
    .optional(),
});

/** Codes of the carriers' SDKs: the person turned back; the network did not answer in time. */
const CANCELLED = '200020';
const late = ['102101', '102507', '200022', '200023'];

/** The page reads the number and gives a token; the carrier that the page names is asked whose it is. */
export function oneTap(settings: OneTapSettings, ports: BridgePorts): Bridge {
  const carriers: Readonly<Record<'CMCC' | 'CTCC' | 'CUCC', { appId: string; exchange: Exchange }>> = {
    CMCC: { appId: settings.cmccAppId, exchange: chinaMobile(settings, ports) },
    CTCC: { appId: settings.ctccAppId, exchange: chinaTelecom(settings, ports) },
    CUCC: { appId: settings.cuccAppId, exchange: chinaUnicom(settings, ports) },
  };
  return {
    async start({ redirectUri, state, locale }) {
      const url = new URL(settings.pageUrl);
      const parameters = { appId: settings.pageAppId, redirectUrl: redirectUri, state, lang: locale };
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      return { outcome: 'started', url: url.href, keep: { state } };
    },
    async finish(callback, keep) {
      const own = kept.parse(keep);
      const back = once(callback.searchParams);
      if (back === null || !timingSafeEqualStrings(back.state, own.state))
        return refused('answer_invalid', 'not the answer of this request');
      const { resultCode, operator, token } = back;
      if (resultCode === CANCELLED) return refused('cancelled', `SDK ${resultCode}`);
      if (late.includes(resultCode)) return { outcome: 'unavailable', retryAfter: 5 };
      // No SIM, no mobile data, a number that can't be read: another way in is needed.
      if (resultCode !== '103000') return refused('denied', `SDK ${resultCode}`);
      if (operator === undefined || token === undefined) return refused('answer_invalid', 'no token');
      const { appId, exchange } = carriers[operator];
      try {
        const found = await exchange(token);
        if (found.outcome === 'refused') return refused(found.reason, found.why);
        const { mobile, openId, at } = found;
        return {
          outcome: 'identified',
          identity: {
            // Never the number: it is given to others. The carrier's name of the subscription is not.
            subjects: [{ part: 'openid', of: [operator, appId, openId] }],
            level: null,
            methods: [],
            authTime: at,
            claims: { phone: `+86${mobile}` },
          },
        };
      } catch (error) {
        if (!(error instanceof ShiminError) || !error.code.startsWith('upstream_')) throw error;
        return { outcome: 'unavailable', retryAfter: error.retryAfter ?? 30, cause: error };
      }
    },
  };
}

/** Null when something is there twice, or is not what it should be. */
function once(query: URLSearchParams): z.infer<typeof callbackSchema> | null {
  const names = [...query.keys()];
  if (new Set(names).size !== names.length) return null;
  return callbackSchema.safeParse(Object.fromEntries(query)).data ?? null;
}

const refused = (reason: BridgeRefusal, why: string): BridgeResult => ({
  outcome: 'refused',
  reason,
  cause: new Error(why),
});
