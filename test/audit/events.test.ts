import { expect, it } from 'vitest';
import { type AuditEvent, auditEvents, strayFields } from '../../src/audit/events.ts';

it('lets only catalogued fields through', () => {
  expect(strayFields({ type: 'evidence.recorded', data: { kind: 'population' } })).toEqual([]);
  expect(strayFields({ type: 'evidence.recorded', data: { kind: 'population', name: '李晓明' } })).toEqual(['name']);
  const unknown = JSON.parse('{"type":"nobody.knows","data":{}}') as Pick<AuditEvent, 'type' | 'data'>;
  expect(strayFields(unknown)).toEqual(['type']);
});

it('names each event once', () => {
  expect(new Set(auditEvents.map(({ type }) => type)).size).toBe(auditEvents.length);
});
