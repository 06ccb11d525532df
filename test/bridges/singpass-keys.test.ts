import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newKey, newKeySet, singpass, singpassJwks } from '../../src/bridges/singpass/index.ts';
import { request, type SingpassCity, startSingpass } from './singpass-support.ts';

let city: SingpassCity;
/** Where our public keys stand, as the composition root serves them. */
let home: Server;
let published: object = {};
let address = '';
beforeAll(async () => {
  city = await startSingpass();
  home = createServer((_request, response) => response.end(JSON.stringify(published)));
  await new Promise<void>((resolve) => home.listen(0, 'localhost', resolve));
  address = `http://localhost:${(home.address() as AddressInfo).port}/jwks`;
});
afterAll(() => {
  city.close();
  home.closeAllConnections();
  home.close();
});

const signIn = async (keys: string) => {
  const { own, result } = await city.signIn('tan-wei-ming', {}, city.bridge({ keys }));
  return { own, outcome: (await result()).outcome };
};
const set = (...keys: object[]) => JSON.stringify({ keys });
const settings = (keys: string) => ({ ...city.settings(), keys });

describe('our keys', () => {
  it('published are the public halves, each by its name, and nothing of ours', async () => {
    const keys = await newKeySet();
    const jwks = singpassJwks(settings(keys));
    expect(jwks.keys.map(({ use, alg }) => [use, alg])).toEqual([
      ['sig', 'ES256'],
      ['enc', 'ECDH-ES+A256KW'],
    ]);
    for (const key of jwks.keys)
      expect(Object.keys(key).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    expect(new Set(jwks.keys.map(({ kid }) => kid)).size).toBe(2);
  });

  it('rotate with an overlap, and nobody notices', async () => {
    const [sig, nextSig, enc, nextEnc] = [
      await newKey('sig'),
      await newKey('sig'),
      await newKey('enc'),
      await newKey('enc'),
    ];
    await city.client({ jwks_uri: address, cacheSeconds: 0 });
    const steps = [
      set(sig, enc),
      // Published behind the one that signs, so that Singpass knows it when its time comes.
      set(sig, nextSig, enc, nextEnc),
      set(nextSig, sig, nextEnc, enc),
      // Not published any more, and still good for what is encrypted to it.
      set(nextSig, nextEnc, { ...enc, published: false }),
    ];
    for (const keys of steps) {
      published = singpassJwks(settings(keys));
      expect((await signIn(keys)).outcome).toBe('identified');
    }
    expect(JSON.stringify(published)).not.toContain(enc.kid);
    // Singpass still remembers the old ones: it takes what the old key signed, and encrypts to the old key.
    await city.client({ jwks_uri: address, cacheSeconds: 3600 });
    published = singpassJwks(settings(set(sig, nextSig, enc)));
    expect((await signIn(set(sig, nextSig, enc))).outcome).toBe('identified');
    published = singpassJwks(settings(set(nextSig, nextEnc)));
    expect((await signIn(set(nextSig, nextEnc, { ...enc, published: false }))).outcome).toBe('identified');
    // Without it, the answer cannot be read.
    expect((await signIn(set(nextSig, nextEnc))).outcome).toBe('refused');
    await city.client({});
  });

  it('that Singpass does not know, or cannot read: nobody can sign in, and it is no fault of theirs', async () => {
    const keys = await newKeySet();
    expect((await city.bridge({ keys }).start(request)).outcome).toBe('unavailable');
    for (const wrong of [{ keys: [] }, 'nothing']) {
      published = wrong as object;
      await city.client({ jwks_uri: address, cacheSeconds: 0 });
      expect((await city.bridge({ keys }).start(request)).outcome).toBe('unavailable');
    }
    await city.client({});
    const bare = [(await newKey('sig')) as object, { ...(await newKey('enc')), use: 'sig' }];
    expect(await city.client({ jwks: { keys: bare } })).toMatchObject({
      status: 400,
      body: { fault: 'a private key is published' },
    });
    await city.client({});
  });

  it('are refused by the settings when they are not whole', async () => {
    const [sig, enc, other] = [await newKey('sig'), await newKey('enc'), await newKey('enc')];
    const fault = (keys: string) => {
      const result = singpass.settings.safeParse(settings(keys));
      return result.success ? null : result.error.issues.map(({ message }) => message).join();
    };
    expect(fault(set(sig, enc))).toBeNull();
    expect(fault('')).toMatch(/not a JWK set/);
    expect(fault(set(sig, { ...enc, crv: 'P-384' }))).toMatch(/not a JWK set/);
    expect(fault(set(sig, { ...enc, d: undefined }))).toMatch(/not a JWK set/);
    expect(fault(set(sig, enc, { ...other, kid: enc.kid }))).toBe('the same kid twice');
    expect(fault(set(enc, other))).toBe('no published key for sig');
    expect(fault(set(sig, { ...enc, published: false }))).toBe('no published key for enc');
    expect(fault(set(sig, { ...enc, x: other.x, y: other.y }))).toBe(`the halves of ${enc.kid} do not belong together`);
    // Nothing of a key is told.
    expect(JSON.stringify(singpass.settings.safeParse(settings(set({ ...sig, alg: 'x' }, enc))).error)).not.toContain(
      sig.d,
    );
    expect(singpass.secrets).toEqual(['keys']);
  });
});

describe('their keys', () => {
  it('announced, then used, then gone: each sign-in goes through on the one open bridge', async () => {
    await city.rotate('announce');
    const own = city.bridge();
    const outcome = async () => (await (await city.signIn('tan-wei-ming', {}, own)).result()).outcome;
    expect(await outcome()).toBe('identified');
    await city.rotate('switch');
    expect(await outcome()).toBe('identified');
    await city.rotate('drop');
    expect(await outcome()).toBe('identified');
  });
  it('changed at once: one sign-in fails, the next one looks again', async () => {
    const own = city.bridge();
    const outcome = async () => (await (await city.signIn('tan-wei-ming', {}, own)).result()).outcome;
    expect(await outcome()).toBe('identified');
    await city.rotate('drop');
    await city.rotate('switch');
    expect(await outcome()).toBe('refused');
    expect(await outcome()).toBe('identified');
  });
});
