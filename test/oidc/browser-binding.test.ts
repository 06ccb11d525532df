import { describe, expect, it } from 'vitest';
import { beganIn } from '../../src/oidc/browser-binding.ts';

describe('the browser that an interaction was begun in', () => {
  it('is the one that it says', () => expect(beganIn({ browser: 'a' }, 'a')).toBe(true));
  it.each<[string, object, string | null]>([
    ['another', { browser: 'a' }, 'b'],
    ['one without a secret', { browser: 'a' }, null],
    ['none, where it does not say', {}, 'a'],
    ['none, where neither says', {}, null],
    ['none, where it says nothing that is a text', { browser: null }, null],
  ])('is not %s', (_what, interaction, browser) => expect(beganIn(interaction, browser)).toBe(false));
});
