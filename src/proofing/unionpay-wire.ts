import { constants, createHash, createPublicKey, publicEncrypt, sign, verify } from 'node:crypto';
import { ShiminError } from '../lib/errors.ts';

export type Fields = Readonly<Record<string, string>>;

/** What is signed: every field but the signature, by name, joined as in a query but without escapes. */
export function textToSign(fields: Fields): string {
  return Object.keys(fields)
    .filter((name) => name !== 'signature')
    .sort()
    .map((name) => `${name}=${fields[name]}`)
    .join('&');
}

/** Version 5.1.0 signs the hexadecimal SHA-256 of the text, which the signature's own SHA-256 then covers once more. */
export function digestToSign(fields: Fields): string {
  return createHash('sha256').update(textToSign(fields), 'utf8').digest('hex');
}

/** The fields with their signature, as a form body. `key`: PEM of our private key. */
export function signedForm(fields: Fields, key: string): string {
  const signature = sign('sha256', Buffer.from(digestToSign(fields)), key).toString('base64');
  return new URLSearchParams({ ...fields, signature }).toString();
}

/** base64 of RSA, PKCS #1 v1.5, as UnionPay wants card numbers and phones. `key`: PEM of its public key or certificate. */
export function encrypted(text: string, key: string): string {
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(text, 'utf8')).toString('base64');
}

/**
 * An answer's fields, once its signature was found good. Only keys that are configured count, by `certId`: one that comes
 * along with the answer (`signPubKeyCert`) says nothing about who sent it.
 * @throws ShiminError `upstream_malformed` for anything else.
 */
export function openedAnswer(body: Buffer, keys: Fields): Fields {
  const fields = fieldsOf(body);
  const { certId = '', signature = '' } = fields;
  const key = Object.hasOwn(keys, certId) ? keys[certId] : undefined;
  if (key === undefined) throw malformed('signed under an unknown certId');
  const good = verify(
    'sha256',
    Buffer.from(digestToSign(fields)),
    createPublicKey(key),
    Buffer.from(signature, 'base64'),
  );
  if (!good) throw malformed('not signed by UnionPay');
  return fields;
}

/** `k=v&k=v`. Escaped as in a form; read as it stands where nothing is escaped, so that base64 keeps its plus signs. */
function fieldsOf(body: Buffer): Fields {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body).trim();
  } catch {
    throw malformed('not UTF-8');
  }
  const escaped = text.includes('%');
  const fields = new Map<string, string>();
  for (const pair of text.split('&')) {
    const [, name, value = ''] = /^([A-Za-z0-9]{1,40})=(.*)$/s.exec(pair) ?? [];
    // A field that is there twice has no agreed meaning.
    if (name === undefined || fields.has(name)) throw malformed('not a list of fields, each once');
    fields.set(name, escaped ? withoutEscapes(value) : value);
  }
  return Object.fromEntries(fields);
}

function withoutEscapes(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '));
  } catch {
    throw malformed('escaped badly');
  }
}

/** Says why and not what: an answer may repeat what was asked. */
export function malformed(why: string): ShiminError {
  return new ShiminError('upstream_malformed', {
    status: 502,
    message: `upstream answer ${why}`,
    detail: { why, upstream: 'unionpay' },
    retryAfter: 30,
  });
}
