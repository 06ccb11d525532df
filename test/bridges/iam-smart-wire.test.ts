import { constants, generateKeyPairSync, publicEncrypt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  keyEncryptionKey,
  keyPaddings,
  openContent,
  openKey,
  sealContent,
  UntrustedContent,
} from '../../src/bridges/iam-smart/content.ts';
import { signatureOf, signedHeaders } from '../../src/bridges/iam-smart/signing.ts';
import { openIdOf } from '../../src/bridges/iam-smart/token.ts';

/** Vectors of reference 4.1, made by two independent implementations. */
describe('the wire', () => {
  const call = {
    clientId: 'edae2e2529ff46228af1e4d18c8405d1',
    secret: 'test-client-secret',
    timestamp: '1557048906183',
    nonce: 'e893647dc4204eb9b7b8eddd527b687c',
    body: '{"content":"AAAADA=="}',
  };
  it('signs as the vector', () => {
    expect(signatureOf(call, 'plain')).toBe('LFKEsm/56tBo/tffLFKaP7QWq3wrmVoZmYkVSKpOfHE=');
    expect(signatureOf(call, 'encoded')).toBe('LFKEsm%2F56tBo%2FtffLFKaP7QWq3wrmVoZmYkVSKpOfHE%3D');
    expect(signedHeaders(call, 'encoded')).toEqual({
      clientID: call.clientId,
      signatureMethod: 'HmacSHA256',
      signature: 'LFKEsm%2F56tBo%2FtffLFKaP7QWq3wrmVoZmYkVSKpOfHE%3D',
      timestamp: call.timestamp,
      nonce: call.nonce,
    });
  });
  it('the signature is over every part, and over the body as it is written', () => {
    const good = signatureOf(call, 'plain');
    for (const changes of [{ body: '' }, { body: '{"content": "AAAADA=="}' }, { nonce: 'x' }, { timestamp: '1' }])
      expect(signatureOf({ ...call, ...changes }, 'plain')).not.toBe(good);
  });

  const key = Buffer.alloc(32, 7);
  const plain = '{"code":"0ad186353c424c64897fcc00445c9ba1","grantType":"authorization_code"}';
  const sealed =
    'AAAADAEBAQEBAQEBAQEBAQ3D6tj02s408+S9RUEPRgKdyHfAKqNYJWwJelUA11WL8oY8hf8q5+FvUGQppgyP9/pPkHI4nMV9wzfTYLlQ7O/IkzdfYJNVQgc9Ox2yDZkyYbaUbJyAL41QxO/5';
  it('encrypts as the vector, and opens it', () => {
    expect(sealContent(key, plain, Buffer.alloc(12, 1))).toBe(sealed);
    expect(openContent(key, sealed)).toEqual(JSON.parse(plain));
  });
  it('never twice with the same IV', () => {
    expect(sealContent(key, plain)).not.toBe(sealContent(key, plain));
  });
  it('no byte can be changed unseen', () => {
    const bytes = Buffer.from(sealed, 'base64');
    for (let i = 0; i < bytes.length; i += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(i) ^ 0x10, i);
      expect(() => openContent(key, changed.toString('base64'))).toThrow(UntrustedContent);
    }
    for (const other of ['', 'AAAAD', sealed.slice(0, -4), `${sealed}\n`, sealed.replaceAll('+', '-')])
      expect(() => openContent(key, other)).toThrow(UntrustedContent);
  });

  it('content keys in each padding, and only in that one', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const own = keyEncryptionKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    const to = {
      pkcs1: publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, key),
      'oaep-sha1': publicEncrypt({ key: publicKey, oaepHash: 'sha1' }, key),
      'oaep-sha256': publicEncrypt({ key: publicKey, oaepHash: 'sha256' }, key),
    };
    for (const padding of keyPaddings) {
      expect(openKey(own, to[padding].toString('base64'), padding)).toEqual(key);
      for (const other of keyPaddings.filter((each) => each !== padding && each !== 'pkcs1'))
        expect(() => openKey(own, to[padding].toString('base64'), other)).toThrow(UntrustedContent);
    }
  });
  it('the key in each PEM, with its line breaks or without', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    for (const type of ['pkcs8', 'pkcs1'] as const) {
      const pem = privateKey.export({ type, format: 'pem' }).toString();
      for (const text of [pem, pem.replaceAll('\n', ''), pem.replaceAll('\n', '\r\n')])
        expect(keyEncryptionKey(text).equals(privateKey)).toBe(true);
    }
  });
  it('short and foreign keys are none', () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
    for (const each of [ec, short])
      expect(() => keyEncryptionKey(each.export({ type: 'pkcs8', format: 'pem' }).toString())).toThrow();
  });
});

describe('openID', () => {
  const plain = '+/abcDEF0123456789abcDEF+0123456789=';
  it('one encoding is taken off, no second one, and a plus stays a plus', () => {
    expect(openIdOf(encodeURIComponent(plain))).toBe(plain);
    expect(openIdOf(plain)).toBe(plain);
    expect(openIdOf(encodeURIComponent(encodeURIComponent(plain)))).toBeNull();
    expect(openIdOf(plain.replaceAll('+', ' '))).toBeNull();
  });
  it.each([
    '',
    ' ',
    'short',
    '%',
    '%E0%A4%A',
    'a'.repeat(301),
    'aaaaaaaaaaaaaaaa===',
    'ａａａａａａａａａａａａａａａａ',
  ])('none: %s', (value) => {
    expect(openIdOf(value)).toBeNull();
  });
});
