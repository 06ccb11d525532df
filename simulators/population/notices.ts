import { randomUUID } from 'node:crypto';
import { signRequest } from '../lib/signing.ts';

/** What the register tells those who asked to hear of it. */
export interface Notice {
  readonly document_type: string;
  readonly document_number: string;
  readonly status: 'active' | 'deceased' | 'cancelled';
}

const attempts = 40;
const pauseMs = 500;

/** Sends notices, signed as the register's own callers sign; an unheard one is sent again for a while. */
export function registerNotices(to: { url: string; clientId: string; secret: string }) {
  const timers = new Set<ReturnType<typeof setTimeout>>();

  async function send(notice: Notice): Promise<boolean> {
    const body = JSON.stringify(notice);
    const { url, clientId, secret } = to;
    const path = new URL(url).pathname;
    const headers = signRequest({
      clientId,
      secret,
      method: 'POST',
      path,
      body,
      now: new Date(),
      nonce: randomUUID(),
    });
    try {
      const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(5_000) });
      return response.status === 204;
    } catch {
      return false;
    }
  }

  function later(notice: Notice, left: number): void {
    if (left === 0) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      void send(notice).then((heard) => {
        if (!heard) later(notice, left - 1);
      });
    }, pauseMs);
    timer.unref();
    timers.add(timer);
  }

  return {
    /** True when it was heard at once. */
    async tell(notice: Notice): Promise<boolean> {
      const heard = await send(notice);
      if (!heard) later(notice, attempts);
      return heard;
    },
    close(): void {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
