const somewhere = 'http://local.invalid';

/**
 * A path of this very site, or the fallback. Judged after the URL parser's own normalisation, because `/.//evil` and
 * `/\evil` only then show where they lead; encoded slashes are refused too, for proxies that decode (security.md B25).
 */
export function localPath(value: unknown, fallback = '/'): string {
  if (typeof value !== 'string' || value.length > 2048 || !/^\/(?![/\\])/.test(value)) return fallback;
  if (/[\\\p{Cc}\p{Z}]/u.test(value) || !URL.canParse(value, somewhere)) return fallback;
  const url = new URL(value, somewhere);
  if (url.origin !== somewhere || url.username !== '' || url.password !== '') return fallback;
  if (/^\/\//.test(url.pathname) || /^\/(%2f|%5c|%09|%0a|%0d|%25)/i.test(url.pathname)) return fallback;
  return url.pathname + url.search;
}
