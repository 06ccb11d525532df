import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checksumOf, fitsChecksum } from '../../src/bridges/tw-fido/checksum.ts';
import { isPending, outcomeOf } from '../../src/bridges/tw-fido/codes.ts';
import { appLink, ticketIdOf } from '../../src/bridges/tw-fido/ticket.ts';

/** The vector of reference 5.1. */
describe('checksum', () => {
  const key = Buffer.alloc(32, 0x11);
  const payload = '11111111-2222-4333-8444-555555555555SVC0001A100000001ATHAPP2APPtest';
  const expected =
    '000000000000000000000000a6fa2b0580cdf9ac6423883db896bebdc756bba8cd9567d84a8471ad346ff63cc49bb75b50268d800e8b2dded88a81a0e1c6fba3098499cb2cf108015304138ea5938289934e5533dffece6b7d7db642';

  it('is as the vector, digest and all', () => {
    expect(createHash('sha256').update(payload).digest('hex')).toBe(
      'b05babd5e958cdd2664651943a2602fbdff10535de9d903571b3b5e88e71aab6',
    );
    expect(checksumOf(key, payload, Buffer.alloc(12))).toBe(expected);
    expect(fitsChecksum(key, payload, expected)).toBe(true);
  });
  it('never twice with the same IV, and any IV is taken', () => {
    const [one, two] = [checksumOf(key, payload), checksumOf(key, payload)];
    expect(one).not.toBe(two);
    expect([one, two].map((each) => fitsChecksum(key, payload, each))).toEqual([true, true]);
  });
  it('no byte can be changed unseen, nor the payload, nor the key', () => {
    const bytes = Buffer.from(expected, 'hex');
    for (let i = 0; i < bytes.length; i += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(i) ^ 0x80, i);
      expect(fitsChecksum(key, payload, changed.toString('hex'))).toBe(false);
    }
    for (const other of ['', 'zz', expected.slice(2), `${expected}00`, expected.toUpperCase()])
      expect(fitsChecksum(key, payload, other)).toBe(false);
    expect(fitsChecksum(key, `${payload} `, expected)).toBe(false);
    expect(fitsChecksum(Buffer.alloc(32, 0x12), payload, expected)).toBe(false);
  });
});

describe('ticket', () => {
  const asked = { transactionId: 'txn-1', opCode: 'ATH' };
  const ticketOf = (json: string) => {
    const first = Buffer.from(json).toString('base64url');
    return `${first}.${createHash('sha256').update(first).digest('base64url')}`;
  };
  const good = JSON.stringify({ transaction_id: 'txn-1', sp_ticket_id: 't-1', op_code: 'ATH', sp_name: '市民' });
  it('tells its id, with and without padding of its digest', () => {
    expect(ticketIdOf(ticketOf(good), asked)).toBe('t-1');
    expect(ticketIdOf(`${ticketOf(good)}=`, asked)).toBe('t-1');
  });
  it.each([
    '',
    '.',
    'a.b',
    `${ticketOf(good)}.`,
    ticketOf('null'),
    ticketOf('[]'),
    ticketOf(good.replace('t-1', '')),
    ticketOf(good.replace('txn-1', 'txn-2')),
    `${ticketOf(good)}x`,
    `=${ticketOf(good)}`,
  ])('none: %s', (ticket) => {
    expect(ticketIdOf(ticket, asked)).toBeNull();
  });
  it('opens the app', () => {
    const link = appLink('mobilemoica://moica.moi.gov.tw/a2a/verifySign', 'a.b', {
      returnTo: 'https://x/',
      value: '1',
    });
    expect(link).toBe('mobilemoica://moica.moi.gov.tw/a2a/verifySign?sp_ticket=a.b&rtn_url=aHR0cHM6Ly94Lw&rtn_val=MQ');
  });
});

describe('codes', () => {
  it('mean the same whichever interface says them, and by own name only', () => {
    for (const code of ['SPTKT_OVD', 'SP-API-ATH-01-SPTKT_OVD', 'SP-API-ATH-02-SPTKT_OVD'])
      expect(outcomeOf(code)).toMatchObject({ outcome: 'refused', reason: 'expired' });
    for (const code of ['toString', '__proto__', '', '1'])
      expect(outcomeOf(code)).toMatchObject({ outcome: 'refused', reason: 'denied' });
    expect(isPending('SP-API-ATH-02-SPTKTID_TXNLOG_NF')).toBe(true);
    expect(isPending('0')).toBe(false);
  });
});
