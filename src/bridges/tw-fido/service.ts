import { z } from 'zod';
import { callJson, type OutboundRequest } from '../../lib/http.ts';
import { SUCCESS } from './codes.ts';

/** Errors have a code and no result; with some statuses they come as well. */
const alsoStatus = [400, 401, 403, 404];

const code = z.union([z.string().min(1).max(100), z.number().transform(String)]);
const envelope = z.object({ error_code: code, result: z.unknown().optional() });

export type ServiceAnswer = { readonly ok: true; readonly result: unknown } | { readonly ok: false; code: string };

/** One call of the interface for service providers. */
export type Service = (path: 'getSpTicket' | 'getAthOrSignResult', body: object) => Promise<ServiceAnswer>;

/** @throws ShiminError `upstream_*` */
export function service(
  baseUrl: string,
  line: Pick<OutboundRequest, 'upstream' | 'allowLoopback' | 'timeoutMs'>,
): Service {
  return async (path, json) => {
    const url = `${baseUrl.replace(/\/$/, '')}/moise/sp/${path}`;
    const answer = await callJson({ url, method: 'POST', json, schema: envelope, alsoStatus, ...line });
    return answer.error_code === SUCCESS ? { ok: true, result: answer.result } : { ok: false, code: answer.error_code };
  };
}

export const ticketResult = z.object({ sp_ticket: z.string().max(4000), idp_checksum: z.string().max(400).nullish() });

export const signResult = z.object({
  hashed_id_num: z.string().max(200),
  signed_response: z.string().min(1).max(4000),
  cert: z.string().min(1).max(16_000),
  idp_checksum: z.string().max(400).nullish(),
});
export type SignResult = z.infer<typeof signResult>;
