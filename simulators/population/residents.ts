import { createHash } from 'node:crypto';
import { residentId } from '../lib/gb11643.ts';
import { prng } from '../lib/prng.ts';

export interface Resident {
  readonly number: string;
  readonly name: string;
  /** YYYY-MM-DD. */
  readonly birthDate: string;
  readonly status: 'active' | 'deceased' | 'cancelled';
  /** Stand-in for the photo on file. */
  readonly photo: string;
}

const surnames = [
  ...'王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江阎薛尹段雷黎史龙陶贺顾毛郝龚邵万',
  '欧阳',
  '司徒',
  '上官',
  '诸葛',
];
const given = [
  ...'伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建文梅鹏辉健林鑫雪飞慧宇婷浩晨欣怡子轩涵梓悦思睿博嘉佳琪俊豪雨泽诗语',
];
/** Rare characters of Unicode extensions, which names of real people have. */
const rare = ['𠮷', '㛃', '䶮', '𬭎', '𣸣', '𫖯', '喆', '淼'];
const withDot = [
  ['阿卜杜拉', '买买提'],
  ['古丽娜尔', '阿不都热合曼'],
  ['迪丽拜尔', '吾买尔'],
  ['艾力', '尼牙孜'],
];
const regions = [
  '440301',
  '440303',
  '440304',
  '440305',
  '440306',
  '440307',
  '440308',
  '440309',
  '440310',
  '440311',
  '440104',
  '440106',
  '430102',
  '420106',
  '510104',
  '610113',
  '330106',
  '310104',
  '110105',
  '650102',
];

const two = (n: number) => String(n).padStart(2, '0');

export function photoOf(number: string): string {
  return createHash('sha256').update(`photo of ${number}`).digest('hex').slice(0, 32);
}

/** `count` residents, always the same for the same seed; numbers don't repeat. */
export function makeResidents(count: number, seed = 20261123): Resident[] {
  const random = prng(seed);
  const taken = new Set<string>();
  const residents: Resident[] = [];
  while (residents.length < count) {
    const birthDate = `${1930 + random.int(90)}-${two(1 + random.int(12))}-${two(1 + random.int(28))}`;
    const number = residentId(random.pick(regions), birthDate, 1 + random.int(998));
    if (taken.has(number)) continue;
    taken.add(number);
    const fate = random.next();
    residents.push({
      number,
      name: makeName(random),
      birthDate,
      status: fate < 0.02 ? 'deceased' : fate < 0.03 ? 'cancelled' : 'active',
      photo: photoOf(number),
    });
  }
  return residents;
}

function makeName(random: ReturnType<typeof prng>): string {
  const kind = random.next();
  if (kind < 0.01) {
    const [first = '', last = ''] = random.pick(withDot);
    return `${first}·${last}`;
  }
  const surname = random.pick(surnames);
  if (kind < 0.02) return surname + random.pick(rare);
  return surname + random.pick(given) + (random.next() < 0.75 ? random.pick(given) : '');
}
