import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { ShiminError } from '../../lib/errors.ts';
import { callJson } from '../../lib/http.ts';
import { pemsIn } from '../../lib/pem.ts';
import { parseStrictJson } from '../../lib/strict-json.ts';
import type { BridgePorts, BridgeRefusal } from '../bridge.ts';
import { type Mode, resultFor } from './modes.ts';
import type { NetworkIdSettings } from './settings.ts';

/** What the app gave us for the platform; sealed for it, and nothing to us. */
export interface Shown {
  readonly bizSeq: string;
  readonly mode: Mode;
  readonly information: boolean;
  readonly idCardAuthData: string;
  readonly certPwdData?: string | undefined;
  readonly photoEncData?: string | undefined;
}

export type Checked =
  | {
      readonly outcome: 'good';
      /** 网络身份应用标识: the person's name for us alone. */
      readonly subject: string;
      readonly at: Date;
      /** JWE for our `infoKey`; null: nothing was told. */
      readonly information: string | null;
    }
  | { readonly outcome: 'refused'; readonly reason: BridgeRefusal; readonly why: string };

const envelope = z.object({ bizPackage: z.string().max(20_000), sign: z.string().max(2_000) });
const word = z.string().max(200);
const packageSchema = z.object({
  orgCode: word,
  appId: word,
  bizSeq: word,
  resultCode: word,
  authMode: word.optional(),
  authResult: word.optional(),
  authTime: z.number().int().optional(),
  appNetId: word.optional(),
  userInfo: z.string().max(8_000).optional(),
});
type Package = z.infer<typeof packageSchema>;

const GOOD = 'C0000000';
const reasons: Readonly<Record<string, BridgeRefusal>> = {
  // What the app gave is unknown, used, too old, or was made for another request.
  C0302001: 'expired',
  // The credential was given up or blocked; its password or the face is not right.
  C0303001: 'denied',
  C0304001: 'denied',
  C0305001: 'denied',
  // Form, repeated number, signature, organisation: we are set up wrongly.
  C0301001: 'denied',
  C0301002: 'denied',
  C0401001: 'denied',
  C0401002: 'denied',
};
const BUSY = 'C0999001';

/** Minutes by which the platform's clock may differ, the call itself included. */
const APART_MS = 5 * 60_000;
/** A subject is opaque; one that looks like a document number is not taken for a name (reference 10: a pseudonym). */
const subjectForm = /^(?![0-9]{15,18}[Xx]?$)[\w+/=-]{16,128}$/;

/** The platform's server: both sides sign the text of their package as it goes out. */
export function platform(settings: NetworkIdSettings, ports: BridgePorts) {
  const own = createPrivateKey(settings.signKey);
  const theirs = pemsIn(settings.platformKeys).map((pem) => createPublicKey(pem));

  /** @throws ShiminError `upstream_*` where it fails rather than refuses. */
  return async function check(shown: Shown): Promise<Checked> {
    const { orgCode, appId, appName, serverUrl } = settings;
    const { bizSeq, mode, information, idCardAuthData, certPwdData, photoEncData } = shown;
    const now = ports.clock();
    const bizPackage = JSON.stringify({
      orgCode,
      appId,
      appName,
      bizSeq,
      authMode: mode,
      idCardAuthData,
      certPwdData,
      photoEncData,
      infoScope: information ? 'name,number,birthDate' : '',
      timeStamp: now.getTime(),
    });
    const answer = await callJson({
      url: serverUrl,
      method: 'POST',
      json: { bizPackage, sign: sign('sha256', Buffer.from(bizPackage), own).toString('base64') },
      schema: envelope,
      upstream: ports.upstream,
      allowLoopback: ports.allowLoopback,
      ...(ports.timeoutMs === undefined ? {} : { timeoutMs: ports.timeoutMs }),
    });
    const signature = Buffer.from(answer.sign, 'base64');
    if (!theirs.some((key) => verify('sha256', Buffer.from(answer.bizPackage), key, signature)))
      return invalid('not signed by the platform');
    const json = parseStrictJson(answer.bizPackage);
    const parsed = packageSchema.safeParse(json.ok ? json.value : null);
    if (!parsed.success) return invalid('a package of another shape');
    return judge(parsed.data, { orgCode, appId, bizSeq, mode }, now);
  };
}

function judge(
  told: Package,
  asked: { orgCode: string; appId: string; bizSeq: string; mode: Mode },
  now: Date,
): Checked {
  const { resultCode, appNetId = '', authTime, userInfo } = told;
  if (told.orgCode !== asked.orgCode || told.appId !== asked.appId) return invalid('the answer to somebody else');
  if (told.bizSeq !== asked.bizSeq) return invalid('the answer to another request');
  const reason = Object.hasOwn(reasons, resultCode) ? reasons[resultCode] : undefined;
  if (reason !== undefined) return { outcome: 'refused', reason, why: resultCode };
  if (resultCode !== GOOD) throw failing(resultCode);
  if (told.authMode !== asked.mode) return invalid('another mode than was asked');
  if (told.authResult !== resultFor(asked.mode)) return invalid('a result that contradicts itself');
  const at = new Date(authTime ?? Number.NaN);
  if (!(Math.abs(at.getTime() - now.getTime()) <= APART_MS)) return invalid('an answer of another time');
  if (!subjectForm.test(appNetId)) return invalid('no usable subject');
  return { outcome: 'good', subject: appNetId, at, information: userInfo ?? null };
}

const invalid = (why: string): Checked => ({ outcome: 'refused', reason: 'answer_invalid', why });

const failing = (code: string) =>
  new ShiminError('upstream_unavailable', {
    status: 503,
    message: `upstream failed with ${code}`,
    detail: { code, upstream: 'network-id' },
    retryAfter: code === BUSY ? 60 : 30,
  });
