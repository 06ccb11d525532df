import { randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { ShiminError } from '../../lib/errors.ts';
import type { Bridge, BridgeRefused, BridgeResult, BridgeUnavailable } from '../bridge.ts';
import { type Trust, UntrustedCertificate } from './certificates.ts';
import { checksumOf, fitsChecksum } from './checksum.ts';
import { isPending, outcomeOf } from './codes.ts';
import { claimsOf, judge, UntrustedAnswer } from './judge.ts';
import { type Revocation, RevocationUnknown } from './revocation.ts';
import { type Service, signResult, ticketResult } from './service.ts';
import { appLink, ticketIdOf } from './ticket.ts';

/** The only level there is: whoever has the app holds a citizen's card. */
export const CITIZEN = 'moica';

export interface LoginSettings {
  readonly spServiceId: string;
  readonly key: Buffer;
  readonly appUrl: string;
  readonly hint: string;
  /** Whether the service's own checksums count besides the signature. */
  readonly idpChecksum: 'checked' | 'ignored';
}

const OP_CODE = 'ATH';
/** Seconds; ten minutes is the longest they allow, and people look for the app. */
const TIME_LIMIT = 300;
/** Not faster than every four seconds, by their clock: one more than that for calls that catch up with each other. */
const EVERY = 5;

const asks = z.object({ number: z.string().regex(/^[A-Z][12][0-9]{8}$/) });
const kept = z.object({
  transactionId: z.string(),
  ticketId: z.string(),
  number: z.string(),
  /** Base64. */
  signData: z.string(),
});

export function twFidoBridge(
  settings: LoginSettings,
  ask: Service,
  parts: { readonly trust: Trust; readonly revocation: Revocation; readonly clock: Clock },
): Bridge {
  const { spServiceId, key, hint } = settings;
  const { trust, revocation, clock } = parts;
  // The real app has an address of its own; a page that stands for it can be opened on any device.
  const isPage = /^https?:/.test(settings.appUrl);

  return {
    async start({ redirectUri, state, sameDevice, input }) {
      const { number } = asks.parse(input);
      const transactionId = randomUUID();
      const opMode = sameDevice ? 'MWEB2APP' : 'I-SCAN';
      // Not signed before, and good for this transaction alone.
      const signData = Buffer.from(`${spServiceId}\n${transactionId}\n${randomBytes(16).toString('hex')}`).toString(
        'base64',
      );
      const payload = transactionId + spServiceId + number + OP_CODE + opMode + hint + signData;
      return guarded(async () => {
        // Without the lists nobody could be let in at the end: better said before than after.
        await revocation.prepare();
        const answer = await ask('getSpTicket', {
          transaction_id: transactionId,
          sp_service_id: spServiceId,
          sp_checksum: checksumOf(key, payload),
          id_num: number,
          op_code: OP_CODE,
          op_mode: opMode,
          hint,
          time_limit: String(TIME_LIMIT),
          sign_info: { sign_type: 'PKCS#1', sign_data: signData, tbs_encoding: 'base64', hash_algorithm: 'SHA256' },
        });
        if (!answer.ok) return outcomeOf(answer.code);
        const told = ticketResult.safeParse(answer.result);
        if (!told.success) throw new UntrustedAnswer('ticket of another shape');
        const { sp_ticket: ticket, idp_checksum: checksum } = told.data;
        checkChecksum(ticket, checksum ?? null);
        const ticketId = ticketIdOf(ticket, { transactionId, opCode: OP_CODE });
        if (ticketId === null) throw new UntrustedAnswer('ticket of another transaction');
        const returnTo = new URL(redirectUri);
        returnTo.searchParams.set('state', state);
        const back = { returnTo: returnTo.href, value: transactionId };
        const link = appLink(settings.appUrl, ticket, back);
        return {
          outcome: 'waiting',
          waiting: {
            link: sameDevice || isPage ? link : null,
            qr: sameDevice ? null : appLink(settings.appUrl, ticket, null),
            every: EVERY,
            until: new Date(clock().getTime() + TIME_LIMIT * 1000),
          },
          keep: { transactionId, ticketId, number, signData },
        };
      });
    },

    // Nobody is sent back with an answer in the address: whoever calls with one made it up.
    finish: () => Promise.resolve(refused('answer_invalid', 'no answer comes this way')),

    async poll(keep) {
      const { transactionId, ticketId, number, signData } = kept.parse(keep);
      return guarded<BridgeResult | { outcome: 'pending' }>(async () => {
        const answer = await ask('getAthOrSignResult', {
          transaction_id: transactionId,
          sp_service_id: spServiceId,
          sp_ticket_id: ticketId,
          sp_checksum: checksumOf(key, transactionId + spServiceId + ticketId),
        });
        if (!answer.ok) return isPending(answer.code) ? { outcome: 'pending' } : outcomeOf(answer.code);
        const told = signResult.safeParse(answer.result);
        if (!told.success) throw new UntrustedAnswer('result of another shape');
        const { hashed_id_num: hashed, signed_response: signed, cert, idp_checksum: checksum } = told.data;
        checkChecksum(hashed + signed + cert, checksum ?? null);
        const asked = { number, toBeSigned: Buffer.from(signData, 'base64') };
        const citizen = judge(told.data, asked, trust, clock());
        if (await revocation.isRevoked(citizen.certificate, citizen.issuer))
          return refused('denied', 'certificate is revoked');
        return {
          outcome: 'identified',
          identity: {
            // For life, and the same after a new card or telephone, which have new certificates.
            subjects: [{ part: 'id_num', of: [spServiceId, number] }],
            level: CITIZEN,
            methods: ['hwk', 'mfa'],
            authTime: clock(),
            claims: claimsOf(citizen, number),
          },
        };
      }, tooSoon);
    },
  };

  function checkChecksum(payload: string, checksum: string | null): void {
    if (settings.idpChecksum === 'ignored') return;
    if (checksum === null || !fitsChecksum(key, payload, checksum)) throw new UntrustedAnswer('idp_checksum');
  }
}

/** Runs what talks to the service; everything it does wrong becomes an outcome. */
async function guarded<T>(
  work: () => Promise<T>,
  instead: (error: ShiminError) => T | null = () => null,
): Promise<T | BridgeRefused | BridgeUnavailable> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UntrustedAnswer || error instanceof UntrustedCertificate)
      return { outcome: 'refused', reason: 'answer_invalid', cause: error };
    if (error instanceof RevocationUnknown) return { outcome: 'unavailable', retryAfter: 60, cause: error };
    if (!(error instanceof ShiminError) || !error.code.startsWith('upstream_')) throw error;
    return instead(error) ?? { outcome: 'unavailable', retryAfter: error.retryAfter ?? 30, cause: error };
  }
}

/** Two tabs that both ask are asked to slow down; the person may still be busy in the app. */
const tooSoon = ({ detail }: ShiminError) => (detail.status === 429 ? ({ outcome: 'pending' } as const) : null);

const refused = (reason: BridgeRefused['reason'], why: string): BridgeRefused => ({
  outcome: 'refused',
  reason,
  cause: new Error(why),
});
