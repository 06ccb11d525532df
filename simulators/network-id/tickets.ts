import { randomBytes } from 'node:crypto';

/** What the app gave for one request: sealed for the platform, so here a handle of it. */
export interface Ticket {
  readonly person: string;
  readonly bizSeq: string;
  readonly kind: 'credential' | 'password' | 'face';
  /** False for a password that was typed wrong, or another person's face. */
  readonly right: boolean;
  /** Whether the person let it tell who they are. */
  readonly consents: boolean;
  readonly at: number;
}

const lifetimeMs = 300_000;

export function ticketStore() {
  const tickets = new Map<string, Ticket>();
  return {
    give(ticket: Omit<Ticket, 'at'>): string {
      const handle = randomBytes(48).toString('base64url');
      tickets.set(handle, { ...ticket, at: Date.now() });
      return handle;
    },
    /** Once, for the request that it was made for; null otherwise. */
    take(handle: string, kind: Ticket['kind'], bizSeq: string): Ticket | null {
      const found = tickets.get(handle);
      if (found?.kind !== kind) return null;
      tickets.delete(handle);
      return found.bizSeq === bizSeq && Date.now() - found.at < lifetimeMs ? found : null;
    },
  };
}
export type TicketStore = ReturnType<typeof ticketStore>;
