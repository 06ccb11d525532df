/** One element of DER: its tag, its contents, and all of it. */
export interface Element {
  readonly tag: number;
  readonly value: Buffer;
  readonly raw: Buffer;
}

export const tags = { integer: 0x02, bitString: 0x03, utcTime: 0x17, time: 0x18, sequence: 0x30, first: 0xa0 } as const;

export class NotDer extends Error {}

/**
 * Elements that stand one after the other. Lists of a whole country's lost cards have more elements than libraries read
 * (asn1js stops at some ten thousand), and nothing of them is needed but the numbers: so they are walked and never built.
 */
export function* elements(der: Buffer): Generator<Element> {
  for (let at = 0; at < der.length; ) {
    const { head, length } = lengthAt(der, at);
    const end = at + head + length;
    if (end > der.length) throw new NotDer('ends too early');
    yield { tag: der.readUInt8(at), value: der.subarray(at + head, end), raw: der.subarray(at, end) };
    at = end;
  }
}

/** The only element there may be, of this kind. */
export function only(der: Buffer, tag: number): Element {
  const [one, more] = elements(der);
  if (one?.tag !== tag || more !== undefined) throw new NotDer('is something else');
  return one;
}

/** Definite lengths in their shortest form, up to 2^32: what DER allows and what fits into an answer. */
function lengthAt(der: Buffer, at: number): { head: number; length: number } {
  // Tags above 30 take more bytes; neither certificates nor lists have any.
  if (at + 2 > der.length || (der.readUInt8(at) & 0x1f) === 0x1f) throw new NotDer('tag');
  const first = der.readUInt8(at + 1);
  if (first < 0x80) return { head: 2, length: first };
  const bytes = first & 0x7f;
  if (bytes === 0 || bytes > 4 || at + 2 + bytes > der.length) throw new NotDer('length');
  const length = der.readUIntBE(at + 2, bytes);
  if (length < 0x80 || length < 2 ** (8 * (bytes - 1))) throw new NotDer('length is not the shortest');
  return { head: 2 + bytes, length };
}
