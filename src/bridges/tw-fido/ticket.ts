import { createHash } from 'node:crypto';
import { z } from 'zod';
import { parseStrictJson } from '../../lib/strict-json.ts';

const contents = z.object({
  transaction_id: z.string().max(100),
  sp_ticket_id: z.string().min(1).max(200),
  op_code: z.string().max(20),
});

/** Base64url is one writing of its bytes when it is written back the same. */
function decoded(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : null;
}

/**
 * The id within `b64url(JSON).b64url(SHA-256(first segment))`. The digest has no key and proves nothing: the ticket must
 * be about what was asked. Null: it is not.
 */
export function ticketIdOf(ticket: string, asked: { transactionId: string; opCode: string }): string | null {
  const [first = '', second = '', ...more] = ticket.split('.');
  const digest = createHash('sha256').update(first).digest('base64url');
  const bytes = decoded(first);
  if (more.length > 0 || second.replace(/=+$/, '') !== digest || bytes === null) return null;
  const json = parseStrictJson(bytes.toString('utf8'));
  const told = contents.safeParse(json.ok ? json.value : null);
  if (!told.success) return null;
  const { transaction_id: transactionId, op_code: opCode, sp_ticket_id: id } = told.data;
  return transactionId === asked.transactionId && opCode === asked.opCode ? id : null;
}

/** What opens the app with a ticket; it goes back to `returnTo` when the person is done. */
export function appLink(appUrl: string, ticket: string, back: { returnTo: string; value: string } | null): string {
  const b64url = (text: string) => Buffer.from(text, 'utf8').toString('base64url');
  const query = new URLSearchParams({
    sp_ticket: ticket,
    ...(back === null ? {} : { rtn_url: b64url(back.returnTo), rtn_val: b64url(back.value) }),
  });
  return `${appUrl}?${query}`;
}
