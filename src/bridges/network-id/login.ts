import { z } from 'zod';
import { newId, timingSafeEqualStrings } from '../../lib/crypto.ts';
import { ShiminError } from '../../lib/errors.ts';
import type { Bridge, BridgePorts, BridgeRefusal, BridgeResult, ExternalClaims } from '../bridge.ts';
import { openInformation } from './information.ts';
import { modes, modeWith, partsOf, wanted, withInformation } from './modes.ts';
import { platform } from './platform.ts';
import type { NetworkIdSettings } from './settings.ts';

const kept = z.strictObject({
  state: z.string(),
  bizSeq: z.string(),
  mode: z.enum(modes),
  information: z.boolean(),
});

const sealed = z.string().regex(/^[\w.+/=-]{8,2000}$/);
/** What the app comes back with, each once. */
const callbackSchema = z.object({
  state: z.string(),
  resultCode: z.string().regex(/^C[0-9]{7}$/),
  bizSeq: z.string().optional(),
  idCardAuthData: sealed.optional(),
  certPwdData: sealed.optional(),
  photoEncData: sealed.optional(),
});

const GOOD = 'C0000000';
const CANCELLED = 'C0412001';

/** The app shows the credential and gives it sealed; the platform says whether it is good, and who it is to us. */
export function networkIdBridge(settings: NetworkIdSettings, ports: BridgePorts): Bridge {
  const check = platform(settings, ports);
  return {
    async start({ redirectUri, state, level, locale }) {
      const bizSeq = newId().replaceAll('-', '');
      const { mode, information } = wanted(level);
      const { password, face } = partsOf[mode];
      const url = new URL(settings.appUrl);
      const parameters = {
        orgID: settings.orgCode,
        appID: settings.appId,
        bizSeq,
        type: password ? '1' : '0',
        face: face ? '1' : '0',
        info: information ? '1' : '0',
        redirectUrl: redirectUri,
        state,
        lang: locale,
      };
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      return { outcome: 'started', url: url.href, keep: { state, bizSeq, mode, information } };
    },
    async finish(callback, keep) {
      const own = kept.parse(keep);
      const back = once(callback.searchParams);
      if (back === null || !timingSafeEqualStrings(back.state, own.state))
        return refused('answer_invalid', 'not the answer of this request');
      const { resultCode, bizSeq, idCardAuthData, certPwdData, photoEncData } = back;
      if (resultCode === CANCELLED) return refused('cancelled', `app ${resultCode}`);
      // No app on this device (C0412002), or whatever else it could not do.
      if (resultCode !== GOOD) return refused('denied', `app ${resultCode}`);
      if (bizSeq !== own.bizSeq || idCardAuthData === undefined)
        return refused('answer_invalid', 'not what the app was asked for');
      const asked = partsOf[own.mode];
      const came = { password: certPwdData !== undefined, face: photoEncData !== undefined };
      if ((came.password && !asked.password) || (came.face && !asked.face))
        return refused('answer_invalid', 'more than the app was asked for');
      // Who left password or face away has shown less, and that is what counts.
      const mode = modeWith(came);
      const shown = { bizSeq, mode, information: own.information, idCardAuthData, certPwdData, photoEncData };
      try {
        const found = await check(shown);
        if (found.outcome === 'refused') return refused(found.reason, found.why);
        // Told although we did not ask: not even opened.
        const told = own.information ? found.information : null;
        const claims = told === null ? {} : await openInformation(told, settings.infoKey, bizSeq);
        if (claims === null) return refused('answer_invalid', 'information that is not for us');
        return {
          outcome: 'identified',
          identity: {
            subjects: [{ part: 'appNetId', of: [settings.orgCode, settings.appId, found.subject] }],
            level: isNamed(claims) ? withInformation(mode) : mode,
            methods: [...(came.password ? ['pin'] : []), ...(came.face ? ['face'] : [])],
            authTime: found.at,
            claims,
          },
        };
      } catch (error) {
        if (!(error instanceof ShiminError) || !error.code.startsWith('upstream_')) throw error;
        return { outcome: 'unavailable', retryAfter: error.retryAfter ?? 30, cause: error };
      }
    },
  };
}

const isNamed = ({ name, documentNumber }: ExternalClaims) => name !== undefined && documentNumber !== undefined;

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
