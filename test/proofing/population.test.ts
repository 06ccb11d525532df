import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createUpstream } from '../../src/lib/upstream.ts';
import { populationRegister } from '../../src/proofing/population.ts';
import { type Answer, broken, type Script, startSource } from './source-server.ts';

const asked = { name: '陈小明', number: '440524188001010014', purpose: 'social-insurance' };

let script: Script = () => ({});
let source: Awaited<ReturnType<typeof startSource>>;
beforeAll(async () => {
  source = await startSource(() => script);
});
afterAll(() => source.close());

/** An honest match, with changes. */
const match =
  (record: Record<string, unknown> = {}, top: Record<string, unknown> = {}): Script =>
  (_path, body) => ({
    request_id: body.request_id,
    result: 'match',
    record: {
      ref: 'r-1',
      name: '陈小明',
      document_type: 'cn_resident_id',
      document_number: '440524188001010014',
      birth_date: '1880-01-01',
      valid_until: null,
      status: 'active',
      ...record,
    },
    ...top,
  });
const register = () => populationRegister(source.settings('/population'));

describe('asking the population register', () => {
  it('says verified with the facts confirmed, and asked with a purpose', async () => {
    script = match({ valid_until: '2030-05-31' });
    const result = await register().verify(asked);
    expect(result).toMatchObject({
      outcome: 'verified',
      facts: {
        recordRef: 'r-1',
        name: '陈小明',
        birthDate: '1880-01-01',
        validUntil: new Date('2030-05-31T15:59:59.999Z'),
      },
    });
    expect(source.seen.at(-1)).toMatchObject({
      path: '/population/v1/match',
      body: {
        name: '陈小明',
        document_type: 'cn_resident_id',
        document_number: asked.number,
        purpose: 'social-insurance',
      },
    });
  });

  it.each(['mismatch', 'not_found', 'refused'])('passes %s on', async (result) => {
    script = (_path, body) => ({ request_id: body.request_id, result });
    expect(await register().verify(asked)).toEqual({ outcome: result });
  });

  it.each(['deceased', 'cancelled'])('says %s even though name and number agree', async (status) => {
    script = match({ status });
    expect(await register().verify(asked)).toEqual({ outcome: status });
  });

  it('sees through width, case and the middle dot', async () => {
    script = match({ name: '买买提•阿不都', document_number: '44052418800101001x' });
    const result = await register().verify({ ...asked, name: '买买提·阿不都', number: '44052418800101001Ｘ' });
    expect(result.outcome).toBe('verified');
  });

  const contradictory: [string, Script][] = [
    ['another number', match({ document_number: '440524188001010022' })],
    ['another kind of document', match({ document_type: 'passport' })],
    ['another name', match({ name: '陈大明' })],
    ['the answer to another question', match({}, { request_id: 'other' })],
    ['a match without a record', match({}, { record: undefined })],
    ['a match with an empty record', match({}, { record: {} })],
    ['a mismatch with a record', (_path, body) => ({ ...Object(match()('', body)), result: 'mismatch' })],
    ['a status nobody knows', match({ status: 'unknown' })],
    ['no status', match({ status: undefined })],
    ['a birth date that is none', match({ birth_date: '1880-13-01' })],
    ['true for a result', match({}, { result: true })],
  ];
  it.each(contradictory)('F-36 never takes %s for a match', async (_name, answer) => {
    script = answer;
    expect(await register().verify(asked)).toMatchObject({ outcome: 'unavailable' });
  });

  it.each(broken)('F-36 says unavailable for %s', async (_name, answer: Answer) => {
    script = () => answer;
    const result = await register().verify(asked);
    expect(result.outcome).toBe('unavailable');
    if (result.outcome === 'unavailable') expect(result.retryAfter).toBeGreaterThan(0);
  });

  it('F-36 stops asking a register that is down and asks again later', async () => {
    const upstream = createUpstream('population', { breakAfter: 2, halfOpenAfterMs: 150 });
    const client = populationRegister(source.settings('/population', { upstream }));
    script = () => ({});
    for (let i = 0; i < 2; i += 1) await client.verify(asked);
    const before = source.seen.length;
    expect(await client.verify(asked)).toMatchObject({ outcome: 'unavailable' });
    expect(source.seen.length).toBe(before);
    script = match();
    await expect.poll(async () => (await client.verify(asked)).outcome, { timeout: 5000 }).toBe('verified');
  });

  it('is refused with a wrong secret, which reads as unavailable', async () => {
    script = match();
    const client = populationRegister(source.settings('/population', { secret: 'another-secret' }));
    expect(await client.verify(asked)).toMatchObject({ outcome: 'unavailable' });
  });
});
