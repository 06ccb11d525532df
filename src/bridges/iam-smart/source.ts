/** Of the browsers that iAM Smart's app knows to give the person back to, those on each system; the first is taken for others. */
const browsers = {
  iOS: [
    ['Safari', /Safari\//],
    ['Edge', /EdgiOS\//],
    ['Chrome', /CriOS\//],
    ['Firefox', /FxiOS\//],
  ],
  Android: [
    ['Chrome', /Chrome\//],
    ['Edge', /EdgA\//],
    ['Samsung', /SamsungBrowser\//],
    ['Huawei', /HuaweiBrowser\//],
    ['Xiaomi', /MiuiBrowser\//],
    ['Firefox', /Firefox\//],
  ],
} as const;

/**
 * `source`: from where the person comes, and so whether a code is shown to be scanned or the app is opened, which goes back
 * to the browser named here. Most names claim to be Safari and Chrome as well, so the more special ones count first.
 */
export function sourceOf(sameDevice: boolean, userAgent: string): string {
  if (!sameDevice) return 'PC_Browser';
  const system = /iPhone|iPad|iPod/.test(userAgent) ? 'iOS' : /Android/.test(userAgent) ? 'Android' : null;
  if (system === null) return 'PC_Browser';
  const [usual, ...special] = browsers[system];
  const [name] = special.find(([, mark]) => mark.test(userAgent)) ?? usual;
  return `${system}_${name}`;
}
