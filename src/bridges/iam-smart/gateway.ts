import { type KeyObject, randomUUID } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import { z } from 'zod';
import { callJson } from '../../lib/http.ts';
import type { BridgePorts } from '../bridge.ts';
import { INVALID_PARAMETER, KEY_GONE, SUCCESS } from './codes.ts';
import { type KeyPadding, openContent, openKey, sealContent, UntrustedContent } from './content.ts';
import { signedHeaders } from './signing.ts';

export interface GatewaySettings {
  /** Up to and without `/api/v1`. */
  readonly baseUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly key: KeyObject;
  readonly keyPadding: KeyPadding;
  readonly signatureForm: 'encoded' | 'plain';
}

export type GatewayAnswer = { readonly ok: true; readonly content: unknown } | { readonly ok: false; code: string };

/** One call whose body goes out, and whose answer comes back, encrypted. */
export type Gateway = (path: string, body: object) => Promise<GatewayAnswer>;

/** `message` in iAM Smart's samples and `msg` in CorpID's: neither is read, only the code counts. */
const envelope = z.object({ code: z.string().regex(/^D[0-9]{5}$/), content: z.unknown().optional() });
type Envelope = z.infer<typeof envelope>;

const keyContent = z.object({
  secretKey: z.string().min(64).max(2048),
  // One sample has a moment here, another one a duration (reference 4.1).
  expiresIn: z.number().positive(),
});

/** Errors come with 200 mostly; with these statuses their code is read, too. */
const alsoStatus = [400, 401, 403, 404, 413];

const ABSOLUTE = 1e12;
/** How much earlier than told a key is given up, and how long one is kept at most. */
const MARGIN_MS = 60_000;
const LONGEST_MS = 24 * 3_600_000;

/**
 * The gateway's POST calls: signed with HMAC over the very body, bodies under a content key that it hands out. The key is no
 * state of ours: lost, it is asked for again.
 */
export function gateway(settings: GatewaySettings, { clock, ...line }: BridgePorts): Gateway {
  let held: Promise<ContentKey> | null = null;
  let last = 0;
  const forget = (asked: Promise<ContentKey>) => {
    if (held === asked) held = null;
  };

  /** Never back, even when the machine's clock is put right: the gateway refuses what is older than the last call. */
  function timestamp(): string {
    last = Math.max(last, clock().getTime());
    return String(last);
  }

  async function post(path: string, body: string): Promise<Envelope> {
    for (let turn = 1; ; turn += 1) {
      const call = { clientId: settings.clientId, secret: settings.clientSecret, body };
      const headers = signedHeaders({ ...call, timestamp: timestamp(), nonce: randomUUID() }, settings.signatureForm);
      const answer = await callJson({
        url: `${settings.baseUrl.replace(/\/$/, '')}/api/v1${path}`,
        method: 'POST',
        headers: { ...headers, ...(body === '' ? {} : { 'content-type': 'application/json' }) },
        ...(body === '' ? {} : { body }),
        schema: envelope,
        alsoStatus,
        ...line,
      });
      // Calls of one client that overtake each other on the way are told apart by nothing else; the refused one has done nothing yet.
      if (answer.code !== INVALID_PARAMETER || turn === TURNS) return answer;
      await after(20 * turn);
    }
  }

  /** @throws Refused, with the gateway's code */
  async function newKey(): Promise<ContentKey> {
    const answer = await post('/security/getKey', '');
    if (answer.code !== SUCCESS) throw new Refused(answer.code);
    const told = keyContent.safeParse(answer.content);
    if (!told.success) throw new UntrustedContent('content key of another shape');
    const bytes = openKey(settings.key, told.data.secretKey, settings.keyPadding);
    const now = clock().getTime();
    const { expiresIn } = told.data;
    const until = Math.min(expiresIn > ABSOLUTE ? expiresIn : now + expiresIn, now + LONGEST_MS) - MARGIN_MS;
    return { bytes, until: Math.max(until, now + 1000) };
  }

  /** One question for all who wait; a failure is nobody's key. */
  async function contentKey(): Promise<{ asked: Promise<ContentKey>; key: Buffer }> {
    const asked = held ?? newKey();
    held = asked;
    asked.catch(() => forget(asked));
    const { bytes, until } = await asked;
    if (clock().getTime() < until) return { asked, key: bytes };
    forget(asked);
    return contentKey();
  }

  async function exchange(path: string, body: object): Promise<GatewayAnswer> {
    for (let turn = 1; ; turn += 1) {
      const { asked, key } = await contentKey();
      const answer = await post(path, JSON.stringify({ content: sealContent(key, JSON.stringify(body)) }));
      if (answer.code === KEY_GONE && turn === 1) {
        forget(asked);
        continue;
      }
      if (answer.code !== SUCCESS) return { ok: false, code: answer.code };
      try {
        if (typeof answer.content !== 'string') throw new UntrustedContent('no encrypted content');
        return { ok: true, content: openContent(key, answer.content) };
      } catch (error) {
        // Perhaps it has changed the key without a word: the next sign-in asks for it anew.
        forget(asked);
        throw error;
      }
    }
  }

  return async (path, body) => {
    try {
      return await exchange(path, body);
    } catch (error) {
      if (error instanceof Refused) return { ok: false, code: error.code };
      throw error;
    }
  };
}

interface ContentKey {
  readonly bytes: Buffer;
  readonly until: number;
}

/** How often a call is sent that others of ours overtook. */
const TURNS = 3;

class Refused extends Error {
  readonly code: string;
  constructor(code: string) {
    super(`code ${code}`);
    this.code = code;
  }
}
