import { describe, expect, it } from 'vitest';
import { appFields, isListed, strayFields } from '../../src/audit/events.ts';
import { changeData, changedFields } from '../../src/audit/fields.ts';
import { appSays } from '../../src/commands/app-changes.ts';

describe('what fields were and are', () => {
  it('tells only what differs, under the same names on both sides', () => {
    expect(changedFields({ a: 1, b: 'x', c: ['y'] }, { a: 1, b: 'z', d: true })).toEqual({
      before: { b: 'x', c: ['y'], d: null },
      after: { b: 'z', c: null, d: true },
      omitted: 0,
    });
    expect(changeData(null, { a: [1, 2] })).toEqual({ before: { a: null }, after: { a: ['1', '2'] } });
    expect(changeData({ a: null }, {})).toEqual({ before: {}, after: {} });
  });

  it('goes by the ids of members, so that one more in front changes one', () => {
    const level = (id: string, sso: boolean) => ({ id, sso, ways: [{ rules: [{ kind: 'face' }] }] });
    expect(changedFields({ levels: [level('b', true)] }, { levels: [level('a', true), level('b', false)] })).toEqual({
      before: {
        'levels.a.id': null,
        'levels.a.sso': null,
        'levels.a.ways.1.rules.1.kind': null,
        'levels.b.sso': true,
      },
      after: {
        'levels.a.id': 'a',
        'levels.a.sso': true,
        'levels.a.ways.1.rules.1.kind': 'face',
        'levels.b.sso': false,
      },
      omitted: 0,
    });
  });

  it('keeps a line readable: long texts are cut, and of very many fields the number is told', () => {
    const many = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`f${i}`, i]));
    const { after, omitted } = changedFields(null, many);
    expect([Object.keys(after).length, omitted]).toEqual([200, 50]);
    expect(changedFields(null, { a: 'x'.repeat(600) }).after.a).toBe(`${'x'.repeat(500)}…`);
  });
});

describe('the catalogue says of which fields', () => {
  const event = (before: Record<string, string>) => ({ type: 'app.saved' as const, data: { before, after: {} } });

  it('refuses any other, and values in any other place', () => {
    expect(strayFields(event({ 'name.pt': 'Biblioteca', redirect_uris: 'x' }))).toEqual([]);
    expect(strayFields(event({ client_secret: 'hash', contacts: 'a@b.c' }))).toEqual([
      'before.client_secret',
      'before.contacts',
    ]);
    expect(strayFields({ type: 'app.saved', data: { before: 'x' } })).toEqual(['before']);
    expect(strayFields({ type: 'app.saved', data: { fields: { a: 'b' } } })).toEqual(['fields']);
    expect(strayFields({ type: 'person.viewed', data: { before: {} } })).toEqual(['before']);
    expect(isListed(['name.*'], 'named')).toBe(false);
  });

  it('of an app: no secret, nobody to write to, and of keys the fingerprint', () => {
    const said = appSays({
      name: { en: 'Library' },
      purpose: {},
      ownerName: 'City library',
      metadata: {
        client_secret: 'sha256.x',
        shimin_retiring_secret: { hash: 'sha256.y', until: 1 },
        contacts: ['li@example.org'],
        jwks: { keys: [{ kty: 'EC', kid: 'k1', x: 'abc' }] },
        scope: 'openid',
      },
    });
    expect(said).toEqual({
      ...{ name: { en: 'Library' }, purpose: {}, ownerName: 'City library', scope: 'openid' },
      keys: [expect.stringMatching(/^k1 [\w-]{12}$/)],
    });
    expect(appFields.filter((field) => /secret|contact|jwks$/.test(field))).toEqual([]);
  });
});
