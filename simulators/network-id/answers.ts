import { createPublicKey, sign } from 'node:crypto';
import { CompactEncrypt } from 'jose';
import type { Holder } from './holders.ts';

export interface KeyPair {
  readonly public: string;
  readonly private: string;
}
export type Keys = Readonly<Record<'platform' | 'platformNext' | 'party' | 'information' | 'stranger', KeyPair>>;

/** Answers of the platform that arrive in good order and are wrong, or say no. */
export const platformFaults = [
  'signature',
  'unsigned',
  'altered',
  'other_seq',
  'other_org',
  'other_app',
  'other_mode',
  'result_mixed',
  'result_missing',
  'stale',
  'ahead',
  'time_missing',
  'subject_missing',
  'subject_blank',
  'subject_is_number',
  'member_twice',
  'not_a_package',
  'info_for_others',
  'info_of_another_request',
  'info_garbled',
  'info_weak',
  'info_masked',
  'info_half',
  'info_unasked',
  'token_gone',
  'credential_cancelled',
  'password_wrong',
  'face_mismatch',
  'seq_repeated',
  'form_wrong',
  'sign_wrong',
  'org_unknown',
  'busy',
  'code_unknown',
] as const;
export type PlatformFault = (typeof platformFaults)[number];

/** Their codes for a no. */
export const noes = {
  seq_repeated: 'C0301001',
  form_wrong: 'C0301002',
  token_gone: 'C0302001',
  credential_cancelled: 'C0303001',
  password_wrong: 'C0304001',
  face_mismatch: 'C0305001',
  sign_wrong: 'C0401001',
  org_unknown: 'C0401002',
  busy: 'C0999001',
  code_unknown: 'C0777777',
} as const;
export type No = keyof typeof noes;
export const isNo = (fault: PlatformFault | null): fault is PlatformFault & No =>
  fault !== null && Object.hasOwn(noes, fault);

export type Package = Readonly<Record<string, unknown>>;

/** A yes, made wrong. */
export function spoilt(told: Package, fault: PlatformFault | null): Package {
  const { authResult, authTime, appNetId, ...rest } = told;
  switch (fault) {
    case 'other_seq':
      return { ...told, bizSeq: '0123456789abcdef0123456789abcdef' };
    case 'other_org':
      return { ...told, orgCode: '00000099' };
    case 'other_app':
      return { ...told, appId: '0009' };
    case 'other_mode':
      return { ...told, authMode: 'R04', authResult: '000X' };
    case 'result_mixed':
      return { ...told, authResult: String(authResult).replace('0', '1') };
    case 'result_missing':
      return { ...rest, authTime, appNetId };
    case 'stale':
      return { ...told, authTime: Date.now() - 3_600_000 };
    case 'ahead':
      return { ...told, authTime: Date.now() + 3_600_000 };
    case 'time_missing':
      return { ...rest, authResult, appNetId };
    case 'subject_missing':
      return { ...rest, authResult, authTime };
    case 'subject_blank':
      return { ...told, appNetId: '                    ' };
    case 'subject_is_number':
      return { ...told, appNetId: '440305198806151219' };
    default:
      return told;
  }
}

/** The package as it goes out, signed. */
export function enveloped(told: Package, key: KeyPair, stranger: KeyPair, fault: PlatformFault | null): object {
  const plain = JSON.stringify(told);
  const bizPackage =
    fault === 'member_twice'
      ? plain.replace('{', '{"appNetId":"another-person-another-person",')
      : fault === 'not_a_package'
        ? '[]'
        : plain;
  const signer = fault === 'signature' ? stranger : key;
  const signature = sign('sha256', Buffer.from(bizPackage), signer.private).toString('base64');
  return {
    bizPackage:
      fault === 'altered'
        ? bizPackage.replace(/"appNetId":"[^"]*"/, '"appNetId":"another-person-another-person"')
        : bizPackage,
    sign: fault === 'unsigned' ? '' : signature,
  };
}

/** What the platform tells of somebody who lets it: sealed for the party. */
export async function informationOf(
  holder: Holder,
  bizSeq: string,
  keys: Keys,
  fault: PlatformFault | null,
): Promise<string> {
  const { name, certType, certNum, birthDate } = holder;
  const honest = { bizSeq, name, certType, certNum, birthDate };
  const changed: Partial<Record<PlatformFault, object | string>> = {
    info_of_another_request: { ...honest, bizSeq: '0123456789abcdef0123456789abcdef' },
    info_garbled: 'name=李晓明',
    info_masked: {
      ...honest,
      name: `${[...name][0]}*`,
      certNum: certNum.replace(/^(.{4}).*(.{4})$/, '$1**********$2'),
    },
    info_half: { bizSeq, name },
  };
  const content = (fault && changed[fault]) ?? honest;
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  const key = fault === 'info_for_others' ? keys.stranger : keys.information;
  // RSA-OAEP with SHA-1 is what was not agreed on.
  const alg = fault === 'info_weak' ? 'RSA-OAEP' : 'RSA-OAEP-256';
  return new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader({ alg, enc: 'A256GCM' })
    .encrypt(createPublicKey(key.public));
}
