import { createHash } from 'node:crypto';
import type { TestPerson } from '../people.ts';

export const creditLevels = ['L0', 'L1', 'L2', 'L3'] as const;
export type CreditLevel = (typeof creditLevels)[number];

/** `accout_type`: password, digital certificate, 粤省事 scan, 微警. */
export const logins = ['1', '2', '3', '4'] as const;
export type Login = (typeof logins)[number];

export interface Account {
  readonly id: string;
  readonly useridcode: string;
  readonly uid: string;
  readonly name: string;
  readonly phone: string;
  readonly documentType: '10' | '20' | '40';
  readonly documentNumber: string;
  readonly level: CreditLevel;
  readonly login: Login;
}

/** How a level was come by. */
export const wayOf: Readonly<Record<CreditLevel, string>> = { L0: 'IDV', L1: 'PLV', L2: 'YSS', L3: 'GW' };

/** Who has what here; whoever is not listed has an account that 粤省事 has confirmed. */
const special: Readonly<Record<string, { level: CreditLevel; login: Login } | null>> = {
  'li-xiaoming': { level: 'L3', login: '3' },
  'wang-jianguo': { level: 'L1', login: '1' },
  'zhang-wei-1': { level: 'L0', login: '1' },
  'zhang-wei-2': { level: 'L2', login: '1' },
  'rare-character': { level: 'L3', login: '2' },
  'middle-dot': { level: 'L2', login: '4' },
  // The dead, those whose record was cancelled, and children have none.
  'zhao-defu': null,
  'sun-meiling': null,
  minor: null,
};

/** The papers that the platform takes, in its order, and its word for their kind. */
const papers = [
  ['cn_resident_id', '10'],
  ['cn_hm_travel_permit', '40'],
  ['cn_tw_travel_permit', '40'],
  ['cn_foreign_pr_18', '40'],
] as const;

export function accountsOf(people: readonly TestPerson[]): Account[] {
  return people.flatMap(({ id, names, documents, phone }) => {
    const known = id in special ? special[id] : { level: 'L2' as const, login: '3' as const };
    const paper = papers
      .flatMap(([type, code]) => documents.filter((held) => held.type === type).map(({ number }) => ({ code, number })))
      .at(0);
    if (!known || !paper) return [];
    return [
      {
        id,
        useridcode: createHash('md5').update(`guangdong ${id}`).digest('hex'),
        uid: id.replaceAll('-', ''),
        name: names['zh-Hans'] ?? names['zh-Hant'] ?? names.latin ?? '',
        phone: phone.replace(/^\+86/, ''),
        documentType: paper.code,
        documentNumber: paper.number,
        ...known,
      },
    ];
  });
}
