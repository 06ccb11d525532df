import { constants, createHash, verify } from 'node:crypto';
import { nameTold } from '../../identity/names.ts';
import { timingSafeEqualStrings } from '../../lib/crypto.ts';
import type { ExternalClaims } from '../bridge.ts';
import { type CitizenCertificate, citizenOf, type Trust } from './certificates.ts';
import type { SignResult } from './service.ts';

/** An answer that does not hold; says what, not whose. */
export class UntrustedAnswer extends Error {}

/** What was asked for, and in which words. */
export interface Asked {
  readonly number: string;
  /** The very bytes that had to be signed: made for this transaction alone. */
  readonly toBeSigned: Buffer;
}

/**
 * The signature of the citizen's key over what we made up for this transaction, by a certificate below MOICA's root: that
 * is the proof. The number's digest says to whom the service gave the certificate out; it and the certificate must agree.
 * @throws UntrustedAnswer, UntrustedCertificate
 */
export function judge(result: SignResult, asked: Asked, trust: Trust, now: Date): CitizenCertificate {
  if (!timingSafeEqualStrings(result.hashed_id_num, hashedNumber(asked.number)))
    throw new UntrustedAnswer('number of somebody else');
  const citizen = citizenOf(result.cert, trust, now);
  if (citizen.lastFour !== null && citizen.lastFour !== asked.number.slice(-4))
    throw new UntrustedAnswer('certificate of somebody else');
  const signature = Buffer.from(result.signed_response, 'base64');
  const key = { key: citizen.certificate.publicKey, padding: constants.RSA_PKCS1_PADDING };
  if (!verify('sha256', asked.toBeSigned, key, signature)) throw new UntrustedAnswer('signature');
  return citizen;
}

/** How the service hashes a number is not written down where we could read it: SHA-256 in hex is assumed (docs/bridges/tw-fido.md). */
const hashedNumber = (number: string) => createHash('sha256').update(number, 'utf8').digest('hex');

/** The number we asked for is now proved; the name is the certificate's. */
export function claimsOf(citizen: CitizenCertificate, number: string): ExternalClaims {
  const name = nameTold(citizen.name);
  return {
    ...(name === null ? {} : { name }),
    documentType: 'tw_national_id',
    documentNumber: number,
    category: 'taiwan',
  };
}
