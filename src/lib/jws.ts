import { CompactSign, compactVerify, importJWK, type JWK } from 'jose';

/** A compact JWS (RFC 7515 7.1) over JSON, signed with a private JWK that has `alg` and `kid`. */
export async function signJws(payload: object, key: JWK, typ: string): Promise<string> {
  const { alg = '', kid } = key;
  const bytes = new TextEncoder().encode(JSON.stringify(payload));
  const header = { alg, typ, ...(kid === undefined ? {} : { kid }) };
  return new CompactSign(bytes).setProtectedHeader(header).sign(await importJWK(key, alg));
}

/** The payload, if one of the keys made the signature; null otherwise. */
export async function verifyJws(jws: string, keys: readonly JWK[], typ: string): Promise<unknown> {
  try {
    const { payload } = await compactVerify(jws, async (header) => {
      const key = keys.find(({ kid, alg }) => kid === header.kid && alg === header.alg);
      if (key === undefined || header.typ !== typ) throw new Error('no such key');
      return importJWK(key, header.alg);
    });
    return JSON.parse(new TextDecoder().decode(payload));
  } catch {
    // Whatever is wrong with it, nobody we know has signed it.
    return null;
  }
}
