import { createHash } from 'node:crypto';
import type { Account } from './accounts.ts';
import type { Authority } from './authority.ts';
import { checksum } from './checksum.ts';
import type { certificateFaults, resultFaults } from './faults.ts';
import type { Transaction } from './tickets.ts';

const hashed = ({ number }: Account) => createHash('sha256').update(number).digest('hex');

/** Makes what a fetched transaction answers; remembers the last signature for a replay. */
export function resultMaker(authority: Authority, key: Buffer) {
  let old: string | null = null;

  return (
    { account, signData }: Transaction,
    other: Account,
    faults: {
      readonly certificate: (typeof certificateFaults)[number] | null;
      readonly result: (typeof resultFaults)[number] | null;
    },
  ): object => {
    const data = Buffer.from(signData, 'base64');
    const signed = authority.signFor(account, other, data, faults.certificate);
    const signature = signed.signature.toString('base64');
    const cert = signed.certificate.toString('base64');
    const changed = Buffer.from(signed.signature);
    changed.writeUInt8(changed.readUInt8(20) ^ 1, 20);
    const changes: Partial<Record<(typeof resultFaults)[number], () => object>> = {
      number_of_another: () => ({ hashed_id_num: hashed(other) }),
      number_upper_case: () => ({ hashed_id_num: hashed(account).toUpperCase() }),
      number_missing: () => ({ hashed_id_num: undefined }),
      signature_of_other_data: () => ({
        signed_response: authority.signFor(account, other, Buffer.from('else'), null).signature.toString('base64'),
      }),
      signature_of_other_key: () => ({
        signed_response: authority.signWith(account, data, 'other_key').toString('base64'),
      }),
      signature_replayed: () => ({ signed_response: old ?? '' }),
      signature_sha1: () => ({ signed_response: authority.signWith(account, data, 'sha1').toString('base64') }),
      signature_changed: () => ({ signed_response: changed.toString('base64') }),
      signature_missing: () => ({ signed_response: undefined }),
      certificate_missing: () => ({ cert: undefined }),
      certificate_garbage: () => ({ cert: Buffer.from('certificate').toString('base64') }),
      certificate_and_more: () => ({
        cert: Buffer.concat([signed.certificate, Buffer.from('more')]).toString('base64'),
      }),
    };
    const told: Readonly<Record<string, unknown>> = {
      hashed_id_num: hashed(account),
      signed_response: signature,
      cert,
      ...(faults.result === null ? {} : changes[faults.result]?.()),
    };
    old = signature;
    const payload = ['hashed_id_num', 'signed_response', 'cert'].map((name) => String(told[name] ?? '')).join('');
    return { ...told, ...checksumOf(payload, faults.result) };
  };

  function checksumOf(payload: string, fault: (typeof resultFaults)[number] | null): object {
    if (fault === 'result_checksum_missing') return {};
    if (fault === 'result_idp_checksum') return { idp_checksum: checksum(key, `${payload}.`) };
    const with_ = fault === 'result_checksum_of_another_key' ? Buffer.alloc(32, 0x22) : key;
    return { idp_checksum: checksum(with_, payload) };
  }
}
