import { randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import { describe, expect, it } from 'vitest';
import { aaguidName } from '../../src/authenticators/aaguid-names.ts';
import { capped } from '../../src/authenticators/authenticator.ts';
import { authenticators, eventTemplates } from '../../src/authenticators/index.ts';
import { checkOneTimeCode, makeOneTimeCode } from '../../src/authenticators/one-time-code.ts';
import { createHashQueue } from '../../src/authenticators/password.ts';
import {
  hashRecoveryCode,
  hashRecoveryCodes,
  makeRecoveryCodes,
  normaliseRecoveryCode,
} from '../../src/authenticators/recovery-code.ts';
import { newTotpSecret, totpUri, verifyTotp } from '../../src/authenticators/totp.ts';
import { parseCode } from '../../src/commands/counter-rules.ts';

const pepper = randomBytes(32);
const now = new Date('2026-11-23T09:00:10Z');
const later = (ms: number) => new Date(now.getTime() + ms);

describe('one-time codes', () => {
  const binding = { pepper, purpose: 'sign-in', target: '+8613800000000', ceremony: 'c1', now };

  it('makes six digits, and a keep that does not give them away', () => {
    const { code, hash, expiresAt } = makeOneTimeCode(binding);
    expect(code).toMatch(/^\d{6}$/);
    expect(hash).not.toContain(code);
    expect(expiresAt - now.getTime()).toBe(600_000);
    expect(new Set(Array.from({ length: 50 }, () => makeOneTimeCode(binding).hash)).size).toBe(50);
  });

  it('takes the code as people type it', () => {
    const { code, hash } = makeOneTimeCode(binding);
    const wide = code.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
    for (const typed of [
      code,
      ` ${code} `,
      `${code.slice(0, 3)} ${code.slice(3)}`,
      `${code.slice(0, 3)}-${code.slice(3)}`,
      wide,
    ]) {
      expect(checkOneTimeCode({ ...binding, code: typed, hash })).toBe(true);
    }
  });

  it('B03 refuses another purpose, phone, ceremony or key, and anything not the code', () => {
    const { code, hash } = makeOneTimeCode(binding);
    const others = [
      { purpose: 'recover' },
      { target: '+8613900000000' },
      { ceremony: 'c2' },
      { pepper: randomBytes(32) },
    ];
    for (const other of others) expect(checkOneTimeCode({ ...binding, ...other, code, hash })).toBe(false);
    const wrong = String((Number(code) + 1) % 1_000_000).padStart(6, '0');
    for (const typed of [wrong, '', `${code}0`, code.slice(1), 'abcdef']) {
      expect(checkOneTimeCode({ ...binding, code: typed, hash })).toBe(false);
    }
  });

  it('N-23 ends after ten minutes, and its end cannot be moved', () => {
    const { code, hash } = makeOneTimeCode(binding);
    expect(checkOneTimeCode({ ...binding, now: later(599_999), code, hash })).toBe(true);
    expect(checkOneTimeCode({ ...binding, now: later(600_000), code, hash })).toBe(false);
    const moved = hash.replace(/^\d+/, String(now.getTime() + 9_999_999));
    expect(checkOneTimeCode({ ...binding, code, hash: moved })).toBe(false);
    for (const garbage of ['', '.', 'a.b.c.d', 'NaN..'])
      expect(checkOneTimeCode({ ...binding, code, hash: garbage })).toBe(false);
  });
});

describe('authenticator app codes', () => {
  const secret = newTotpSecret();
  const at = (ms: number) => new TOTP({ secret }).generate({ timestamp: now.getTime() + ms });
  const step = Math.floor(now.getTime() / 30_000);

  it('has a 160-bit secret and the address apps understand', () => {
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(totpUri({ secret, issuer: '市民', label: '138****0000' })).toMatch(
      /^otpauth:\/\/totp\/.*secret=.*algorithm=SHA1&digits=6&period=30/,
    );
  });

  it('N-30 takes the present step and one on either side, nothing else', () => {
    expect(verifyTotp({ secret, code: at(0), now, lastStep: null })).toEqual({ ok: true, step });
    expect(verifyTotp({ secret, code: at(-30_000), now, lastStep: null })).toEqual({ ok: true, step: step - 1 });
    expect(verifyTotp({ secret, code: at(30_000), now, lastStep: 0 })).toEqual({ ok: true, step: step + 1 });
    for (const ms of [-60_000, 60_000, 3_600_000]) {
      expect(verifyTotp({ secret, code: at(ms), now, lastStep: null })).toEqual({ ok: false, reason: 'code_wrong' });
    }
  });

  it('N-31 takes a step once, and none before it', () => {
    expect(verifyTotp({ secret, code: at(0), now, lastStep: step })).toEqual({ ok: false, reason: 'code_replayed' });
    expect(verifyTotp({ secret, code: at(-30_000), now, lastStep: step })).toEqual({
      ok: false,
      reason: 'code_replayed',
    });
    expect(verifyTotp({ secret, code: at(30_000), now, lastStep: step })).toEqual({ ok: true, step: step + 1 });
  });

  it('refuses what is no code', () => {
    for (const code of ['', '12345', '1234567', 'abcdef', '-12345', `${at(0)}\0`]) {
      expect(verifyTotp({ secret, code, now, lastStep: null })).toEqual({ ok: false, reason: 'code_wrong' });
    }
  });
});

describe('recovery codes', () => {
  const queue = createHashQueue();
  const hash = (code: string, accountId = 'a1', key = pepper) =>
    hashRecoveryCode({ queue, pepper: key, accountId, code });

  it('N-53 are ten, of 80 bits, without letters that are misread', () => {
    const codes = makeRecoveryCodes();
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/);
  });

  it('reads what people type', () => {
    expect(normaliseRecoveryCode(' 0o1l-iabc 2345–6789 ')).toBe('0011-1ABC-2345-6789');
    expect(normaliseRecoveryCode('００１１１ＡＢＣ２３４５６７８９')).toBe('0011-1ABC-2345-6789');
    for (const bad of [
      '',
      '0011-1ABC-2345',
      '0011-1ABC-2345-678U',
      '0011-1ABC-2345-67890',
      '市'.repeat(16),
      '0'.repeat(1000),
    ]) {
      expect(normaliseRecoveryCode(bad)).toBeNull();
    }
  });

  it('B18 N-19 stores a salted slow keyed hash: the same for the account, other for another account or pepper', async () => {
    const [code = ''] = makeRecoveryCodes(1);
    const stored = await hash(code);
    expect(stored).toMatch(/^[\w-]{43}$/);
    expect(await hash(code.toLowerCase().replaceAll('-', ' '))).toBe(stored);
    expect(await hash(code, 'a2')).not.toBe(stored);
    expect(await hash(code, 'a1', randomBytes(32))).not.toBe(stored);
    expect(await hash('not a code')).toBeNull();
    expect(await hashRecoveryCodes({ queue, pepper, accountId: 'a1', codes: [code] })).toEqual([stored]);
  });
});

