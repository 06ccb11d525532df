import { createHash } from 'node:crypto';
import type { TestPerson } from '../people.ts';

/** An app: of a website, or an official account; both bound to the same Open Platform account. */
export interface App {
  readonly appId: string;
  readonly secret: string;
  readonly kind: 'website' | 'account';
}

export const apps: readonly App[] = [
  { appId: 'wx5a1e0000000000a1', secret: 'demo-secret-of-the-website-app', kind: 'website' },
  { appId: 'wx5a1e0000000000b2', secret: 'demo-secret-of-the-official-account', kind: 'account' },
];

/** What people call themselves; names of law are unknown here. */
const nicknames: Readonly<Record<string, string>> = {
  'li-xiaoming': '明仔🐟',
  'chen-jiayi': '怡',
  'wang-jianguo': '知足常乐',
  'chan-tai-man': 'Tai Man',
  // Names itself like somebody else: a nickname proves nothing.
  'zhang-wei-2': '李晓明',
};

const identifier = (...parts: string[]) =>
  `o${createHash('sha256')
    .update(['wechat', ...parts].join('\n'))
    .digest('base64url')
    .slice(0, 27)}`;

export interface Account {
  readonly person: TestPerson;
  readonly nickname: string;
  /** The same for all apps of the Open Platform account. */
  readonly unionId: string;
  openId(appId: string): string;
}

export const accountsOf = (people: readonly TestPerson[]): readonly Account[] =>
  people.map((person) => ({
    person,
    nickname: nicknames[person.id] ?? person.id,
    unionId: identifier('union', person.id),
    openId: (appId) => identifier('open', appId, person.id),
  }));

/** Who is shown to an app while a page is only previewed: nobody, anew each time. */
export const virtualId = (code: string) => identifier('virtual', code);
