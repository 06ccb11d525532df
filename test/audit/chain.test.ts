import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AuditEntry, canonicalJson, chainStart, linkHash, verifyChain } from '../../src/audit/chain.ts';
import { type AuditEvent, auditEvents, strayFields } from '../../src/audit/events.ts';

const event = (i: number): AuditEvent => ({
  at: new Date(1_763_888_000_000 + i),
  type: 'evidence.recorded',
  actor: { kind: 'citizen', id: `a${i}` },
  accountId: `a${i}`,
  clientId: null,
  requestId: 'r',
  outcome: 'ok',
  reason: null,
  data: { kind: 'face', source: 'face' },
});

function chainOf(length: number): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (let seq = 1; seq <= length; seq += 1) {
    const prevHash = entries.at(-1)?.hash ?? '';
    entries.push({ ...event(seq), seq, prevHash, hash: linkHash(prevHash, seq, event(seq)) });
  }
  return entries;
}

describe('canonicalJson', () => {
  it('is what RFC 8785 section 3.2.3 shows for strings, numbers and order of keys', () => {
    const value = {
      numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '€$\u000f\nA\'B"\\\\"/',
      literals: [null, true, false],
    };
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
    const keys = { '€': 1, '\r': 2, '\ufb33': 3, '1': 4, '😀': 5, '\u0080': 6, ö: 7 };
    expect(canonicalJson(keys)).toBe('{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}');
  });

  it('reads back as the same value and does not depend on the order of keys', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null))),
        (value) => {
          const text = canonicalJson(value);
          expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
          expect(canonicalJson(Object.fromEntries(Object.entries(value).reverse()))).toBe(text);
        },
      ),
    );
    expect(() => canonicalJson({ n: Number.NaN })).toThrow(RangeError);
  });
});

describe('verifyChain', () => {
  it('accepts an untouched chain, whole or in pieces', () => {
    const chain = chainOf(10);
    const half = verifyChain(chain.slice(0, 5));
    expect(half.ok && verifyChain(chain.slice(5), half.end)).toEqual(verifyChain(chain));
    expect(verifyChain([])).toEqual({ ok: true, end: chainStart });
  });

  it('finds any changed field at its place', () => {
    const changes: Partial<AuditEntry>[] = [
      { at: new Date(0) },
      { type: 'evidence.refused' },
      { actor: { kind: 'staff', id: 'a' } },
      { accountId: null },
      { clientId: 'x' },
      { requestId: null },
      { outcome: 'refused' },
      { reason: 'x' },
      { data: {} },
    ];
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), fc.constantFrom(...changes), (seq, change) => {
        const altered = chainOf(10).map((entry) => (entry.seq === seq ? { ...entry, ...change } : entry));
        expect(verifyChain(altered)).toEqual({ ok: false, seq, problem: 'hash' });
      }),
    );
  });

  it('finds a missing entry, a forged link and, with a noted head, a cut end', () => {
    const chain = chainOf(5);
    expect(verifyChain(chain.filter((entry) => entry.seq !== 3))).toEqual({ ok: false, seq: 3, problem: 'gap' });
    const forged = chain.map((entry) =>
      entry.seq === 3 ? { ...entry, hash: linkHash('', 3, event(3)), prevHash: '' } : entry,
    );
    expect(verifyChain(forged)).toEqual({ ok: false, seq: 3, problem: 'link' });
    const head = chain.at(-1);
    const noted = { seq: head?.seq ?? 0, hash: head?.hash ?? '' };
    expect(verifyChain(chain, chainStart, noted)).toMatchObject({ ok: true });
    expect(verifyChain(chain.slice(0, 4), chainStart, noted)).toEqual({ ok: false, seq: 4, problem: 'end' });
  });
});

describe('the catalogue', () => {
  it('has each type once, and no field that names something personal', () => {
    const types = auditEvents.map(({ type }) => type);
    expect(new Set(types).size).toBe(types.length);
    const fields = auditEvents.flatMap(({ data }): readonly string[] => data);
    for (const field of fields)
      expect(field).not.toMatch(/name|number|phone|email|address|birth|value|ip$|photo|secret|token/i);
  });

  it('names what it does not allow', () => {
    expect(strayFields({ type: 'contact.changed', data: { kind: 'phone', value: '+86' } })).toEqual(['value']);
    expect(strayFields({ type: 'contact.changed', data: { kind: 'phone' } })).toEqual([]);
  });
});
