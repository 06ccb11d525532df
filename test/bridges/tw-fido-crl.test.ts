import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { certificate, publicOf, revocationList } from '../../simulators/tw-fido/der.ts';
import { readList } from '../../src/bridges/tw-fido/crl.ts';
import { elements, NotDer, only, tags } from '../../src/bridges/tw-fido/der.ts';

const day = 24 * 3_600_000;
const [from, to] = [
  new Date(Math.floor(Date.now() / 1000) * 1000 - day),
  new Date(Math.floor(Date.now() / 1000) * 1000 + day),
];
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const authority = (by = key, name = 'authority') =>
  new X509Certificate(
    certificate({
      commonName: name,
      publicKey: publicOf(by),
      issuer: { name, key: by },
      serial: Buffer.from([7]),
      from,
      to,
      authority: true,
    }),
  );
const citizen = (serial: Buffer) =>
  new X509Certificate(
    certificate({
      commonName: 'c',
      publicKey: publicOf(key),
      issuer: { name: 'authority', key },
      serial,
      from,
      to,
      authority: false,
    }),
  );
/** The least significant bytes are the number; the first is below 0x80, so that it is positive. */
const serial = (n: number) => {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt8(0x41);
  bytes.writeUInt32BE(n, 12);
  return bytes;
};
const list = (serials: readonly Buffer[], by = key) =>
  revocationList({ issuer: { name: 'authority', key: by }, serials, from, to });

describe('a revocation list', () => {
  it.each([
    ['ecdsa', key],
    ['rsa', rsa],
  ])('says whose it is and who is on it: %s', (_, by) => {
    const read = readList(list([serial(1), serial(2)], by));
    expect(read.thisUpdate).toEqual(from);
    expect(read.nextUpdate).toEqual(to);
    expect(read.partial).toBeNull();
    expect(read.isOf(authority(by))).toBe(true);
    expect(read.isOf(authority(by, 'another'))).toBe(false);
    expect(read.isOf(authority(by === key ? rsa : key))).toBe(false);
    expect([1, 2, 3].map((n) => read.has(citizen(serial(n))))).toEqual([true, true, false]);
  });
  it('numbers with a zero in front are the same number', () => {
    const high = Buffer.concat([Buffer.from([0, 0x80]), Buffer.alloc(14, 9)]);
    expect(readList(list([high])).has(citizen(high))).toBe(true);
  });
  it('empty, and in PEM', () => {
    const der = list([]);
    const pem = `-----BEGIN X509 CRL-----\n${der.toString('base64')}\n-----END X509 CRL-----\n`;
    for (const body of [der, Buffer.from(pem)]) {
      expect(readList(body).has(citizen(serial(1)))).toBe(false);
      expect(readList(body).isOf(authority())).toBe(true);
    }
  });
  it('of a whole country is read at once', () => {
    // The entries of one, repeated: building so many with a library would take minutes.
    const one = list([serial(1)]);
    const [signed, algorithm, signature] = elements(only(one, tags.sequence).value);
    const parts = [...elements(signed?.value ?? Buffer.alloc(0))];
    const entries = parts.find(({ tag }, i) => tag === tags.sequence && i > 2);
    const [entry] = elements(entries?.value ?? Buffer.alloc(0));
    const many = Array.from({ length: 200_000 }, (_, n) => {
      const copy = Buffer.from(entry?.raw ?? Buffer.alloc(0));
      copy.writeUInt32BE(n, copy.indexOf(serial(1)) + 12);
      return copy;
    });
    const sequence = (contents: readonly Buffer[]) => {
      const body = Buffer.concat(contents);
      const head = Buffer.from([0x30, 0x84, 0, 0, 0, 0]);
      head.writeUInt32BE(body.length, 2);
      // The shortest form of the length, as DER wants it.
      const short = [...head.subarray(2)].findIndex((byte) => byte !== 0);
      return Buffer.concat([Buffer.from([0x30, 0x84 - short]), head.subarray(2 + short), body]);
    };
    const bigger = parts.map((part) => (part === entries ? sequence(many) : part.raw));
    const body = sequence([sequence(bigger), algorithm?.raw ?? Buffer.alloc(0), signature?.raw ?? Buffer.alloc(0)]);
    expect(body.length).toBeGreaterThan(6_000_000);
    const began = performance.now();
    const read = readList(body);
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(read.has(citizen(serial(199_999)))).toBe(true);
    expect(read.has(citizen(serial(200_000)))).toBe(false);
    // Nobody signed that.
    expect(read.isOf(authority())).toBe(false);
  });
  it('no byte of it can be changed unseen', () => {
    const der = list([serial(1)]);
    for (let i = 0; i < der.length; i += 1) {
      const changed = Buffer.from(der);
      changed.writeUInt8(changed.readUInt8(i) ^ 0x01, i);
      const believed = () => readList(changed).isOf(authority());
      let is = false;
      try {
        is = believed();
      } catch {
        // Not even a list any more.
      }
      expect(is, String(i)).toBe(false);
    }
  });
  it('what is none is an error, and never a hang', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => readList(Buffer.from(bytes))).toThrow();
      }),
    );
    const der = list([serial(1)]);
    for (const cut of [1, 10, der.length - 1]) expect(() => readList(der.subarray(0, cut))).toThrow();
    expect(() => readList(Buffer.concat([der, Buffer.from([0])]))).toThrow();
  });
});

describe('DER', () => {
  it.each(['3080', '308100', '30820001', '3085000000000100', '1f01', '30', '3003020101ff', '30020201'])(
    'takes one writing only: %s',
    (hex) => {
      expect(() => only(only(Buffer.from(hex, 'hex'), 0x30).value, 0x02)).toThrow(NotDer);
    },
  );
});
