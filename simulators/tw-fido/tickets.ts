import { createHash, randomUUID } from 'node:crypto';
import type { Account } from './accounts.ts';
import type { ticketFaults } from './faults.ts';

/** One transaction, from the ticket until its result was fetched. */
export interface Transaction {
  readonly id: string;
  readonly ticketId: string;
  readonly ticket: string;
  readonly account: Account;
  readonly hint: string;
  readonly signData: string;
  readonly until: number;
  state: 'open' | 'approved' | 'cancelled' | 'redeemed';
  askedAt: number;
}

const b64url = (text: string) => Buffer.from(text, 'utf8').toString('base64url');

/** `b64url(JSON).b64url(SHA-256(first segment))`. */
function ticketOf(fields: object): string {
  const first = b64url(JSON.stringify(fields));
  return `${first}.${createHash('sha256').update(first).digest('base64url')}`;
}

export function newTransaction(
  asked: Pick<Transaction, 'id' | 'account' | 'hint' | 'signData'> & { readonly seconds: number },
): Transaction {
  const { seconds, ...rest } = asked;
  const ticketId = randomUUID();
  const until = Date.now() + seconds * 1000;
  const ticket = ticketOf({
    transaction_id: rest.id,
    sp_ticket_id: ticketId,
    op_code: 'ATH',
    expiration_time: new Date(until).toISOString(),
    sp_name: '市民 Shimin',
  });
  return { ...rest, ticketId, ticket, until, state: 'open', askedAt: 0 };
}

/** The ticket as it is handed out, made wrong. */
export function spoiltTicket(
  { id, ticketId, ticket }: Transaction,
  fault: (typeof ticketFaults)[number] | null,
): string | undefined {
  const fields = { transaction_id: id, sp_ticket_id: ticketId, op_code: 'ATH' };
  switch (fault) {
    case 'ticket_digest':
      return `${ticket.split('.')[0]}.${createHash('sha256').update('another').digest('base64url')}`;
    case 'ticket_of_another':
      return ticketOf({ ...fields, transaction_id: randomUUID() });
    case 'ticket_operation':
      return ticketOf({ ...fields, op_code: 'SIGN' });
    case 'ticket_no_json': {
      const first = b64url('{');
      return `${first}.${createHash('sha256').update(first).digest('base64url')}`;
    }
    case 'ticket_names_twice': {
      const first = b64url(JSON.stringify(fields).replace('{', '{"sp_ticket_id":"another",'));
      return `${first}.${createHash('sha256').update(first).digest('base64url')}`;
    }
    case 'ticket_missing':
      return undefined;
    case 'ticket_third_part':
      return `${ticket}.more`;
    default:
      return ticket;
  }
}
