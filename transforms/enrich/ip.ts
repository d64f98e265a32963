import { isIP } from 'node:net';

/** Returns the 4 or 16 bytes of an address; an IPv4-mapped address becomes IPv4. Returns undefined for other text. */
export function addressBytes(text: string): Uint8Array | undefined {
  const version = isIP(text);
  if (version === 4) return ipv4Bytes(text);
  if (version === 0 || text.includes('%')) return undefined;
  const bytes = new Uint8Array(16);
  const dotted = /^(.*:)([\d.]+)$/.exec(text.includes('.') ? text : '');
  const last = dotted ? (addressBytes(dotted[2] as string) as Uint8Array) : new Uint8Array(0);
  bytes.set(last, 16 - last.length);
  const groups = (part: string) => part.split(':').filter((group) => group !== '');
  const [front = '', back = ''] = (dotted?.[1] ?? text).split('::');
  const write = (list: string[], at: number) => {
    for (const [i, group] of list.entries()) {
      const value = Number.parseInt(group, 16);
      bytes[at + 2 * i] = value >> 8;
      bytes[at + 2 * i + 1] = value & 255;
    }
  };
  write(groups(front), 0);
  write(groups(back), 16 - last.length - 2 * groups(back).length);
  return mapped.every((byte, i) => bytes[i] === byte) ? bytes.slice(12) : bytes;
}

function ipv4Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(4);
  for (let i = 0, part = 0; i < text.length; i++) {
    const code = text.charCodeAt(i) - 48;
    if (code < 0) part++;
    else bytes[part] = (bytes[part] as number) * 10 + code;
  }
  return bytes;
}

const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];

/** Returns the name for a reverse look-up of an address: 7.2.0.192.in-addr.arpa. */
export function reverseName(address: Uint8Array): string {
  const reversed = [...address].reverse();
  if (address.length === 4) return `${reversed.join('.')}.in-addr.arpa`;
  const hex = (nibble: number) => nibble.toString(16);
  return `${reversed.map((byte) => `${hex(byte & 15)}.${hex(byte >> 4)}`).join('.')}.ip6.arpa`;
}

/** Returns whether two addresses, or their first `bits` bits, are the same. */
export function sameBits(a: Uint8Array, b: Uint8Array, bits = a.length * 8): boolean {
  if (a.length !== b.length) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  const rest = 8 - (bits & 7);
  return rest === 8 || (a[whole] as number) >> rest === (b[whole] as number) >> rest;
}

/** Parses `192.0.2.0/24` or an address. Returns undefined for other text. */
export function block(text: string): { address: Uint8Array; bits: number } | undefined {
  const [, front = '', length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = addressBytes(front);
  if (!address) return undefined;
  const written = front.includes(':') ? 128 : 32;
  const bits = (length === undefined ? written : Number(length)) - (written - address.length * 8); // ::ffff:0:0/96 is 0/0
  return Number(length ?? 0) <= written && bits >= 0 ? { address, bits } : undefined;
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
