import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import ipaddr from 'ipaddr.js';

/** Thrown inside the connector; `http.ts` turns it into the one error callers see. */
export class AddressRefused extends Error {
  constructor(address: string) {
    super(`refused to connect to ${address}: not a public address`);
    this.name = 'AddressRefused';
  }
}

/**
 * True only for addresses of the public Internet (RFC 6890 special-purpose registries are all refused: private, link-local
 * with its cloud metadata services, loopback, carrier NAT, multicast, ...). IPv4 inside IPv6 is judged as IPv4.
 */
export function isPublicAddress(address: string, allowLoopback: boolean): boolean {
  if (!ipaddr.isValid(address)) return false;
  // `process` also turns ::ffff:127.0.0.1 into 127.0.0.1.
  const range = ipaddr.process(address).range();
  return range === 'unicast' || (allowLoopback && range === 'loopback');
}

/** The literal address in a URL's host, or null for a name. WHATWG parsing has already folded decimal, octal and hex forms. */
export function literalAddress(hostname: string): string | null {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return ipaddr.isValid(bare) ? bare : null;
}

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/**
 * A resolver for sockets: what it checks is what gets connected to, so a name that changes its answer between a check and
 * the connection (DNS rebinding) gains nothing. One forbidden address among several refuses the name as a whole.
 */
export function guardedLookup(allowLoopback: boolean) {
  return (hostname: string, options: LookupOptions, callback: LookupCallback): void => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) {
        callback(error, []);
        return;
      }
      const refused = addresses.find(({ address }) => !isPublicAddress(address, allowLoopback));
      const [first] = addresses;
      if (refused !== undefined || first === undefined) callback(new AddressRefused(refused?.address ?? hostname), []);
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
