import { renderSVG } from 'uqr';

/** A QR code as SVG text; pages show it as an image (`it.svgUri`), not as markup. */
export function qrSvg(text: string): string {
  return renderSVG(text, { ecc: 'M', border: 2 });
}
