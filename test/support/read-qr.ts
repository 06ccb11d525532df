/** Data codewords of each block at error correction M, by version (ISO/IEC 18004 table 9). */
const blocks: Readonly<Record<number, readonly number[]>> = {
  1: [16],
  2: [28],
  3: [44],
  4: [32, 32],
  5: [43, 43],
  6: [27, 27, 27, 27],
  7: [31, 31, 31, 31],
  8: [38, 38, 39, 39],
  9: [36, 36, 36, 37, 37],
};
const alignment: Readonly<Record<number, readonly number[]>> = { 7: [6, 22, 38], 8: [6, 24, 42], 9: [6, 26, 46] };
const masks: readonly ((row: number, column: number) => boolean)[] = [
  (i, j) => (i + j) % 2 === 0,
  (i) => i % 2 === 0,
  (_i, j) => j % 3 === 0,
  (i, j) => (i + j) % 3 === 0,
  (i, j) => (Math.floor(i / 2) + Math.floor(j / 3)) % 2 === 0,
  (i, j) => ((i * j) % 2) + ((i * j) % 3) === 0,
  (i, j) => (((i * j) % 2) + ((i * j) % 3)) % 2 === 0,
  (i, j) => (((i + j) % 2) + ((i * j) % 3)) % 2 === 0,
];

/** What a phone's camera would read out of a QR code of ours: the SVG's modules, without correcting errors (ISO/IEC 18004). */
export function readQr(svg: string, border = 2): string {
  const unit = 10;
  const dark = new Set<string>();
  for (const [, x, y] of svg.matchAll(/M(\d+),(\d+)h/g))
    dark.add(`${Number(y) / unit - border},${Number(x) / unit - border}`);
  const size = Number(/viewBox="0 0 (\d+)/.exec(svg)?.[1] ?? 0) / unit - 2 * border;
  const version = (size - 17) / 4;
  const lengths = blocks[version];
  if (lengths === undefined) throw new Error(`no QR code of ours: version ${version}`);
  const at = (row: number, column: number) => dark.has(`${row},${column}`);

  const formatBits = [0, 1, 2, 3, 4, 5, 7, 8].map((column) => at(8, column));
  const format = formatBits.reduce((bits, bit) => (bits << 1) | Number(bit), 0) ^ (0x5412 >> 7);
  const mask = masks[(format >> 3) & 7];
  if (format >> 6 !== 0 || mask === undefined) throw new Error('not of error correction M');

  const bits: number[] = [];
  for (const [row, column] of zigzag(size))
    if (!isFunction(version, size, row, column)) bits.push(Number(at(row, column) !== mask(row, column)));
  const words: number[] = [];
  for (let i = 0; i + 8 <= bits.length; i += 8) words.push(bits.slice(i, i + 8).reduce((sum, bit) => sum * 2 + bit, 0));
  return textOf(deinterleave(words, lengths), version);
}

function* zigzag(size: number): Generator<[number, number]> {
  let up = true;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right -= 1;
    for (let step = 0; step < size; step += 1) {
      const row = up ? size - 1 - step : step;
      yield [row, right];
      yield [row, right - 1];
    }
    up = !up;
  }
}

function isFunction(version: number, size: number, row: number, column: number): boolean {
  if (row === 6 || column === 6) return true;
  if ((row < 9 && column < 9) || (row < 9 && column >= size - 8) || (row >= size - 8 && column < 9)) return true;
  if (version >= 7 && ((row < 6 && column >= size - 11) || (column < 6 && row >= size - 11))) return true;
  const centres = version === 1 ? [] : (alignment[version] ?? [6, size - 7]);
  const corner = (a: number, b: number) =>
    (a === 6 && b === 6) || (a === 6 && b === size - 7) || (a === size - 7 && b === 6);
  return centres.some((a) => centres.some((b) => !corner(a, b) && Math.abs(row - a) <= 2 && Math.abs(column - b) <= 2));
}

function deinterleave(words: readonly number[], lengths: readonly number[]): number[] {
  const parts: number[][] = lengths.map(() => []);
  let next = 0;
  for (let i = 0; i < Math.max(...lengths); i += 1)
    for (const [block, length] of lengths.entries()) if (i < length) parts[block]?.push(words[next++] ?? 0);
  return parts.flat();
}

/** One segment in byte mode, which addresses need. */
function textOf(data: readonly number[], version: number): string {
  if (version > 9 || (data[0] ?? 0) >> 4 !== 4) throw new Error('not in byte mode');
  const nibbles = data.flatMap((byte) => [byte >> 4, byte & 15]).slice(1);
  const bytes = Array.from(
    { length: nibbles.length >> 1 },
    (_, i) => (nibbles[2 * i] ?? 0) * 16 + (nibbles[2 * i + 1] ?? 0),
  );
  return Buffer.from(bytes.slice(1, 1 + (bytes[0] ?? 0))).toString();
}
