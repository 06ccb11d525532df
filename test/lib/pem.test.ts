import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { pemsIn, rsaPrivateKey, rsaPublicKey, rsaPublicKeys } from '../../src/lib/pem.ts';

const pair = (bits: number) => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return {
    public: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    private: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
};
const [good, short] = [pair(2048), pair(1024)];
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
/** What a browser makes of a pasted key in a field of one line. */
const oneLine = (text: string) => text.replaceAll('\n', '');

describe('keys in settings', () => {
  it.each([
    ['as a file', good.public],
    ['in one line', oneLine(good.public)],
    ['with spaces for lines', good.public.replaceAll('\n', ' ')],
    ['with lines of Windows', good.public.replaceAll('\n', '\r\n')],
    ['with words around', `our key:\n${good.public}thanks`],
  ])('%s: one and the same', (_how, text) => {
    expect(pemsIn(text)).toEqual([good.public]);
    expect(rsaPublicKey.parse(text)).toBe(good.public);
    expect(rsaPublicKeys.parse(text)).toBe(good.public);
  });
  it('several, one after the other', () => {
    const other = pair(2048).public;
    expect(rsaPublicKeys.parse(oneLine(good.public + other))).toBe(good.public + other);
    expect(rsaPublicKey.safeParse(good.public + other).success).toBe(false);
    expect(rsaPrivateKey.parse(oneLine(good.private))).toBe(good.private);
  });
  it.each([
    ['nothing', ''],
    ['words', 'secret'],
    ['another label at the end', good.public.replace('END PUBLIC', 'END PRIVATE')],
    ['cut short', good.public.replace(/.{200}(?=\s*-----END)/s, '')],
    ['too short a key', short.public],
    ['another algorithm', ec.publicKey.export({ type: 'spki', format: 'pem' }).toString()],
    ['a private key where a public one belongs', good.private],
  ])('%s is refused, and not repeated', (_what, text) => {
    for (const shape of [rsaPublicKey, rsaPublicKeys]) {
      const parsed = shape.safeParse(text);
      expect(parsed.success).toBe(false);
      expect(parsed.error?.issues).toHaveLength(1);
      expect(parsed.error?.message).not.toMatch(/secret|MII/);
    }
  });
  it('a public key is no private one', () => {
    for (const text of [good.public, short.private, '']) expect(rsaPrivateKey.safeParse(text).success).toBe(false);
  });
});
