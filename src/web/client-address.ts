import { isIP } from 'node:net';
import type { Context } from 'koa';

/**
 * The address that limits count by: the peer itself, or the one that the last trusted proxy saw. Anything unparsable
 * falls back to the peer, so that no header switches a limit off (CVE-2024-47070). IPv6 counts by /64, since one
 * household has that many addresses.
 */
export function clientAddress(ctx: Context, trustedProxies: number): string {
  const peer = ctx.req.socket.remoteAddress ?? 'unknown';
  if (trustedProxies === 0) return coarse(peer);
  const header = ctx.req.headers['x-forwarded-for'];
  const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map((hop) => hop.trim());
  const seen = hops.at(-trustedProxies) ?? '';
  return coarse(isIP(seen) ? seen : peer);
}

/** Where somebody is, as coarse as another person may see it: /24, or /48 for IPv6. */
export function placeOf(address: string): string {
  const v4 = /^(\d+\.\d+\.\d+)\.\d+$/.exec(address)?.[1];
  if (v4) return `${v4}.*`;
  const groups = address.split('::')[0]?.split(':').filter(Boolean) ?? [];
  return groups.length > 0 && address.includes(':') ? `${groups.slice(0, 3).join(':')}::*` : address;
}

function coarse(address: string): string {
  if (isIP(address) !== 6) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  const [head = '', tail = ''] = address.split('::');
  const left = head.split(':').filter(Boolean);
  const right = tail.split(':').filter(Boolean);
  const groups = address.includes('::')
    ? [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right]
    : left;
  return `${groups.slice(0, 4).join(':')}::/64`;
}
