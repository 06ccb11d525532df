import { createHash } from 'node:crypto';
import type { TestPerson } from '../people.ts';

export const LOA = (level: 1 | 2 | 3) => `urn:singpass:authentication:loa:${level}`;

/** Somebody with a Singpass account. */
export interface Account {
  readonly personId: string;
  readonly uuid: string;
  readonly name: string;
  readonly type: 'standard' | 'foreign';
  readonly number: string;
  /** Country that issued the document. */
  readonly country: string;
  readonly nationality: string;
  readonly birthDate: string;
  /** Local, as Singpass tells it. */
  readonly mobile: string;
  /** The most that this person can do: 3 with the face. */
  readonly level: 1 | 2 | 3;
}

/** What is special to Singpass; who is not here and has no NRIC has no account. */
const special: Readonly<Record<string, Partial<Account>>> = {
  'tan-wei-ming': { level: 3 },
  // Works in Singapore on a pass: a FIN, and a standard account like a citizen's.
  'lin-yi-chun': { number: 'G1234567X', country: 'SG', nationality: 'TW', level: 2 },
  // Opened from abroad on a foreign passport: Singapore's own registers do not vouch for it.
  'chan-tai-man': { type: 'foreign', number: 'K00000001', country: 'HK', nationality: 'HK', level: 2 },
};

export function accountsOf(people: readonly TestPerson[]): Account[] {
  return people.flatMap((person) => {
    const nric = person.documents.find(({ type }) => type === 'sg_nric')?.number;
    const own = special[person.id];
    const number = own?.number ?? nric;
    if (number === undefined) return [];
    return [
      {
        personId: person.id,
        uuid: uuidOf(person.id),
        name: person.names.latin ?? person.id.toUpperCase(),
        type: 'standard',
        country: 'SG',
        nationality: 'SG',
        birthDate: person.birthDate,
        mobile: person.phone.startsWith('+65') ? person.phone.slice(3) : '81234567',
        level: 2,
        ...own,
        number,
      },
    ];
  });
}

/** The same account on every machine, and nothing that could be told from the document. */
function uuidOf(personId: string): string {
  const hex = createHash('sha256').update(`singpass\n${personId}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Of the ID token of a Login app: each only when its scope was asked for. */
export function subAttributes(account: Account, scopes: readonly string[]): Record<string, unknown> | undefined {
  const told = {
    ...(scopes.includes('user.identity')
      ? { account_type: account.type, identity_number: account.number, identity_coi: account.country }
      : {}),
    ...(scopes.includes('name') ? { name: account.name } : {}),
    ...(scopes.includes('mobileno') ? { mobileno: account.mobile } : {}),
  };
  return Object.keys(told).length === 0 ? undefined : told;
}

/** Of userinfo of a Myinfo app. Source 1: verified by the government, 2: the person's own word. */
export function personInfo(account: Account, scopes: readonly string[]): Record<string, unknown> {
  const about = (source: string) => ({ lastupdated: '2026-01-05', source, classification: 'C' });
  const items: Readonly<Record<string, unknown>> = {
    uinfin: { ...about('1'), value: account.number },
    name: { ...about('1'), value: account.name },
    sex: { ...about('1'), code: 'M', desc: 'MALE' },
    dob: { ...about('1'), value: account.birthDate },
    nationality: { ...about('1'), code: account.nationality, desc: account.nationality },
    residentialstatus: { ...about('1'), code: account.nationality === 'SG' ? 'C' : 'A', desc: '' },
    mobileno: {
      ...about('4'),
      prefix: { value: '+' },
      areacode: { value: '65' },
      nbr: { value: account.mobile },
    },
    email: { ...about('2'), value: `${account.personId}@example.sg` },
  };
  return Object.fromEntries(Object.entries(items).filter(([name]) => scopes.includes(name)));
}

/** How they signed in, in Singpass' words. */
export const methodsOf: Readonly<Record<1 | 2 | 3, readonly string[]>> = {
  1: ['pwd'],
  2: ['pwd', 'swk'],
  3: ['pwd', 'swk', 'face'],
};
