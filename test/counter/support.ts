import type { By } from '../../src/commands/change-rules.ts';
import { type Confirmation, confirmCounterCase } from '../../src/commands/counter-confirm.ts';
import { openCounterCase } from '../../src/commands/counter-open.ts';
import { takeCounterCase } from '../../src/commands/counter-take.ts';
import { checkListFor, type DocumentRead } from '../../src/identity/counter.ts';
import { type CounterCase, codeOf } from '../../src/storage/counter-cases.ts';
import { saveCounter } from '../../src/storage/counters.ts';
import type { Database } from '../../src/storage/db.ts';
import { type Office, openOffice } from '../admin/staff-support.ts';
import { dayInYears } from '../support/days.ts';
import { storedAccount, testKeyring } from '../support/rows.ts';

export const cause = { requestId: 'request-2', clientId: 'account' };

export const resident: DocumentRead = {
  category: 'mainland',
  document: 'cn_resident_id',
  number: '440305198806151219',
  name: '李晓明',
  birthDate: '1988-06-15',
  validUntil: dayInYears(9),
};
export const hongKong: DocumentRead = {
  category: 'hong_kong',
  document: 'cn_hm_travel_permit',
  number: 'H12345678',
  name: '陳大文',
  birthDate: '1980-01-01',
  validUntil: null,
};

/** A number of a permit that nobody else in the suite has. */
let last = 10_000_000;
export const somebody = (changes: Partial<DocumentRead> = {}): DocumentRead => {
  last += 1;
  return { ...hongKong, number: `H${last}`, ...changes };
};

export interface CounterHall {
  readonly office: Office;
  readonly clerks: readonly [By, By, By];
  citizen(): Promise<string>;
  /** A case with its code. */
  opened(accountId: string, officials?: 1 | 2): Promise<{ found: CounterCase; code: string }>;
  take(by: By, code: string, counter?: string): ReturnType<typeof takeCounterCase>;
  confirm(
    by: By,
    caseId: string,
    read: DocumentRead,
    more?: Partial<Confirmation>,
  ): ReturnType<typeof confirmCounterCase>;
}

export async function openHall({ knex }: Database): Promise<CounterHall> {
  const office = await openOffice(knex);
  for (const [id, open] of [
    ['north', true],
    ['south', true],
    ['shut', false],
  ] as const)
    await saveCounter(knex, { id, names: { en: id }, places: { en: 'somewhere' }, open });
  const clerks = [await office.member('clerk'), await office.member('clerk'), await office.member('clerk')] as const;
  return {
    office,
    clerks,
    citizen: async () => (await storedAccount(knex)).id,
    async opened(accountId, officials = 1) {
      const found = await openCounterCase(office.deps, { accountId, officials, cause });
      const code = await codeOf(knex, testKeyring, found);
      if (code === null) throw new Error('no code');
      return { found, code };
    },
    take: (by, code, counter = 'north') => takeCounterCase(office.deps, { by, code, counter }),
    confirm: (by, caseId, read, more = {}) =>
      confirmCounterCase(office.deps, {
        by,
        caseId,
        read,
        checks: checkListFor(read.category, read.document) ?? [],
        registered: read.category === 'mainland' ? { name: read.name } : null,
        ...more,
      }),
  };
}
