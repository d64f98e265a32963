import { isIP } from 'node:net';

const [zero, nine, dot, colon] = [48, 57, 46, 58];

/**
 * Parses the address text[start..end), which is valid and has no zone. Writes its 16 bytes to `bytes` and returns them. An
 * IPv4 address becomes IPv4-mapped (::ffff:a.b.c.d).
 */
export function parseAddress(text: Uint8Array, start: number, end: number, bytes = new Uint8Array(16)): Uint8Array {
  let at = 0;
  let gap = -1; // where the :: is
  let [hex, decimal, digits] = [0, 0, 0];
  let dotted = false;
  for (let i = start; i <= end; i++) {
    const byte = i < end ? (text[i] as number) : 0;
    if (byte === dot || (i === end && dotted)) {
      bytes[at++] = decimal;
      dotted = true;
    } else if (byte === colon || i === end) {
      if (digits > 0) {
        bytes[at++] = hex >> 8;
        bytes[at++] = hex & 255;
      } else if (byte === colon && i > start) gap = at;
    } else {
      const digit = byte <= nine ? byte - zero : (byte | 32) - 87;
      hex = hex * 16 + digit;
      decimal = decimal * 10 + digit;
      digits++;
      continue;
    }
    hex = decimal = digits = 0;
  }
  if (gap < 0 && dotted && at === 4) {
    bytes.copyWithin(12, 0, 4);
    bytes.fill(0, 0, 10).fill(255, 10, 12);
  } else if (gap >= 0) {
    bytes.copyWithin(16 - (at - gap), gap, at);
    bytes.fill(0, gap, 16 - (at - gap));
  }
  return bytes;
}

/** Returns the 16 bytes of an address as text. */
export function bytesOf(address: string): Uint8Array {
  const text = Buffer.from(address, 'latin1');
  return parseAddress(text, 0, text.length);
}

/** Whether these 16 bytes are an IPv4-mapped address. */
export function isMapped(bytes: Uint8Array): boolean {
  for (let at = 0; at < 10; at++) if (bytes[at] !== 0) return false;
  return bytes[10] === 255 && bytes[11] === 255;
}

/** Clears all bits after the first `bits`. Returns the bytes. */
export function cut(bytes: Uint8Array, bits: number): Uint8Array {
  for (let at = bits >> 3; at < bytes.length; at++)
    bytes[at] = (bytes[at] as number) & (0xff00 >> Math.max(bits - 8 * at, 0));
  return bytes;
}

/** Returns whether two addresses, or their first `bits` bits, are the same. */
export function sameBits(a: Uint8Array, b: Uint8Array, bits = a.length * 8): boolean {
  if (a.length !== b.length) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  const rest = 8 - (bits & 7);
  return rest === 8 || (a[whole] as number) >> rest === (b[whole] as number) >> rest;
}

/** A network, or a single address. */
export interface Network {
  /** The address, as written. */
  address: string;
  version: 4 | 6;
  bytes: Uint8Array;
  /** How many bits of the 16 bytes belong to the network. */
  prefix: number;
}

/** Whether a network has IPv4 addresses, perhaps written as IPv4-mapped ones. Other IPv6 networks contain no IPv4 address. */
export const isIpv4 = ({ bytes, prefix }: Network) => prefix >= 96 && isMapped(bytes);

/** Parses `192.0.2.0/24` or an address. Returns undefined for other text. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address) as 0 | 4 | 6;
  const most = version === 4 ? 32 : 128;
  if (version === 0 || address.includes('%') || Number(bits ?? 0) > most) return undefined;
  return { address, version, bytes: bytesOf(address), prefix: Number(bits ?? most) + 128 - most };
}
