import { canonicalDocument, sameDocument } from './documents/canonical.ts';
import { scriptOf } from './name-characters.ts';
import { nameAnswer } from './names.ts';
import { birthDateOfDocument, type Category, type IdDocument, kindsHeldOnce } from './person.ts';

/** What one source says of a person, or what is known of one here. */
export interface PersonRecord {
  readonly category: Category | null;
  /** In any script; several of one script are forms of one name that the source itself gives. */
  readonly names: readonly string[];
  /** YYYY-MM-DD, as much of it as is known (`1980`, `1980-05`, zeros for what is not); null: nothing of it. */
  readonly birthDate: string | null;
  /** Documents that the source itself says are this person's. */
  readonly documents: readonly IdDocument[];
}

/**
 * Who says that the second record is of the person here. `typed`: somebody typed it and a source knows such a person;
 * `holder`: the person signed in at the source as its holder; `officials`: person and document were there.
 */
export const vouchers = ['typed', 'holder', 'officials'] as const;
export type Voucher = (typeof vouchers)[number];

export type Agreement =
  | { readonly answer: 'agree'; readonly because: 'document' | 'name_and_birth_date' }
  | { readonly answer: 'differ'; readonly because: 'category' | 'document_number' | 'name' | 'birth_date' }
  | {
      readonly answer: 'incomparable';
      readonly because: 'category' | 'document_number' | 'name' | 'script' | 'birth_date' | 'typed';
    };

/**
 * Whether two records name one person. They differ as soon as one thing that both tell is different, whatever else is the
 * same. They agree by a document that both hold, or by name in one script and whole date of birth where the person or
 * officials vouch for it. All else can't be compared, and that is no agreement.
 */
export function agreement(known: PersonRecord, said: PersonRecord, voucher: Voucher): Agreement {
  const numbers = compareDocuments(known.documents.map(canonical), said.documents.map(canonical));
  const name = compareAllNames(known.names, said.names);
  const birth = compareBirthDates(birthDateOf(known), birthDateOf(said));
  const categories = known.category === null || said.category === null ? 'unknown' : 'told';
  if (categories === 'told' && known.category !== said.category) return { answer: 'differ', because: 'category' };
  if (numbers === 'differ') return { answer: 'differ', because: 'document_number' };
  if (name === 'differ') return { answer: 'differ', because: 'name' };
  if (birth === 'differ') return { answer: 'differ', because: 'birth_date' };

  if (numbers === 'same') return { answer: 'agree', because: 'document' };
  if (categories === 'unknown') return { answer: 'incomparable', because: 'category' };
  if (name !== 'same') return { answer: 'incomparable', because: name };
  if (birth !== 'same') return { answer: 'incomparable', because: 'birth_date' };
  // Names and days of birth of others are known to many: whoever types them has not shown that they are theirs.
  if (voucher === 'typed') return { answer: 'incomparable', because: 'typed' };
  // Two passports may well be one person's; that is for somebody to say who sees both.
  if (numbers === 'another' && voucher !== 'officials') return { answer: 'incomparable', because: 'document_number' };
  return { answer: 'agree', because: 'name_and_birth_date' };
}

/** Whether one document is in both lists, however it is spelled. */
export const shareDocument = (some: readonly IdDocument[], others: readonly IdDocument[]): boolean =>
  some.some((one) => others.some((other) => sameDocument(one, other)));

const canonical = ({ type, number }: IdDocument) => canonicalDocument(type, number);

/** `another`: a further number of a kind that people have several of; `none`: no kind in common. */
function compareDocuments(
  known: readonly IdDocument[],
  said: readonly IdDocument[],
): 'same' | 'differ' | 'another' | 'none' {
  let result: 'same' | 'another' | 'none' = 'none';
  for (const { type, number } of said) {
    const own = known.filter((document) => document.type === type);
    if (own.some((document) => document.number === number)) result = 'same';
    else if (own.length > 0 && kindsHeldOnce.has(type)) return 'differ';
    else if (own.length > 0 && result === 'none') result = 'another';
  }
  return result;
}

/**
 * The name in its own script decides: one person is romanised differently from office to office (CHAN and CHEN), and
 * different people alike.
 */
function compareAllNames(known: readonly string[], said: readonly string[]): 'same' | 'differ' | 'name' | 'script' {
  const told = (names: readonly string[], latin: boolean) =>
    names.filter((name) => name.trim() !== '' && (scriptOf(name) === 'Latn') === latin);
  if (known.every((name) => name.trim() === '') || said.every((name) => name.trim() === '')) return 'name';
  for (const latin of [false, true]) {
    const left = told(known, latin);
    const answers = told(said, latin).flatMap((name) => left.map((own) => nameAnswer(own, name)));
    if (answers.includes('same')) return 'same';
    if (answers.includes('different')) return 'differ';
  }
  return 'script';
}

/** As told, or as the number of a document holds it where that is more. */
function birthDateOf({ birthDate, documents }: PersonRecord): string | null {
  if (birthDate !== null && compareBirthDates(birthDate, birthDate) === 'same') return birthDate;
  for (const { type, number } of documents) {
    const held = birthDateOfDocument(type, number);
    if (held !== null) return held;
  }
  return birthDate;
}

/** Year, month and day, as far as they are known. */
const partsOf = (birthDate: string | null) =>
  (birthDate ?? '').split('-').map((part) => (/^0*$/.test(part) ? null : part));

/** `partial`: nothing that both know differs, and not all is known by both. */
function compareBirthDates(known: string | null, said: string | null): 'same' | 'differ' | 'partial' {
  const [left, right] = [partsOf(known), partsOf(said)];
  let whole = true;
  for (let i = 0; i < 3; i += 1) {
    const [one, other] = [left[i] ?? null, right[i] ?? null];
    if (one === null || other === null) whole = false;
    else if (one !== other) return 'differ';
  }
  return whole ? 'same' : 'partial';
}
