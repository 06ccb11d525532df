import { createPrivateKey } from 'node:crypto';
import { compactDecrypt } from 'jose';
import { z } from 'zod';
import { canonicalDocument } from '../../identity/documents/canonical.ts';
import { nameTold } from '../../identity/names.ts';
import { categoryOfDocument } from '../../identity/person.ts';
import { parseStrictJson } from '../../lib/strict-json.ts';
import type { ExternalClaims } from '../bridge.ts';

/** The platform's numbers of documents (`certType`) that the network credential is made from. */
const documentTypes: Readonly<Record<string, string>> = {
  '111': 'cn_resident_id',
  '516': 'cn_hm_travel_permit',
  '511': 'cn_tw_travel_permit',
  // The card of today; the one before it has fifteen characters.
  '553': 'cn_foreign_pr_18',
};

const informationSchema = z.object({
  bizSeq: z.string(),
  name: z.string().min(1).max(100).optional(),
  certType: z.string().optional(),
  certNum: z.string().min(1).max(30).optional(),
  birthDate: z.iso.date().optional(),
});

/** Shortened by asterisks: good to be shown, not to be stored (reference 13.13). */
const masked = (value: string) => /[*＊●•]{1,}/.test(value);

/**
 * What the person let the platform tell us, opened with our key. Null for what was not told for this request. A name or
 * number that is shortened or missing leaves a pseudonym: nothing of it is kept.
 */
export async function openInformation(jwe: string, infoKey: string, bizSeq: string): Promise<ExternalClaims | null> {
  let text: string;
  try {
    const opened = await compactDecrypt(jwe, createPrivateKey(infoKey), {
      keyManagementAlgorithms: ['RSA-OAEP-256'],
      contentEncryptionAlgorithms: ['A256GCM'],
    });
    text = new TextDecoder('utf-8', { fatal: true }).decode(opened.plaintext);
  } catch {
    return null;
  }
  const json = parseStrictJson(text);
  const parsed = informationSchema.safeParse(json.ok ? json.value : null);
  if (!parsed.success || parsed.data.bizSeq !== bizSeq) return null;
  const { certType = '', certNum, birthDate } = parsed.data;
  const name = nameTold(parsed.data.name);
  const documentType = Object.hasOwn(documentTypes, certType) ? documentTypes[certType] : undefined;
  if (name === null || certNum === undefined || documentType === undefined || masked(certNum)) return {};
  const document = canonicalDocument(documentType, certNum);
  return {
    name,
    documentType: document.type,
    documentNumber: document.number,
    category: categoryOfDocument(document.type, document.number),
    ...(birthDate === undefined ? {} : { birthDate }),
  };
}
