import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  checkPasswordRules,
  createHashQueue,
  type HashQueue,
  hashPassword,
  needsRehash,
  verifyPassword,
} from '../../src/authenticators/password.ts';
import { ShiminError } from '../../src/lib/errors.ts';

const queue = createHashQueue();
const pepper = randomBytes(32);
const cost = { memoryKib: 1024, passes: 1, lanes: 1 };
const hash = (password: string) => hashPassword({ queue, pepper, password, cost });
const verify = (stored: string | null, password: string, key = pepper) =>
  verifyPassword({ queue, pepper: key, stored, password, cost });
const flaw = (password: string, context: string[] = []) => {
  const verdict = checkPasswordRules(password, { context });
  return verdict.ok ? null : verdict.reason;
};

describe('password rules', () => {
  it.each([
    ['short', 'too_short'],
    ['七个汉字不够', 'too_short'],
    ['x'.repeat(257), 'too_long'],
    ['市'.repeat(342), 'too_long'],
    ['x'.repeat(1 << 20), 'too_long'],
    ['password', 'common'],
    ['PassWord1', 'common'],
    ['ｐａｓｓｗｏｒｄ１', 'common'],
    ['woaini1314', 'common'],
    ['12345678', 'common'],
    ['aaaaaaaaaaaa', 'common'],
    ['hijklmnopq', 'common'],
    ['987654321', 'common'],
    ['shimin2026', 'guessable'],
    ['市民市民市民市民', 'guessable'],
    ['Citizen!!2026', 'guessable'],
  ])('refuses %.20s as %s', (password, reason) => {
    expect(flaw(password)).toBe(reason);
  });

  it.each(['+86 138 1234 5678', '13812345678'])(
    'refuses what contains the phone number %s and little else',
    (phone) => {
      for (const password of ['13812345678', '8613812345678', 'a12345678', '12345678ab', '345678345678']) {
        expect(flaw(password, [phone])).not.toBeNull();
      }
      expect(flaw('my cat ate 345678 fish', [phone])).toBeNull();
    },
  );

  it('refuses name and address', () => {
    expect(flaw('chenxiaoming1', ['Chen Xiaoming'])).toBe('guessable');
    expect(flaw('wang.li@example', ['wang.li@example.cn'])).toBe('guessable');
  });

  it('N-02 N-03 N-05 takes 64 to 256 characters, spaces, Chinese and emoji, and asks for no composition', () => {
    for (const password of [
      '我家门前有两棵树',
      'correct horse',
      '🐈🐕🐇🐢🐍🐎🐖🐑',
      'x1'.repeat(128),
      '   leading space',
      'zqjwpvkx',
    ]) {
      expect(flaw(password)).toBeNull();
    }
  });
});

describe('password hashing', () => {
  it('keeps scheme, cost and salt, and never twice the same', async () => {
    const [a, b] = await Promise.all([hash('correct horse'), hash('correct horse')]);
    expect(a).toMatch(/^\$argon2id\$v=19\$m=1024,(t=1,p=1|p=1,t=1)\$/);
    expect(a).not.toBe(b);
    expect(await verify(a, 'correct horse')).toBe(true);
    expect(await verify(a, 'correct horsf')).toBe(false);
  });

  it('N-14 is worth nothing without the pepper', async () => {
    expect(await verify(await hash('correct horse'), 'correct horse', randomBytes(32))).toBe(false);
  });

  it('B21 takes every byte: long pairs, NUL, spaces, case; one value for NFC and NFD', async () => {
    const long = 'x'.repeat(72);
    const pairs: [string, string, boolean][] = [
      [`${long}a`, `${long}b`, false],
      ['pass\0word', 'pass', false],
      ['pass\0word', 'pass\0wore', false],
      [' leading', 'leading', false],
      ['Case sensitive', 'case sensitive', false],
      ['caf\u00e9 caf\u00e9', 'cafe\u0301 cafe\u0301', true],
      ['🐈🐕🐇🐢', '🐈🐕🐇🐢', true],
      ['x'.repeat(256), 'x'.repeat(255), false],
    ];
    for (const [stored, input, same] of pairs) expect(await verify(await hash(stored), input)).toBe(same);
  });

  it('B05 B20 hashes for nobody as for somebody, once, and not at all for a megabyte', async () => {
    let hashes = 0;
    const counting: HashQueue = {
      run(work) {
        hashes += 1;
        return queue.run(work);
      },
    };
    const time = async (stored: string | null) => {
      const started = performance.now();
      await verifyPassword({ queue: counting, pepper, stored, password: 'wrong horse' });
      return performance.now() - started;
    };
    const stored = await hashPassword({ queue, pepper, password: 'correct horse' });
    const known: number[] = [];
    const unknown: number[] = [];
    for (let i = 0; i < 15; i += 1) {
      known.push(await time(stored));
      unknown.push(await time(null));
    }
    const median = (values: number[]) => values.toSorted((a, b) => a - b)[7] ?? 0;
    expect(hashes).toBe(30);
    // Taken in turns, so that a busy machine slows both; a hash at another cost would be off by more than this.
    const ratio = median(unknown) / median(known);
    expect([ratio > 0.4, ratio < 2.5], `${ratio}`).toEqual([true, true]);
    expect(await verify(null, 'correct horse')).toBe(false);
    expect(await verifyPassword({ queue: counting, pepper, stored, password: 'x'.repeat(1 << 20) })).toBe(false);
    expect(hashes).toBe(30);
  });

  it('asks for a new hash when the cost was raised', async () => {
    const stored = await hash('correct horse');
    expect(needsRehash(stored, cost)).toBe(false);
    expect(needsRehash(stored)).toBe(true);
  });
});

describe('the hash queue', () => {
  it('runs two at a time, in order', async () => {
    const two = createHashQueue({ concurrency: 2, maxWaiting: 10 });
    const order: number[] = [];
    let running = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        two.run(async () => {
          running += 1;
          most = Math.max(most, running);
          order.push(i);
          await new Promise((resolve) => setTimeout(resolve, 5));
          running -= 1;
        }),
      ),
    );
    expect(most).toBe(2);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('B20 says busy at once beyond its line, and recovers, failures included', async () => {
    const one = createHashQueue({ concurrency: 1, maxWaiting: 3 });
    const slow = () =>
      one.run(() => new Promise<never>((_, reject) => setTimeout(() => reject(new Error('broken')), 10)));
    const results = await Promise.allSettled(Array.from({ length: 500 }, slow));
    const busy = results.filter((r) => r.status === 'rejected' && r.reason instanceof ShiminError);
    expect(busy).toHaveLength(496);
    expect(busy[0]).toMatchObject({ reason: { code: 'service_busy', status: 503, retryAfter: 2 } });
    expect(await one.run(async () => 'fine')).toBe('fine');
  });
});
