import { expect, it } from 'vitest';
import { ShiminError } from '../../src/lib/errors.ts';
import { createLog, redactedFields } from '../../src/lib/log.ts';

function capture(level: 'debug' | 'info' = 'info') {
  const lines: string[] = [];
  return { lines, log: createLog({ level, destination: { write: (line: string) => void lines.push(line) } }) };
}

it('writes JSON lines with level, time and fields, children included', () => {
  const { lines, log } = capture();
  log.child({ requestId: 'r1' }).info({ accountId: 'a' }, 'hello');
  log.debug('not shown');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', requestId: 'r1', accountId: 'a', msg: 'hello' });
});

it.each(redactedFields)('never shows %s, at the top, within or deeper', (field) => {
  const { lines, log } = capture();
  log.info({ [field]: 'SECRET', a: { [field]: 'SECRET', b: { [field]: 'SECRET' } } });
  log.child({ [field]: 'SECRET' }).warn('x');
  expect(lines.join('')).not.toContain('SECRET');
  expect(lines.join('')).toContain('[redacted]');
});

it('keeps code, text and causes of an error, and no other field of it', () => {
  const { lines, log } = capture();
  const cause = Object.assign(new Error('inner'), { code: '57P01', parameters: ['13800000001'] });
  log.error({ err: new ShiminError('storage_unavailable', { cause, detail: { documentNumber: '4401', kind: 'x' } }) });
  const line = JSON.parse(lines[0] ?? '');
  expect(line.err).toMatchObject({
    errorCode: 'storage_unavailable',
    detail: { kind: 'x' },
    cause: { errorCode: '57P01', message: 'inner' },
  });
  expect(lines.join('')).not.toMatch(/13800000001|4401/);
});

it('shows a reason code, and no one-time or authorization code', () => {
  const { lines, log } = capture();
  log.info({ code: 'form_invalid' });
  log.info({ code: '493021' });
  log.info({ code: 'SplxlOBeZQQYbYS6WxSbIA' });
  expect(lines.map((line) => JSON.parse(line).code)).toEqual(['form_invalid', '[redacted]', '[redacted]']);
});
