import { writeFileSync } from 'node:fs';
import { residentId } from './lib/gb11643.ts';
import type { TestPerson } from './people.ts';

/** Writes people.json; run it after changing the list: `node simulators/make-people.ts`. */
const mainland = (
  id: string,
  fate: string,
  zh: string,
  latin: string,
  birthDate: string,
  sequence: number,
  phone: string,
  status: 'active' | 'deceased' | 'cancelled' = 'active',
): TestPerson => ({
  id,
  fate,
  category: 'mainland',
  names: { 'zh-Hans': zh, latin },
  documents: [{ type: 'cn_resident_id', number: residentId('440305', birthDate, sequence) }],
  birthDate,
  phone,
  sources: { population: { name: zh, status } },
});

const elsewhere = (
  id: string,
  category: TestPerson['category'],
  fate: string,
  names: Record<string, string>,
  documents: TestPerson['documents'],
  birthDate: string,
  phone: string,
): TestPerson => ({ id, fate, category, names, documents, birthDate, phone, sources: {} });

const people: TestPerson[] = [
  mainland('li-xiaoming', 'plain', '李晓明', 'LI XIAOMING', '1988-06-15', 121, '+8613800138001'),
  mainland('chen-jiayi', 'plain', '陈嘉怡', 'CHEN JIAYI', '1995-02-28', 242, '+8613800138002'),
  mainland('wang-jianguo', 'old person: large print', '王建国', 'WANG JIANGUO', '1944-10-01', 33, '+8613800138003'),
  mainland('zhao-defu', 'deceased', '赵德福', 'ZHAO DEFU', '1951-03-09', 55, '+8613800138004', 'deceased'),
  mainland(
    'sun-meiling',
    'record cancelled',
    '孙美玲',
    'SUN MEILING',
    '1979-12-12',
    264,
    '+8613800138005',
    'cancelled',
  ),
  mainland('zhang-wei-1', 'same name', '张伟', 'ZHANG WEI', '1990-01-01', 111, '+8613800138006'),
  mainland('zhang-wei-2', 'same name', '张伟', 'ZHANG WEI', '1991-11-11', 113, '+8613800138007'),
  mainland(
    'rare-character',
    'rare character (Unicode extension B)',
    '黄𠮷',
    'HUANG JI',
    '1983-04-05',
    171,
    '+8613800138008',
  ),
  mainland(
    'middle-dot',
    'name with a middle dot',
    '阿卜杜拉·买买提',
    'ABDULLA MEMET',
    '1986-09-20',
    191,
    '+8613800138009',
  ),
  mainland('minor', 'minor', '何子涵', 'HE ZIHAN', '2014-05-30', 205, '+8613800138010'),
  mainland(
    'one-character',
    'two-character name with a compound surname',
    '欧阳雪',
    'OUYANG XUE',
    '1999-08-08',
    226,
    '+8613800138011',
  ),
  elsewhere(
    'chan-tai-man',
    'hong_kong',
    'plain',
    { 'zh-Hant': '陳大文', latin: 'CHAN TAI MAN' },
    [
      { type: 'hk_id', number: 'A123456(3)' },
      { type: 'cn_hm_travel_permit', number: 'H12345678' },
      { type: 'cn_hmt_residence_permit', number: '810000198503031018' },
    ],
    '1985-03-03',
    '+85291234567',
  ),
  elsewhere(
    'ho-ka-i',
    'macao',
    'plain',
    { 'zh-Hant': '何嘉儀', pt: 'HO KA I' },
    [
      { type: 'cn_hm_travel_permit', number: 'M12345678' },
      { type: 'mo_bir', number: '1234567(8)' },
      { type: 'cn_hmt_residence_permit', number: '82000019920707102X' },
    ],
    '1992-07-07',
    '+85366123456',
  ),
  elsewhere(
    'lin-yi-chun',
    'taiwan',
    'plain',
    { 'zh-Hant': '林宜君', latin: 'LIN YI CHUN' },
    [
      { type: 'tw_national_id', number: 'A123456789' },
      { type: 'cn_tw_travel_permit', number: '05616820' },
      { type: 'cn_hmt_residence_permit', number: '830000199010101020' },
    ],
    '1990-10-10',
    '+886912345678',
  ),
  elsewhere(
    'tan-wei-ming',
    'foreign',
    'Singpass holder',
    { latin: 'TAN WEI MING' },
    [
      { type: 'sg_nric', number: 'S1234567D' },
      { type: 'cn_foreign_pr_18', number: '944702198001201017' },
    ],
    '1980-01-20',
    '+6591234567',
  ),
  mainland('one-ideograph', 'name of one character', '雪', 'XUE', '1997-03-12', 61, '+8613800138012'),
  mainland(
    'private-use',
    'character that old systems write in a private-use code (U+E863)',
    '石䶮',
    'SHI YAN',
    '1993-09-09',
    93,
    '+8613800138013',
  ),
];

writeFileSync(new URL('./people.json', import.meta.url), `${JSON.stringify(people, null, 2)}\n`);
