import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldsOf } from '../../src/web/form-fields.ts';

describe('the fields of a form', () => {
  it('keep their names: dots and brackets mean nothing', () => {
    const fields = fieldsOf('settings.client_id=a&settings%5Bkey%5D=b&list[]=c&w0-r1.x.y=d&%5B%5D=e');
    expect({ ...fields }).toEqual({
      'settings.client_id': 'a',
      'settings[key]': 'b',
      'list[]': 'c',
      'w0-r1.x.y': 'd',
      '[]': 'e',
    });
  });

  it('may be repeated thirty times, in order', () => {
    const values = Array.from({ length: 30 }, (_, i) => `v${i}`);
    expect(fieldsOf(values.map((value) => `many=${value}`).join('&')).many).toEqual(values);
  });

  it('are all there, a thousand and five of them, the last one too', () => {
    const names = Array.from({ length: 1005 }, (_, i) => `f${i}`);
    expect(Object.keys(fieldsOf(names.map((name) => `${name}=1`).join('&')))).toEqual(names);
  });

  it('can be called like the members of every object and change none', () => {
    const fields = fieldsOf('__proto__=x&constructor=y&toString=z&__proto__.polluted=1');
    expect(Object.keys(fields).sort()).toEqual(['__proto__', '__proto__.polluted', 'constructor', 'toString']);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it('come back as a browser wrote them', () => {
    const pairs = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })));
    fc.assert(
      fc.property(pairs, (given) => {
        const body = new URLSearchParams(given);
        const fields = fieldsOf(body.toString());
        for (const name of body.keys()) {
          const all = body.getAll(name);
          expect(fields[name]).toEqual(all.length === 1 ? all[0] : all);
        }
      }),
    );
  });
});
