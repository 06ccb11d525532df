import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  blindIndex,
  deriveKey,
  type Keyring,
  makeKeyring,
  newId,
  newPersonKey,
  open,
  openFor,
  parseKeyring,
  randomDigits,
  randomToken,
  resealPersonKey,
  seal,
  sealFor,
  sha256b64u,
  timingSafeEqualStrings,
} from '../../src/lib/crypto.ts';

const keyring = parseKeyring(makeKeyring());
const other = parseKeyring(makeKeyring());
const text = fc.string({ unit: 'grapheme', maxLength: 200 });

describe('sealing', () => {
  it('opens what it sealed, whatever the text and context', () => {
    fc.assert(
      fc.property(text, text, (plaintext, context) => {
        expect(open(keyring, seal(keyring, plaintext, context), context)).toBe(plaintext);
      }),
    );
  });

  it('opens in no other context', () => {
    fc.assert(
      fc.property(text, text, text, (plaintext, context, elsewhere) => {
        fc.pre(context !== elsewhere);
        expect(() => open(keyring, seal(keyring, plaintext, context), elsewhere)).toThrow(/does not open/);
      }),
    );
  });

  it('opens after no change of any byte', () => {
    const sealed = seal(keyring, '440106199001010017', 'c');
    const [version = '', id = '', body = ''] = sealed.split('.');
    const bytes = Buffer.from(body, 'base64url');
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const altered = Buffer.from(bytes);
        altered[at] = (altered[at] ?? 0) ^ flip;
        expect(() => open(keyring, `${version}.${id}.${altered.toString('base64url')}`, 'c')).toThrow(/does not open/);
      }),
    );
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => open(keyring, `${version}.${id}.${bytes.subarray(0, length).toString('base64url')}`, 'c')).toThrow();
    }
  });

  it('never makes the same envelope twice and shows nothing of the text', () => {
    const envelopes = new Set(Array.from({ length: 200 }, () => seal(keyring, 'same', 'c')));
    expect(envelopes.size).toBe(200);
  });

  it.each(['', 'v1', 'v1.x', 'v2.a.b', 'p1.a', 'v1.a.b.c'])('refuses %j', (sealed) => {
    expect(() => open(keyring, sealed, 'c')).toThrow();
  });

  it('names the key that is missing, and keeps opening with older keys after a rotation', () => {
    const sealed = seal(keyring, 'old', 'c');
    expect(() => open(other, sealed, 'c')).toThrow(expect.objectContaining({ code: 'key_missing' }));
    const rotated: Keyring = { ...keyring, current: other.current, keks: { ...keyring.keks, ...other.keks } };
    expect(open(rotated, sealed, 'c')).toBe('old');
    expect(seal(rotated, 'new', 'c').startsWith(`v1.${other.current}.`)).toBe(true);
    expect(() => open({ ...keyring, current: '__proto__' }, 'v1.__proto__.AAAA', 'c')).toThrow(
      expect.objectContaining({ code: 'key_missing' }),
    );
  });

  it("opens a person's facts with that person's key only, before and after resealing it", () => {
    const [a, b] = [newPersonKey(keyring).sealedKey, newPersonKey(keyring).sealedKey];
    const sealed = sealFor(keyring, a, '张伟', 'name');
    expect(openFor(keyring, a, sealed, 'name')).toBe('张伟');
    expect(openFor(keyring, resealPersonKey(keyring, a), sealed, 'name')).toBe('张伟');
    expect(() => openFor(keyring, b, sealed, 'name')).toThrow();
    expect(() => openFor(keyring, a, sealed, 'number')).toThrow();
    expect(() => openFor(keyring, a, seal(keyring, 'x', 'name'), 'name')).toThrow(/not a sealed value/);
  });
});

describe('fingerprints and keys', () => {
  it('fold case, width and outer blanks, and differ by domain and by key', () => {
    const index = blindIndex(keyring, 'document', '11010519491231002X');
    expect(blindIndex(keyring, 'document', ' １１０１０５１９４９１２３１００２ｘ ')).toBe(index);
    expect(blindIndex(keyring, 'phone', '11010519491231002X')).not.toBe(index);
    expect(blindIndex(other, 'document', '11010519491231002X')).not.toBe(index);
    expect(index).toMatch(/^[\w-]{43}$/);
  });

  it('derives the same key for the same purpose and another one for any other', () => {
    expect(deriveKey(keyring, 'csrf')).toEqual(deriveKey(keyring, 'csrf'));
    expect(deriveKey(keyring, 'csrf')).not.toEqual(deriveKey(keyring, 'csrf2'));
    expect(deriveKey(keyring, 'csrf', 16)).toHaveLength(16);
  });

  it('refuses a secrets file with a short, missing, unknown or dangling key, without quoting it', () => {
    const json = makeKeyring();
    const bad = [
      {},
      null,
      { ...json, pepper: 'c2hvcnQ' },
      { ...json, cookieKeys: [] },
      { ...json, current: 'x' },
      { ...json, extra: 1 },
    ];
    for (const ring of bad)
      expect(() => parseKeyring(ring)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    expect(() => parseKeyring({ ...json, pepper: 'c2hvcnQ' })).toThrow(/^((?!c2hvcnQ).)*pepper((?!c2hvcnQ).)*$/);
  });
});

describe('random and comparison', () => {
  it('makes ids that sort by time, tokens and digits of the asked length', () => {
    const ids = Array.from({ length: 50 }, newId);
    expect(ids.toSorted()).toEqual(ids);
    expect(randomToken()).toMatch(/^[\w-]{43}$/);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), (n) => {
        expect(randomDigits(n)).toMatch(new RegExp(`^\\d{${n}}$`));
      }),
    );
  });

  it('compares like ===', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(timingSafeEqualStrings(a, b)).toBe(a === b);
      }),
    );
    expect(timingSafeEqualStrings('a', 'a')).toBe(true);
  });

  it('hashes as RFC 6234 has it', () => {
    expect(sha256b64u('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
  });
});
