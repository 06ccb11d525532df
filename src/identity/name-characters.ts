/**
 * Ideographs that old mainland systems write in private-use code points: GBK's FE50 to FEA0 as U+E815 to U+E864, with the
 * characters that GB 18030 (2000, 2005, 2022) gives them since. A space: the code is a component, and no character of a name.
 */
const gbkPrivate =
  ' \u{20087}\u{20089}\u{200CC} 㑳㑇  龴㖞㘚㘎  㥮㤘龵㧏㧟㩳㧐龶龷㭎㱮㳠 \u{215D7}龸 䁖䅟 䌷   \u{2298F}䎱䎬 䏝䓖䙡䙌龹䜣䜩䝼䞍 䥇䥺䥽䦂䦃䦅䦆䦟䦛䦷䦶龺\u{241FE}䲣䲟䲠䲡䱷䲢䴓䴔䴕䴖䴗䴘䴙䶮龻';
const fromGbk = [...gbkPrivate];

/** Private-use characters with a known meaning become the characters they stand for; the others stay. */
export function withoutPrivateUse(text: string): string {
  return text.replaceAll(/[\uE815-\uE864]/gu, (c) => {
    const meant = fromGbk[c.charCodeAt(0) - 0xe815] ?? ' ';
    return meant === ' ' ? c : meant;
  });
}

/** An ideograph, or a private-use character that stands for one nobody here knows. */
export const ideograph = /[\p{Script=Han}\u3007\p{Co}]/u;

/** Look-alikes of the middle dot that keyboards, scanners and upstreams put in names of minorities. */
export const dots = /[\u00B7\u2022\u2027\u22C5\u2219\u30FB\uFF65\u0387\u2024\u2E31\u2E33\uA78F\u318D\u3002\uFF61.]/gu;

/** Whether it is a name in ideographs alone, whatever dots and blanks are between them. */
export function isIdeographic(text: string): boolean {
  const letters = text.replaceAll(dots, '').replaceAll(/\s/gu, '');
  return letters !== '' && [...letters].every((c) => ideograph.test(c));
}

const scripts = [
  ['Latn', /^\p{Script=Latin}+$/u],
  ['Cyrl', /^\p{Script=Cyrillic}+$/u],
  ['Grek', /^\p{Script=Greek}+$/u],
  ['Arab', /^\p{Script=Arabic}+$/u],
  ['Hebr', /^\p{Script=Hebrew}+$/u],
  ['Thai', /^\p{Script=Thai}+$/u],
  ['Deva', /^\p{Script=Devanagari}+$/u],
  ['Tibt', /^\p{Script=Tibetan}+$/u],
  ['Mong', /^\p{Script=Mongolian}+$/u],
  ['Kore', /^\p{Script=Hangul}+$/u],
  ['Hani', /^[\p{Script=Han}\u3007\p{Co}]+$/u],
  ['Jpan', /^[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]+$/u],
] as const;

/** Scripts that names can be compared within (ISO 15924); `mixed`: several, or one that is not listed. */
export type NameScript = (typeof scripts)[number][0] | 'mixed';

/** The script of a name's letters. */
export function scriptOf(name: string): NameScript {
  const letters = [...name].filter((c) => /[\p{L}\p{Co}\u3007]/u.test(c)).join('');
  return scripts.find(([, form]) => form.test(letters))?.[0] ?? 'mixed';
}