describe('every code, by the one folding of what is typed', () => {
  const spelled = (code: string) => [
    code.replaceAll(/[0-9A-Z]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)),
    [...code].join(' '),
    [...code].join('\u3000'),
    [...code].join('.'),
    [...code].join('—'),
    `\u200E${code}\uFEFF`,
    code.toLowerCase(),
  ];
  it('one-time codes, app codes, recovery codes, counter codes', () => {
    const binding = { pepper, purpose: 'register', target: '+8613800138000', ceremony: 'c', now };
    const { code, hash } = makeOneTimeCode(binding);
    for (const each of spelled(code)) expect(checkOneTimeCode({ ...binding, code: each, hash }), each).toBe(true);

    const secret = newTotpSecret();
    const token = new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: now.getTime() });
    for (const each of spelled(token))
      expect(verifyTotp({ secret, code: each, now, lastStep: null }).ok, each).toBe(true);

    for (const each of spelled('0011-1ABC-2345-6789'))
      expect(normaliseRecoveryCode(each), each).toBe('0011-1ABC-2345-6789');
    for (const each of spelled('3479ACDE')) expect(parseCode(each), each).toBe('3479ACDE');
  });
});

describe('the registry', () => {
  it('lets nothing but a passkey resist phishing, and puts an alternative beside SMS', () => {
    for (const traits of Object.values(authenticators)) {
      expect(traits.phishingResistant).toBe(traits.method === 'passkey');
      expect(traits.restricted).toBe(traits.method === 'sms_code');
      expect(traits.throttled).toBe(traits.method !== 'passkey');
    }
  });

  it('has templates within its own caps', () => {
    const templates = [
      eventTemplates.password(),
      eventTemplates.totp('t1'),
      eventTemplates.sms_code(),
      eventTemplates.recovery_code(),
    ];
    for (const template of templates) {
      if (template.method === 'bridge') throw new Error('not ours');
      expect(capped(authenticators[template.method], template)).toEqual(template);
    }
    const boast = {
      ...eventTemplates.password(),
      factors: ['knowledge', 'inherence'] as const,
      phishingResistant: true,
      deviceBound: true,
    };
    expect(capped(authenticators.password, boast)).toEqual(eventTemplates.password());
  });

  it('names well-known passkey homes and no others', () => {
    expect(aaguidName('fbfc3007-154e-4ecc-8c0b-6e020557d7bd')).toBe('Apple Passwords');
    expect(aaguidName('00000000-0000-0000-0000-000000000000')).toBeNull();
    expect(aaguidName('constructor')).toBeNull();
  });
});
