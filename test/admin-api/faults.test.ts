import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultsOf, parse, policyFaults } from '../../src/admin-api/faults.ts';
import { currentPolicy } from '../../src/storage/policies.ts';
import { loa, raised } from '../admin/staff-support.ts';
import { type Answered, type Api, entryOf, openApi, type Program, revisionOf } from './support.ts';

let api: Api;
let ana: Program;
let apps: Program;

beforeAll(async () => {
  api = await openApi('sqlite');
  ana = await api.program(['assurance_admin']);
  apps = await api.program(['app_admin']);
});
afterAll(() => api?.close());

const told = ({ body }: Answered): string[] =>
  body.errors.map(
    (fault: { in: string; pointer: string; code: string }) => `${fault.in} ${fault.pointer} ${fault.code}`,
  );

describe('what is sent wrong is refused whole, and every fault is named', () => {
  it('in the address', async () => {
    const answer = await ana('get', '/changes?limit=0&status=gone&after=a%20b&colour=red');
    expect(entryOf(answer)).toEqual({ status: 422, code: 'request_invalid' });
    expect(told(answer).toSorted()).toEqual([
      'query /after wrong_format',
      'query /colour unknown',
      'query /limit too_small',
      'query /status not_allowed',
    ]);
    expect(told(await ana('get', '/policy/versions/one?limit=1'))).toEqual([
      'path /version wrong_type',
      'query /limit unknown',
    ]);
    expect((await ana('get', '/changes/a%00b')).status).toBe(422);
    expect((await ana('get', '/changes?limit=1&limit=2')).status).toBe(422);
  });

  it('in the body, the address and the headers at once', async () => {
    const answer = await ana('post', '/changes/a%20b/decide', { body: { decision: 'maybe', extra: 1 }, key: null });
    expect(entryOf(answer)).toEqual({ status: 422, code: 'request_invalid' });
    expect(told(answer).toSorted()).toEqual([
      'body /decision not_allowed',
      'body /extra unknown',
      'header /Idempotency-Key required',
      'header /If-Match required',
      'path /id wrong_format',
    ]);
    expect(told(await ana('post', '/changes/x/decide', { body: { decision: 'reject' }, revision: 1 }))).toEqual([
      'body /reason required',
    ]);
    expect(told(await ana('post', '/changes/x/withdraw', { body: { why: 1 }, revision: 1 }))).toEqual([
      'body  wrong_type',
    ]);
    expect(told(await ana('post', '/sources/face/kill'))).toEqual(['body  required']);
  });

  it('in an app’s settings', async () => {
    const settings = {
      name: { 'zh-Hans': '公园', en: 'x'.repeat(61), pt: '', xx: 'what' },
      purpose: null,
      redirectUris: ['http://parks.example/cb', 'https://a.example/#x', 'https://a.example', 'https://a.example'],
      scopes: ['profile', 'everything'],
    };
    const answer = await apps('post', '/apps', { body: { id: 'Bad Id', settings } });
    expect(told(answer)).toEqual(
      expect.arrayContaining([
        'body /id wrong_format',
        'body /settings/name/zh-Hant required',
        'body /settings/name/en too_big',
        'body /settings/name/pt too_small',
        'body /settings/name/xx unknown',
        'body /settings/purpose wrong_type',
        'body /settings/redirectUris/0 uri_https',
        'body /settings/redirectUris/1 uri_fragment',
        'body /settings/redirectUris/3 repeated',
        'body /settings/scopes/1 not_allowed',
        'body /settings/ownerName required',
        'body /settings/authMethod required',
      ]),
    );
  });

  it('in words that help', async () => {
    const { settings } = (await apps('get', '/apps/account')).body;
    const body = { id: 'parks', settings: { ...settings, redirectUris: ['http://parks.example/cb'] } };
    const answer = await apps('post', '/apps', { body });
    expect(answer.body.errors).toEqual([
      { in: 'body', pointer: '/settings/redirectUris/0', code: 'uri_https', detail: 'An address starts with https.' },
    ]);
    // What only the engine knows: a curve that nobody has.
    const keyless = {
      ...settings,
      authMethod: 'private_key_jwt',
      jwks: { keys: [{ kty: 'EC', kid: 'k', crv: 'none' }] },
    };
    const odd = await apps('post', '/apps', {
      body: { id: 'parks', settings: { ...keyless, redirectUris: ['https://parks.example/cb'] } },
    });
    expect(entryOf(odd).status).toBe(422);
    expect(odd.body.errors[0].pointer).toMatch(/^\/settings/);
  });

  it('in an address that is none', async () => {
    expect(told(await ana('get', '/changes/%E0%A4%A'))).toEqual(['path /id wrong_format']);
  });

  it('in a policy, by the place of each fault, whatever names have dots in them', async () => {
    const { document } = await currentPolicy(api.db);
    const sources = { allow: ['face'], deny: ['face'] };
    const library = { ...document.apps.library, floor: loa(1), sources };
    const wrong = {
      ...raised(document, 'urn:nothing'),
      apps: {
        ...document.apps,
        'gov.parks': library,
        library: { ...library, sources: undefined, floor: 'urn:nothing' },
      },
      defaultFloor: 'urn:nothing either',
    };
    for (const [path, body] of [
      ['/policy/drafts', { document: wrong }],
      ['/policy/preview', { document: wrong }],
    ] as const) {
      const answer = await ana('post', path, { body });
      expect(entryOf(answer)).toEqual({ status: 422, code: 'policy_invalid' });
      const places = answer.body.errors.map(({ pointer }: { pointer: string }) => pointer);
      expect(places).toContain('/document/apps/library/floor');
      expect(places).toContain('/document/defaultFloor');
      expect(places.some((place: string) => place.startsWith('/document/apps/gov.parks/sources'))).toBe(true);
    }
    const judged = await ana('post', '/policy/validate', { body: { document: wrong } });
    expect(judged.body.valid).toBe(false);
    const shape = await ana('post', '/policy/validate', {
      body: { document: { version: 'one', levels: [{}], more: 1 } },
    });
    const places = shape.body.faults.map(({ pointer }: { pointer: string }) => pointer);
    expect(places).toEqual(expect.arrayContaining(['/document/version', '/document/levels/0/id', '/document/more']));
    expect((await currentPolicy(api.db)).version).toBe(1);
  });

  it('and text that is no JSON', async () => {
    const send = (body: string, headers = {}) => ana('post', '/policy/validate', { body, headers });
    expect(entryOf(await send('{"document":'))).toEqual({ status: 400, code: 'invalid_request' });
    expect(entryOf(await send('{"document":{},"document":{}}'))).toEqual({ status: 400, code: 'invalid_request' });
    expect(entryOf(await send('{"document":{"a":"\\u0000"}}'))).toEqual({ status: 400, code: 'invalid_request' });
    expect(entryOf(await send(`{"document":${'['.repeat(99)}${']'.repeat(99)}}`)).status).toBe(400);
    const form = await send('a=b', { 'content-type': 'application/x-www-form-urlencoded' });
    expect(entryOf(form)).toEqual({ status: 415, code: 'unsupported_media_type' });
    const large = await send(JSON.stringify({ document: { a: 'x'.repeat(1024 * 1024) } }));
    expect(entryOf(large)).toEqual({ status: 413, code: 'body_too_large' });
    const bytes = await fetch(`${api.issuer}/api/admin/v1/policy/validate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from([0x22, 0xff, 0x22]),
    });
    expect(bytes.status).toBe(401);
  });
});

describe('two who write', () => {
  const draft = async () => {
    const { document } = await currentPolicy(api.db);
    return ana('post', '/policy/drafts', { body: { document: raised(document, loa(2)) } });
  };

  it('must say what they saw; the second is told, and nothing is overwritten', async () => {
    const made = await draft();
    const path = `/policy/drafts/${made.body.id}`;
    const { document } = await currentPolicy(api.db);
    const body = { document: raised(document, loa(3)) };
    expect(entryOf(await ana('put', path, { body }))).toEqual({ status: 428, code: 'precondition_required' });
    expect((await ana('put', path, { body, revision: revisionOf(made) })).status).toBe(200);
    const other = { document: raised(document, loa(1)) };
    for (const revision of [revisionOf(made), '99', 'not-a-number'])
      expect(entryOf(await ana('put', path, { body: other, revision }))).toEqual({
        status: 412,
        code: 'draft_conflict',
      });
    const bare = await ana('put', path, { body, headers: { 'if-match': '*' } });
    expect(told(bare)).toEqual(['header /If-Match wrong_format']);
    const kept = (await ana('get', `/changes/${made.body.id}`)).body;
    expect(kept.payload.document.apps.library.floor).toBe(loa(3));
  });

  it('are told so of apps too', async () => {
    const settings = (await apps('get', '/apps/admin')).body.settings;
    const own = await apps('put', '/apps/admin/settings', { body: { settings }, revision: 'x' });
    expect(own.status).toBeGreaterThanOrEqual(404);
  });

  it('cannot put a time that is over', async () => {
    const made = await draft();
    const answer = await ana('post', `/changes/${made.body.id}/propose`, {
      body: { reason: 'x', publishAt: '2020-01-01T00:00:00Z' },
      revision: revisionOf(made),
    });
    expect(told(answer)).toEqual(['body /publishAt past']);
  });

  it('cannot decide, propose or withdraw what is not there', async () => {
    for (const [verb, body] of [
      ['propose', { reason: 'x' }],
      ['decide', { decision: 'approve' }],
      ['withdraw', undefined],
    ] as const) {
      const answer = await ana('post', `/changes/nobody/${verb}`, { body, revision: 1 });
      expect(entryOf(answer)).toEqual({ status: 404, code: 'not_found' });
    }
    expect(
      entryOf(
        await ana('put', '/policy/drafts/nobody', {
          body: { document: (await currentPolicy(api.db)).document },
          revision: 1,
        }),
      ),
    ).toEqual({ status: 404, code: 'not_found' });
  });
});

describe('places', () => {
  it('escapes what JSON pointers escape', () => {
    const document = { apps: { 'a/b~c.d': { floor: 'x' } } };
    const faults = [{ path: 'apps.a/b~c.d.floor', code: 'unknown_level', params: {}, message: 'm' }] as const;
    expect(policyFaults(faults, document, ['document']).map(({ pointer }) => pointer)).toEqual([
      '/document/apps/a~1b~0c.d/floor',
    ]);
    const whole = [{ path: '', code: 'no_levels', params: {}, message: 'm' }] as const;
    expect(policyFaults(whole, document, []).map(({ pointer }) => pointer)).toEqual(['']);
    const gone = [{ path: 'apps.nobody.floor', code: 'unknown_level', params: {}, message: 'm' }] as const;
    expect(policyFaults(gone, document, []).map(({ pointer }) => pointer)).toEqual(['/apps/nobody/floor']);
  });

  it('has a code for every kind of issue', async () => {
    const { z } = await import('zod');
    const { error } = parse(z.array(z.number().multipleOf(2)), [3]);
    expect(error && faultsOf(error, 'body')).toMatchObject([{ pointer: '/0', code: 'invalid' }]);
  });
});
