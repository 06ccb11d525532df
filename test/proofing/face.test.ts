import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faceService } from '../../src/proofing/face.ts';
import { type Answer, broken, type Script, startSource } from './source-server.ts';

let script: Script = () => ({});
let source: Awaited<ReturnType<typeof startSource>>;
beforeAll(async () => {
  source = await startSource(() => script);
});
afterAll(() => source.close());

const face = () => faceService(source.settings('/face'));
const start = { recordRef: 'r-1', returnUrl: 'https://id.example/interaction/x/prove/face/return' };

let nonce: unknown;
const honest =
  (result: Record<string, unknown> = {}, session: Record<string, unknown> = {}): Script =>
  (path, body) => {
    if (path.endsWith('/v1/sessions')) {
      nonce = body.nonce;
      return { session_id: 's-1', url: `${source.origin}/face/s-1`, nonce, ...session };
    }
    return {
      session_id: 's-1',
      nonce,
      record_ref: 'r-1',
      result: 'match',
      liveness: 'passed',
      reference: 'f-9',
      ...result,
    };
  };

async function check(answers: Script, changes: { keep?: unknown; sessionId?: string } = {}) {
  script = answers;
  const service = face();
  const started = await service.start(start);
  if (started.outcome !== 'started') return started;
  return service.finish({
    keep: JSON.parse(JSON.stringify(started.keep)),
    sessionId: 's-1',
    resultToken: 't-1',
    ...changes,
  });
}

describe('the face check', () => {
  it('sends the person to the service and takes the result over the back channel', async () => {
    expect(await check(honest())).toEqual({
      outcome: 'verified',
      recordRef: 'r-1',
      reference: 'f-9',
    });
    expect(source.seen.at(-1)).toEqual({ path: '/face/v1/results', body: { session_id: 's-1', result_token: 't-1' } });
  });

  it.each([
    ['mismatch', 'face_mismatch'],
    ['cancelled', 'face_left'],
    ['refused', 'face_refused'],
  ])('says %s in a word of its own: %s', async (result, outcome) => {
    expect(await check(honest({ result, liveness: 'none' }))).toEqual({ outcome });
  });

  it.each<[string, Record<string, unknown>]>([
    ['another session', { session_id: 's-2' }],
    ['another nonce', { nonce: 'n' }],
    ['another record', { record_ref: 'r-2' }],
    ['a match without a living face', { liveness: 'failed' }],
    ['a match without liveness looked at', { liveness: 'none' }],
    ['no record', { record_ref: undefined }],
    ['an unknown result', { result: 'probably' }],
  ])('E19 F-36 never takes the result of %s', async (_name, result) => {
    expect(await check(honest(result))).toMatchObject({ outcome: 'unavailable' });
  });

  it('E19 does not even ask for the result of a session that is not the one kept', async () => {
    const before = source.seen.length;
    expect(await check(honest(), { sessionId: 's-2' })).toEqual({ outcome: 'face_refused' });
    expect(await check(honest(), { keep: {} })).toEqual({ outcome: 'face_refused' });
    expect(await check(honest(), { keep: null })).toEqual({ outcome: 'face_refused' });
    const asked = source.seen.slice(before).map(({ path }) => path.split('/').at(-1));
    expect(new Set(asked)).toEqual(new Set(['sessions']));
  });

  it.each(['https://evil.example/face', 'javascript:alert(1)', '/relative', 'http://127.0.0.1:1/face'])(
    'sends nobody to %s',
    async (url) => {
      script = honest({}, { url });
      expect(await face().start(start)).toMatchObject({ outcome: 'unavailable' });
    },
  );

  it('starts with a nonce of its own each time', async () => {
    script = honest();
    await face().start(start);
    const first = nonce;
    await face().start(start);
    expect(nonce).not.toBe(first);
    script = honest({}, { nonce: 'other' });
    expect(await face().start(start)).toMatchObject({ outcome: 'unavailable' });
  });

  it.each(broken)('F-36 says unavailable for %s at either end', async (_name, answer: Answer) => {
    script = () => answer;
    expect(await face().start(start)).toMatchObject({ outcome: 'unavailable' });
    const startsWell = honest();
    expect(await check((path, body) => (path.endsWith('/sessions') ? startsWell(path, body) : answer))).toMatchObject({
      outcome: 'unavailable',
    });
  });
});
