import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitEntryService } from '../../src/proofing/exit-entry.ts';
import { type Answer, broken, type Script, startSource } from './source-server.ts';

const asked = {
  name: '陳大文',
  number: 'H12345678',
  documentType: 'cn_hm_travel_permit',
  purpose: 'social-insurance',
};

let script: Script = () => ({});
let source: Awaited<ReturnType<typeof startSource>>;
beforeAll(async () => {
  source = await startSource(() => script);
});
afterAll(() => source.close());
const service = () => exitEntryService(source.settings('/exit-entry'));

/** An honest answer, with changes. */
const verified =
  (record: Record<string, unknown> = {}, top: Record<string, unknown> = {}): Script =>
  (_path, body) => ({
    request_id: body.request_id,
    result: 'verified',
    record: {
      ref: 'exr_1',
      name: '陳大文',
      name_simplified: '陈大文',
      name_latin: 'CHAN TAI MAN',
      document_type: body.document_type,
      document_number: body.document_number,
      issue_number: '02',
      birth_date: '1985-03-03',
      valid_until: '2030-05-31',
      also_known: [{ document_type: 'cn_hmt_residence_permit', document_number: '810000198503031018' }],
      ...record,
    },
    ...top,
  });

describe('asking about an exit-entry document', () => {
  it('says verified with the facts, the person’s other documents and the last day of this one', async () => {
    script = verified();
    expect(await service().verify(asked)).toEqual({
      outcome: 'verified',
      facts: {
        recordRef: 'exr_1',
        name: '陳大文',
        latinName: 'CHAN TAI MAN',
        category: 'hong_kong',
        documentType: 'cn_hm_travel_permit',
        documentNumber: 'H12345678',
        alsoKnown: [{ type: 'cn_hmt_residence_permit', number: '810000198503031018' }],
        birthDate: '1985-03-03',
        validUntil: new Date('2030-05-31T15:59:59.999Z'),
        reference: source.seen.at(-1)?.body.request_id,
      },
    });
    expect(source.seen.at(-1)).toMatchObject({
      path: '/exit-entry/v1/verify',
      body: {
        name: '陳大文',
        document_type: 'cn_hm_travel_permit',
        document_number: 'H12345678',
        issue_number: null,
        purpose: 'social-insurance',
      },
    });
  });

  it.each(['陈大文', 'Chan Tai Man', 'CHAN, Tai-Man', 'tai man chan', 'CHAN<<TAI<MAN', 'Chán Taiman', '陳 大文'])(
    'takes %s for the name on the document',
    async (name) => {
      script = verified();
      expect(await service().verify({ ...asked, name })).toMatchObject({
        outcome: 'verified',
        facts: { name: '陳大文' },
      });
    },
  );

  it.each([
    ['cn_hm_travel_permit', 'M12345678', 'macao'],
    ['cn_hm_travel_permit_noncn', 'HA1234567', 'hong_kong'],
    ['cn_hm_travel_permit_noncn', 'MA1234567', 'macao'],
    ['cn_tw_travel_permit', '05616820', 'taiwan'],
    ['cn_hmt_residence_permit', '810000198503031018', 'hong_kong'],
    ['cn_hmt_residence_permit', '82000019920707102X', 'macao'],
    ['cn_hmt_residence_permit', '830000199010101020', 'taiwan'],
    ['cn_foreign_pr_18', '944702198001201017', 'foreign'],
    ['cn_foreign_pr_15', 'SGP440080012015', 'foreign'],
  ])('%s %s is of %s', async (documentType, number, category) => {
    script = verified({ also_known: [] });
    const result = await service().verify({ ...asked, documentType, number });
    expect(result).toMatchObject({ outcome: 'verified', facts: { category, documentType, documentNumber: number } });
  });

  it.each([
    ['cn_hm_travel_permit', 'H1234567802', 'H12345678'],
    ['cn_hm_travel_permit', 'h 1234 5678-02', 'H12345678'],
    ['cn_tw_travel_permit', '0561682002(D)', '05616820'],
  ])('%s %s: the number for life and the count of issues', async (documentType, number, forLife) => {
    script = verified();
    const result = await service().verify({ ...asked, documentType, number });
    expect(result).toMatchObject({ outcome: 'verified', facts: { documentNumber: forLife } });
    expect(source.seen.at(-1)?.body).toMatchObject({ document_number: forLife, issue_number: '02' });
  });

  it.each(['mismatch', 'not_found', 'lost', 'cancelled', 'expired', 'refused'])('passes %s on', async (result) => {
    script = (_path, body) => ({ request_id: body.request_id, result });
    expect(await service().verify(asked)).toEqual({ outcome: result });
  });

  it.each(['cn_resident_id', 'hk_id', 'passport', undefined])('does not ask about %s', async (documentType) => {
    const before = source.seen.length;
    const { documentType: _, ...rest } = asked;
    expect(await service().verify({ ...rest, ...(documentType ? { documentType } : {}) })).toEqual({
      outcome: 'refused',
    });
    expect(source.seen.length).toBe(before);
  });

  it('leaves out kinds of documents that it does not know, and the one asked about', async () => {
    script = verified({
      also_known: [
        { document_type: 'work_permit', document_number: '1' },
        { document_type: 'cn_hm_travel_permit', document_number: 'H12345678' },
      ],
    });
    expect(await service().verify(asked)).toMatchObject({ facts: { alsoKnown: [] } });
  });

  it('the last day counts whole, in the city', async () => {
    script = verified({ valid_until: '2026-11-23' });
    const at = (time: string) =>
      exitEntryService(source.settings('/exit-entry', { clock: () => new Date(time) })).verify(asked);
    expect((await at('2026-11-23T15:59:59Z')).outcome).toBe('verified');
    expect((await at('2026-11-23T16:00:00Z')).outcome).toBe('unavailable');
  });

  it('a name without a romanised form, and one in Latin letters alone', async () => {
    script = verified({ name_latin: null, name_simplified: null });
    const chinese = await service().verify(asked);
    expect(chinese).toMatchObject({ outcome: 'verified' });
    expect(chinese.outcome === 'verified' && 'latinName' in chinese.facts).toBe(false);
    script = verified({ name: 'JOSÉ DA SILVA', name_simplified: null, name_latin: 'JOSE DA SILVA' });
    expect((await service().verify({ ...asked, name: 'da Silva, José' })).outcome).toBe('verified');
  });

  const contradictory: [string, Script][] = [
    ['another number', verified({ document_number: 'H12345679' })],
    ['another kind of document', verified({ document_type: 'cn_hmt_residence_permit' })],
    ['another name', verified({ name: '陳小文', name_simplified: '陈小文', name_latin: 'CHAN SIU MAN' })],
    ['the answer to another question', verified({}, { request_id: 'other' })],
    ['a match without a record', verified({}, { record: undefined })],
    ['a match with an empty record', verified({}, { record: {} })],
    ['a mismatch with a record', (_path, body) => ({ ...Object(verified()('', body)), result: 'mismatch' })],
    ['a lost one with a record', (_path, body) => ({ ...Object(verified()('', body)), result: 'lost' })],
    ['a result nobody knows', verified({}, { result: 'valid' })],
    ['a document that ended', verified({ valid_until: '2026-11-22' })],
    ['no end', verified({ valid_until: null })],
    ['an end that is none', verified({ valid_until: '2030-02-30' })],
    ['somebody not yet born', verified({ birth_date: '2027-01-01' })],
    ['true for a result', verified({}, { result: true })],
  ];
  it.each(contradictory)('F-36 never takes %s for a match', async (_name, answer) => {
    script = answer;
    expect(await service().verify(asked)).toMatchObject({ outcome: 'unavailable' });
  });
  it('F-36 nor a name of the wrong letters or order, nor another issue', async () => {
    script = verified();
    for (const name of ['CHAN MAN TAI', 'CHAN TAI MA', 'CHAN', '文', '陳大', 'Ho Ka I'])
      expect(await service().verify({ ...asked, name })).toMatchObject({ outcome: 'unavailable' });
    expect(await service().verify({ ...asked, number: 'H1234567801' })).toMatchObject({ outcome: 'unavailable' });
  });

  it.each(broken)('F-36 says unavailable for %s', async (_name, answer: Answer) => {
    script = () => answer;
    const result = await service().verify(asked);
    expect(result.outcome).toBe('unavailable');
    if (result.outcome === 'unavailable') expect(result.retryAfter).toBeGreaterThan(0);
  });
});
