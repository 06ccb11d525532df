import { createHash } from 'node:crypto';
import { checkCharacter } from '../lib/gb11643.ts';
import { prng } from '../lib/prng.ts';
import { chineseName, foreignName, type Names, type Place } from './names.ts';

export const documentTypes = [
  'cn_hm_travel_permit',
  'cn_hm_travel_permit_noncn',
  'cn_tw_travel_permit',
  'cn_hmt_residence_permit',
  'cn_foreign_pr_18',
  'cn_foreign_pr_15',
] as const;
export type DocumentType = (typeof documentTypes)[number];

export const standings = ['valid', 'lost', 'cancelled'] as const;
export type Standing = (typeof standings)[number];

export interface IssuedDocument {
  readonly type: DocumentType;
  readonly number: string;
  /** How often it was issued; for documents whose number stays for life. */
  readonly issue: string | null;
  /** Last day, YYYY-MM-DD. */
  readonly validUntil: string;
  readonly standing: Standing;
}

export interface Holder {
  readonly id: string;
  readonly category: Place | 'foreign';
  readonly names: Names;
  readonly birthDate: string;
  readonly documents: readonly IssuedDocument[];
  /** Stand-in for the photo on file. */
  readonly photo: string;
}

export const photoOfHolder = (id: string) =>
  createHash('sha256').update(`exit-entry photo of ${id}`).digest('hex').slice(0, 32);

type Random = ReturnType<typeof prng>;

const two = (n: number) => String(n).padStart(2, '0');
const digits = (random: Random, count: number) => String(random.int(10 ** count)).padStart(count, '0');
const areas = { hong_kong: '810000', macao: '820000', taiwan: '830000' } as const;
/** Letters and ISO 3166-1 numeric codes of states whose nationals live here. */
const states = [
  ['SGP', '702'],
  ['IND', '356'],
  ['USA', '840'],
  ['PRT', '620'],
  ['FRA', '250'],
  ['KOR', '410'],
] as const;

/** A day so many years from another; what has ended and what has not stays so whenever the simulator is started. */
function yearsFrom(day: string, years: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCFullYear(date.getUTCFullYear() + years);
  return date.toISOString().slice(0, 10);
}

/** 17 digits and the check character of GB 11643. */
export const withCheck = (first17: string) => first17 + checkCharacter(first17);

/** The old card's last digit, weighted 7-3-1 as in machine-readable lines (one public sample agrees). */
export function oldForeignNumber(state: string, area: string, birthDate: string, sequence: number): string {
  const first = `${state}${area}${birthDate.replaceAll('-', '').slice(2)}${sequence}`;
  const sum = [...first].reduce((total, c, i) => total + Number.parseInt(c, 36) * ([7, 3, 1][i % 3] ?? 1), 0);
  return first + (sum % 10);
}

/** People from elsewhere and what they hold: `count` of them, the same every time but for the days, which follow `today`. */
export function makeHolders(count: number, today: string, seed = 20261124): Holder[] {
  const random = prng(seed);
  const taken = new Set<string>();
  const holders: Holder[] = [];
  while (holders.length < count) {
    const chance = random.next();
    const category =
      chance < 0.45 ? 'hong_kong' : chance < 0.62 ? 'macao' : chance < 0.85 ? 'taiwan' : ('foreign' as const);
    const chinese = category === 'taiwan' || random.next() > 0.06;
    const minor = random.next() < 0.08;
    const year = Number(today.slice(0, 4)) - (minor ? 1 + random.int(16) : 19 + random.int(70));
    const birthDate = `${year}-${two(1 + random.int(12))}-${two(1 + random.int(28))}`;
    const names = chinese && category !== 'foreign' ? chineseName(random, category) : foreignName(random);
    const documents = documentsOf(random, category, chinese, birthDate, today);
    if (documents.some(({ number }) => taken.has(number))) continue;
    for (const { number } of documents) taken.add(number);
    const id = `holder-${holders.length + 1}`;
    holders.push({ id, category, names, birthDate, documents, photo: photoOfHolder(id) });
  }
  return holders;
}

function documentsOf(
  random: Random,
  category: Holder['category'],
  chinese: boolean,
  birthDate: string,
  today: string,
): IssuedDocument[] {
  const issued = (type: DocumentType, number: string, issue: string | null): IssuedDocument => {
    const fate = random.next();
    const standing = fate < 0.02 ? 'lost' : fate < 0.04 ? 'cancelled' : 'valid';
    const ended = standing === 'valid' && fate > 0.96;
    const validUntil = yearsFrom(today, ended ? -1 - random.int(4) : 1 + random.int(8));
    return { type, number, issue, validUntil, standing };
  };
  const born = birthDate.replaceAll('-', '');
  const sequence = String(1 + random.int(998)).padStart(3, '0');
  if (category === 'foreign') return foreignCards(random, issued, birthDate, sequence);
  const letter = category === 'hong_kong' ? 'H' : 'M';
  const permit =
    category === 'taiwan'
      ? issued('cn_tw_travel_permit', digits(random, 8), two(1 + random.int(4)))
      : chinese
        ? issued('cn_hm_travel_permit', letter + digits(random, 8), two(random.int(5)))
        : issued('cn_hm_travel_permit_noncn', `${letter}A${digits(random, 7)}`, null);
  const resident = chinese && random.next() < 0.4;
  return resident
    ? [permit, issued('cn_hmt_residence_permit', withCheck(areas[category] + born + sequence), null)]
    : [permit];
}

/** The card of 2023, the one before, or both: both are in use for a while. */
function foreignCards(
  random: Random,
  issued: (type: DocumentType, number: string, issue: null) => IssuedDocument,
  birthDate: string,
  sequence: string,
): IssuedDocument[] {
  const [letters, numeric] = random.pick(states);
  const fresh = issued('cn_foreign_pr_18', withCheck(`944${numeric}${birthDate.replaceAll('-', '')}${sequence}`), null);
  const old = issued('cn_foreign_pr_15', oldForeignNumber(letters, '4400', birthDate, random.int(10)), null);
  const chance = random.next();
  return chance < 0.6 ? [fresh] : chance < 0.8 ? [old] : [fresh, old];
}
