import { createHash } from 'node:crypto';
import type { TestPerson } from '../people.ts';

/** Somebody with a network credential. */
export interface Holder {
  readonly id: string;
  readonly name: string;
  readonly certType: string;
  readonly certNum: string;
  readonly birthDate: string;
  /** `good`, or what became of the credential. */
  readonly standing: 'good' | 'cancelled';
}

const certTypes: Readonly<Record<string, string>> = {
  cn_resident_id: '111',
  cn_hm_travel_permit: '516',
  cn_tw_travel_permit: '511',
  cn_foreign_pr_18: '553',
};

/** Those who never made one, and those whose papers ended. */
const without = ['wang-jianguo'];
const ended = ['zhao-defu', 'sun-meiling'];

export function holdersOf(people: readonly TestPerson[]): Holder[] {
  return people.flatMap(({ id, names, documents, birthDate }) => {
    const document = documents.find(({ type }) => Object.hasOwn(certTypes, type));
    const name = names['zh-Hans'] ?? names['zh-Hant'] ?? names.latin;
    if (!document || name === undefined || without.includes(id)) return [];
    const standing = ended.includes(id) ? ('cancelled' as const) : ('good' as const);
    return [{ id, name, certType: certTypes[document.type] ?? '', certNum: document.number, birthDate, standing }];
  });
}

/** 网络身份应用标识: another for every organisation, and no way back to the person. */
export const appNetIdOf = (id: string, orgCode: string): string =>
  createHash('sha256').update(`network-id of ${id} for ${orgCode}`).digest('base64url').slice(0, 40);
