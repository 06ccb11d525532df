import type { TestPerson } from '../people.ts';
import {
  type DocumentType,
  documentTypes,
  type Holder,
  type IssuedDocument,
  oldForeignNumber,
  photoOfHolder,
  type Standing,
  withCheck,
} from './holders.ts';
import { simplify } from './names.ts';

/** A day in so many years; the last of February where there is no 29th. */
const inYears = (today: string, years: number) =>
  `${Number(today.slice(0, 4)) + years}${today.slice(4) === '-02-29' ? '-02-28' : today.slice(4)}`;

const isOurs = (type: string): type is DocumentType => documentTypes.some((known) => known === type);
/** Only travel permits are issued over and over under one number. */
const issueOf = (type: DocumentType) =>
  type === 'cn_hm_travel_permit' || type === 'cn_tw_travel_permit' ? '02' : null;

/** The city's test people, with what they hold of ours. */
export function holdersOf(people: readonly TestPerson[], today: string): Holder[] {
  return people.flatMap(({ id, category, names, birthDate, documents }) => {
    const own = documents.flatMap(({ type, number }): IssuedDocument[] =>
      isOurs(type) ? [{ type, number, issue: issueOf(type), validUntil: inYears(today, 5), standing: 'valid' }] : [],
    );
    if (own.length === 0 || category === 'mainland') return [];
    const latin = names.latin ?? names.pt ?? '';
    const chinese = names['zh-Hant'];
    return [
      {
        id,
        category,
        names: { native: chinese ?? latin, simplified: chinese === undefined ? null : simplify(chinese), latin },
        birthDate,
        documents: own,
        photo: photoOfHolder(id),
      },
    ];
  });
}

/** People who exist only here, each for one answer of this service. */
export function fates(today: string): Holder[] {
  const of = (
    id: string,
    category: Holder['category'],
    native: string,
    latin: string,
    birthDate: string,
    documents: readonly [DocumentType, string, Standing, number][],
  ): Holder => ({
    id,
    category,
    names: { native, simplified: /\p{Script=Han}/u.test(native) ? simplify(native) : null, latin },
    birthDate,
    documents: documents.map(([type, number, standing, years]) => ({
      type,
      number,
      issue: issueOf(type),
      validUntil: inYears(today, years),
      standing,
    })),
    photo: photoOfHolder(id),
  });
  const ten = `${Number(today.slice(0, 4)) - 10}-04-12`;
  return [
    of('wong-siu-ling', 'hong_kong', '黃小玲', 'WONG SIU LING', '1979-08-09', [
      ['cn_hm_travel_permit', 'H87654321', 'lost', 4],
    ]),
    of('cheong-kuok-keong', 'macao', '張國強', 'CHEONG KUOK KEONG', '1968-01-31', [
      ['cn_hm_travel_permit', 'M87654321', 'cancelled', 4],
    ]),
    of('tsai-hsiao-ling', 'taiwan', '蔡小玲', 'TSAI, HSIAO-LING', '1987-02-28', [
      ['cn_tw_travel_permit', '87654321', 'valid', -1],
    ]),
    of('au-yeung-ka-man', 'hong_kong', '歐陽嘉文', 'AU YEUNG KA MAN', ten, [
      ['cn_hm_travel_permit', 'H23456789', 'valid', 3],
    ]),
    of('lam-wai-yee', 'hong_kong', '林偉儀', 'LAM WAI YEE', '1991-06-30', [
      ['cn_hm_travel_permit', 'H34567890', 'valid', -2],
      ['cn_hmt_residence_permit', withCheck('81000019910630201'), 'valid', 3],
    ]),
    of('ravi-sharma', 'hong_kong', 'SHARMA, RAVI', 'SHARMA, RAVI', '1990-11-02', [
      ['cn_hm_travel_permit_noncn', 'HA1234567', 'valid', 4],
    ]),
    of('maria-da-silva', 'foreign', 'DA SILVA, MARIA', 'DA SILVA, MARIA', '1984-05-06', [
      ['cn_foreign_pr_18', withCheck('94462019840506202'), 'valid', 9],
      ['cn_foreign_pr_15', oldForeignNumber('PRT', '4400', '1984-05-06', 2), 'valid', 1],
    ]),
  ];
}
