import { createHash } from 'node:crypto';
import type { TestPerson } from '../people.ts';

/** `sign`: iAM Smart+; `auth`: without the plus. */
export type UserType = 'sign' | 'auth';

export interface Account {
  readonly id: string;
  readonly name: string;
  readonly latinName: string;
  readonly identification: string;
  readonly checkDigit: string;
  /** YYYYMMDD. */
  readonly birthDate: string;
  readonly userType: UserType;
}

/** Who went to a kiosk with the card; whoever is not here registered with the telephone alone. */
const plus = new Set(['chan-tai-man']);

/** Hong Kong people whom people.json does not have: one without the plus, one without a Chinese name. Cards with made-up numbers. */
const more: readonly Account[] = [
  {
    id: 'wong-siu-ling',
    name: '黃小玲',
    latinName: 'WONG, Siu Ling',
    identification: 'O765432',
    checkDigit: '5',
    birthDate: '19900512',
    userType: 'auth',
  },
  {
    id: 'smith-john',
    name: '',
    latinName: 'SMITH, John',
    identification: 'Q654321',
    checkDigit: '5',
    birthDate: '19780000',
    userType: 'sign',
  },
];

export function accountsOf(people: readonly TestPerson[]): Account[] {
  const named = people.flatMap(({ id, names, documents, birthDate }): Account[] => {
    const card = documents.find(({ type }) => type === 'hk_id');
    const [, identification, checkDigit] = /^([A-Z]{1,2}[0-9]{6})\(([0-9A])\)$/.exec(card?.number ?? '') ?? [];
    if (identification === undefined || checkDigit === undefined) return [];
    return [
      {
        id,
        name: names['zh-Hant'] ?? '',
        latinName: asOnTheCard(names.latin ?? ''),
        identification,
        checkDigit,
        birthDate: birthDate.replaceAll('-', ''),
        userType: plus.has(id) ? 'sign' : 'auth',
      },
    ];
  });
  return [...named, ...more];
}

/** `CHAN TAI MAN` as `CHAN, Tai Man`. */
function asOnTheCard(name: string): string {
  const [family = '', ...given] = name.split(' ');
  const written = given.map((word) => word.charAt(0) + word.slice(1).toLowerCase());
  return [family, written.join(' ')].filter((part) => part !== '').join(', ');
}

/** Tokenised: base64, of this service alone, and with the characters in it that careless decoders destroy. */
export function openIdOf(id: string, clientId: string): string {
  const digest = createHash('sha512').update(`iam-smart ${clientId} ${id}`).digest('base64');
  return `+/${digest.slice(0, 40)}=`;
}
