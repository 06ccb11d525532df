import { z } from 'zod';
import { noticeKinds, noticeMessage } from './commands/notify.ts';
import type { I18n } from './i18n/index.ts';
import type { Loop } from './jobs/loop.ts';
import { startOutbox } from './jobs/outbox.ts';
import type { Clock } from './lib/clock.ts';
import type { Keyring } from './lib/crypto.ts';
import type { Log } from './lib/log.ts';
import type { SmsMessage } from './lib/sms.ts';
import type { Db } from './storage/db.ts';

const notice = z.object({
  kind: z.enum(noticeKinds),
  to: z.string(),
  locale: z.string(),
  bridge: z.string().nullable(),
});

/** A notice tells of what just happened; two days later it confuses. */
const WORTH_MS = 2 * 24 * 3_600_000;
/** Longer than the gateway may take. */
const LEASE_MS = 15_000;

/** Sends what people are told about their accounts. The message's own id goes along, so the gateway sends none twice. */
export function startNotices(deps: {
  db: Db;
  clock: Clock;
  keyring: Keyring;
  log: Log;
  i18n: I18n;
  sendSms: (message: SmsMessage) => Promise<void>;
  onSetAside: (queue: string) => void;
}): Loop {
  const { db, clock, keyring, log, i18n, sendSms, onSetAside } = deps;
  return startOutbox({
    ...{ db, clock, keyring, log, leaseMs: LEASE_MS, onSetAside },
    handlers: {
      [noticeMessage]: async ({ id, payload, createdAt }) => {
        if (clock().getTime() - createdAt.getTime() > WORTH_MS) {
          log.error({ messageId: id }, 'notice given up: the gateway was away for two days');
          return false;
        }
        const { kind, to, locale, bridge } = notice.parse(payload);
        const language = i18n.locales.find((each) => each === locale) ?? 'zh-Hans';
        const key = `bridge.name.${bridge}`;
        const name = bridge !== null && i18n.has(language, key) ? i18n.t(language, key) : '';
        await sendSms({ to, text: i18n.t(language, `notices.${kind}`, { name }), template: 'notice', id });
        return false;
      },
    },
  });
}
