import type { prng } from '../lib/prng.ts';

/** A name as documents have it: in its own script, in simplified characters, romanised. */
export interface Names {
  readonly native: string;
  readonly simplified: string | null;
  readonly latin: string;
}

export type Place = 'hong_kong' | 'macao' | 'taiwan';

/** Traditional, simplified, and how Hong Kong, Macao and Taiwan romanise it. */
type Syllable = readonly [string, string, string, string, string];

const surnames: readonly Syllable[] = [
  ['陳', '陈', 'CHAN', 'CHAN', 'CHEN'],
  ['黃', '黄', 'WONG', 'WONG', 'HUANG'],
  ['李', '李', 'LEE', 'LEI', 'LI'],
  ['張', '张', 'CHEUNG', 'CHEONG', 'CHANG'],
  ['林', '林', 'LAM', 'LAM', 'LIN'],
  ['梁', '梁', 'LEUNG', 'LEONG', 'LIANG'],
  ['何', '何', 'HO', 'HO', 'HO'],
  ['吳', '吴', 'NG', 'NG', 'WU'],
  ['劉', '刘', 'LAU', 'LAO', 'LIU'],
  ['鄭', '郑', 'CHENG', 'CHEANG', 'CHENG'],
  ['馮', '冯', 'FUNG', 'FONG', 'FENG'],
  ['葉', '叶', 'YIP', 'IP', 'YEH'],
  ['許', '许', 'HUI', 'HOI', 'HSU'],
  ['蔡', '蔡', 'CHOI', 'CHOI', 'TSAI'],
  ['謝', '谢', 'TSE', 'CHE', 'HSIEH'],
  ['郭', '郭', 'KWOK', 'KUOK', 'KUO'],
  ['羅', '罗', 'LAW', 'LO', 'LO'],
  ['余', '余', 'YU', 'U', 'YU'],
  ['歐陽', '欧阳', 'AU YEUNG', 'AO IEONG', 'OU-YANG'],
];

const given: readonly Syllable[] = [
  ['大', '大', 'TAI', 'TAI', 'TA'],
  ['文', '文', 'MAN', 'MAN', 'WEN'],
  ['小', '小', 'SIU', 'SIO', 'HSIAO'],
  ['玲', '玲', 'LING', 'LENG', 'LING'],
  ['嘉', '嘉', 'KA', 'KA', 'CHIA'],
  ['儀', '仪', 'YEE', 'I', 'YI'],
  ['宜', '宜', 'YEE', 'I', 'YI'],
  ['君', '君', 'KWAN', 'KUAN', 'CHUN'],
  ['偉', '伟', 'WAI', 'WAI', 'WEI'],
  ['強', '强', 'KEUNG', 'KEONG', 'CHIANG'],
  ['國', '国', 'KWOK', 'KUOK', 'KUO'],
  ['麗', '丽', 'LAI', 'LAI', 'LI'],
  ['華', '华', 'WAH', 'WA', 'HUA'],
  ['俊', '俊', 'CHUN', 'CHON', 'CHUN'],
  ['傑', '杰', 'KIT', 'KIT', 'CHIEH'],
  ['穎', '颖', 'WING', 'WENG', 'YING'],
  ['詩', '诗', 'SZE', 'SI', 'SHIH'],
  ['慧', '慧', 'WAI', 'WAI', 'HUI'],
  ['敏', '敏', 'MAN', 'MAN', 'MIN'],
  ['芳', '芳', 'FONG', 'FONG', 'FANG'],
  ['雲', '云', 'WAN', 'WAN', 'YUN'],
  ['龍', '龙', 'LUNG', 'LONG', 'LUNG'],
  ['鳳', '凤', 'FUNG', 'FONG', 'FENG'],
  ['貴', '贵', 'KWAI', 'KUAI', 'KUEI'],
  ['婷', '婷', 'TING', 'TENG', 'TING'],
  ['豪', '豪', 'HO', 'HOU', 'HAO'],
];

const simplifiedOf = new Map<string, string>(
  [...surnames, ...given].flatMap(([from, to]) => {
    const simplified = [...to];
    return [...from].map((character, i): [string, string] => [character, simplified[i] ?? character]);
  }),
);
const column = { hong_kong: 2, macao: 3, taiwan: 4 } as const satisfies Record<Place, number>;

/** In simplified characters, as a mainland keyboard writes it; for the characters that these people have. */
export const simplify = (name: string): string =>
  [...name].map((character) => simplifiedOf.get(character) ?? character).join('');

export function chineseName(random: ReturnType<typeof prng>, place: Place): Names {
  const surname = random.pick(surnames);
  const parts = random.next() < 0.85 ? [random.pick(given), random.pick(given)] : [random.pick(given)];
  const native = surname[0] + parts.map(([character]) => character).join('');
  const latin = parts.map((part) => part[column[place]]).join(place === 'taiwan' ? '-' : ' ');
  const comma = place === 'taiwan' ? ',' : '';
  return { native, simplified: simplify(native), latin: `${surname[column[place]]}${comma} ${latin}` };
}

const families = ['SHARMA', 'GURUNG', 'DA SILVA', 'SMITH', "O'NEIL", 'MÜLLER', 'NGUYEN', 'ROZARIO', 'KIM', 'IVANOVA'];
const firsts = ['RAVI', 'MARIA', 'JOHN', 'ANNE-MARIE', 'PEDRO', 'LUIS MIGUEL', 'GRACE', 'ANNA', 'MIN-JUN', 'THI MAI'];

/** People without a Chinese name, or with one that their document does not show. */
export function foreignName(random: ReturnType<typeof prng>): Names {
  const latin = `${random.pick(families)}, ${random.pick(firsts)}`;
  return { native: latin, simplified: null, latin };
}
