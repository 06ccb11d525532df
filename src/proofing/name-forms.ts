/** Width, case, spaces and the middle dot's many code points do not make another person. */
const foldHan = (name: string) =>
  name
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[\s·•・‧⋅∙･]/gu, '');

/** Words of a romanised name: no accents, hyphens, commas or fillers of machine-readable lines. */
const words = (name: string) =>
  name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toUpperCase()
    .replace(/['’`.]/gu, '')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');

const isLatin = (name: string) => /\p{Script=Latin}/u.test(name) && !/\p{Script=Han}/u.test(name);

/**
 * Whether two romanised names are one: `CHAN, Tai-man`, `CHAN TAI MAN` and `Tai Man CHAN`. Hyphens and spaces vary from card to card and
 * either part may come first, but no letter may differ and no other order of words is taken.
 */
function sameLatin(a: string, b: string): boolean {
  const [left, right] = [words(a), words(b)];
  const whole = right.join('');
  return whole !== '' && left.some((_, i) => [...left.slice(i), ...left.slice(0, i)].join('') === whole);
}

/** Whether what a person typed is this name, in its own script or romanised. One script never matches the other. */
export function sameName(a: string, b: string): boolean {
  if (isLatin(a) || isLatin(b)) return isLatin(a) && isLatin(b) && sameLatin(a, b);
  return foldHan(a) === foldHan(b);
}
