import { createHash } from 'node:crypto';
import type { TestPerson } from '../people.ts';

/** An app registered at the open platform. Apps under the new rule are told `open_id` instead of `user_id`. */
export interface App {
  readonly appId: string;
  readonly mode: 'key' | 'certificate';
  readonly names: 'user_id' | 'open_id';
}

export const apps: readonly App[] = [
  { appId: '2021000000000001', mode: 'key', names: 'user_id' },
  { appId: '2021000000000002', mode: 'certificate', names: 'open_id' },
];

/** What became of an account; the rest of it follows from the person. */
export interface Change {
  readonly closed: boolean;
  /** T normal, Q quick registration, B frozen, W never activated. */
  readonly status: string | null;
  /** 1 company, 2 person. */
  readonly type: string | null;
  readonly certified: boolean | null;
}
export const unchanged: Change = { closed: false, status: null, type: null, certified: null };

interface Extra {
  readonly certType?: string;
  readonly certNo?: string;
  readonly nickName?: string | null;
  readonly certified?: boolean;
  readonly expires?: string;
}

/** People whose account is not the usual one: named after their resident ID card, and checked. */
const extras: Readonly<Record<string, Extra>> = {
  'li-xiaoming': { nickName: '小明' },
  'zhang-wei-2': { nickName: null },
  // Registered by telephone number only.
  'one-character': { certified: false },
  minor: { certified: false, nickName: null },
  'chan-tai-man': { certType: '4', certNo: 'H12345678', nickName: 'Tai Man', expires: '20330401' },
  'ho-ka-i': { certType: '14', certNo: '82000019920707102X' },
  'lin-yi-chun': { certType: '8', certNo: '05616820' },
  // A passport: no kind of document that can be found in a register.
  'tan-wei-ming': { certType: '1', certNo: 'K1234567E' },
};

export interface Account {
  readonly person: TestPerson;
  readonly userId: string;
  /** Of one app only. */
  openId(appId: string): string;
  /** The answer of `alipay.user.info.share` without code and names; `permitted`: the app may have more than the picture. */
  profile(change: Change, permitted: boolean): Record<string, unknown>;
}

const digest = (...parts: string[]) =>
  createHash('sha256')
    .update(['alipay', ...parts].join('\n'))
    .digest();

function accountOf(person: TestPerson): Account {
  const extra = extras[person.id] ?? {};
  const [native = ''] = Object.values(person.names);
  const card = person.documents.find(({ type }) => type === 'cn_resident_id');
  const { certType = '0', certNo = card?.number ?? '', nickName = native, certified: checked = true } = extra;
  const digits = (digest(person.id).readBigUInt64BE() % 1_000_000_000_000n).toString().padStart(12, '0');
  return {
    person,
    userId: `2088${digits}`,
    openId: (appId) => digest(person.id, appId).toString('base64url').slice(0, 36),
    profile({ status, type, certified }, permitted) {
      const seen =
        nickName === null ? {} : { nick_name: nickName, avatar: `https://tfs.alipayobjects.com/images/${person.id}` };
      const basic = { ...seen, province: '广东省', city: '深圳市', gender: 'm' };
      if (!permitted) return basic;
      const isCertified = certified ?? checked;
      return {
        ...basic,
        user_type: type ?? '2',
        user_status: status ?? (checked ? 'T' : 'Q'),
        is_certified: isCertified ? 'T' : 'F',
        mobile: person.phone.replace(/^\+86/, ''),
        ...(isCertified
          ? {
              user_name: native,
              cert_type: certType,
              cert_no: certNo,
              is_adult: person.id === 'minor' ? 'F' : 'T',
              person_birthday: person.birthDate.replaceAll('-', ''),
              ...(extra.expires === undefined ? {} : { person_cert_expiry_date: extra.expires }),
            }
          : {}),
      };
    },
  };
}

export const accountsOf = (people: readonly TestPerson[]): readonly Account[] => people.map(accountOf);
