import { isIP } from 'node:net';
import { bytesOf, isIpv4, isMapped, parseNetwork, sameBits } from '../../schemas/pipe/line/address.js';

/** Returns the 4 or 16 bytes of an address; an IPv4-mapped address becomes IPv4. Returns undefined for other text. */
export function addressBytes(text: string): Uint8Array | undefined {
  if (isIP(text) === 0 || text.includes('%')) return undefined;
  const bytes = bytesOf(text);
  return isMapped(bytes) ? bytes.slice(12) : bytes;
}

/** Returns the name for a reverse look-up of an address: 7.2.0.192.in-addr.arpa. */
export function reverseName(address: Uint8Array): string {
  const reversed = [...address].reverse();
  if (address.length === 4) return `${reversed.join('.')}.in-addr.arpa`;
  const hex = (nibble: number) => nibble.toString(16);
  return `${reversed.map((byte) => `${hex(byte & 15)}.${hex(byte >> 4)}`).join('.')}.ip6.arpa`;
}

/** Parses `192.0.2.0/24` or an address. Returns undefined for other text. */
export function block(text: string): { address: Uint8Array; bits: number } | undefined {
  const network = parseNetwork(text);
  if (!network) return undefined;
  const { bytes, prefix } = network;
  if (isIpv4(network)) return { address: bytes.slice(12), bits: prefix - 96 }; // ::ffff:0:0/96 is 0/0
  return isMapped(bytes) ? undefined : { address: bytes, bits: prefix };
}

const localUses = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'],
  ...['::/128', '::1/128', 'fc00::/7', 'fe80::/10'],
];
let localUse: { address: Uint8Array; bits: number }[] | undefined; // parsed at first use, because that loads much of Node

/** Returns whether an address has only local meaning: RFC 1918, unique local, carrier-grade NAT, loopback, link-local. */
export function isPrivate(address: Uint8Array): boolean {
  localUse ??= localUses.map((text) => block(text) as { address: Uint8Array; bits: number });
  return localUse.some((one) => sameBits(one.address, address, one.bits));
}

/** Returns whether an address means the machine that uses it: 127.0.0.0/8, ::1, and the unspecified 0.0.0.0 and ::. */
export function isOwn(address: Uint8Array): boolean {
  if (address.length === 4 && address[0] === 127) return true;
  return address.every((byte, i) => byte === 0 || (i === 15 && byte === 1));
}

/** Returns an address as it is written in attempts: an IPv4-mapped address becomes IPv4. */
export function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
