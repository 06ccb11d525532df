/** Full-width letters, digits and signs of Chinese and Japanese keyboards in ASCII (U+FF01 to U+FF5E), and half-width kana whole. */
export function foldWidth(text: string): string {
  return text.replaceAll(/[\uFF01-\uFF5E\uFF66-\uFF9F]+/gu, (run) => run.normalize('NFKC'));
}

/** Characters without a shape of their own: zero-width, joiners, variation selectors, marks of writing direction. */
export const invisible = /[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\uFFF9-\uFFFB]/gu;

/** Blanks, dashes and dots that people put between groups of a number, and keyboards put for each other. */
const ornament = /[\s\p{Pd}\u2212\u2043\u30FC_.·•‧∙⋅・。]/gu;

/**
 * The one folding of every number and code that somebody types or an upstream sends: width, case, and the ornament between
 * its groups. Digits of other scripts stay what they are and are refused by whoever expects ASCII.
 */
export function foldTyped(typed: string): string {
  return foldKeepingGroups(typed).replaceAll(ornament, '');
}

/** The same, with the ornament kept: for values in which a blank or a dash means something. */
export function foldKeepingGroups(typed: string): string {
  return typed.replaceAll(invisible, '').normalize('NFKC').toUpperCase().trim();
}
