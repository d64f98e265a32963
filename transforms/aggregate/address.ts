import { cut, isMapped, parseAddress } from '../../schemas/pipe/line/address.js';

/** Writes addresses in one spelling, so that equal addresses fall into one group. */

const colon = 58;

/**
 * Writes the address `from[start..end)` (valid, without quotes) to `into[at..)`. Keeps only its first `v4` or `v6` bits.
 * IPv6 is spelled as in RFC 5952, and an IPv4-mapped address as IPv4. Returns the end of the written text.
 */
export function writeAddress(
  from: Uint8Array,
  start: number,
  end: number,
  into: Uint8Array,
  at: number,
  v4: number,
  v6: number,
): number {
  let is6 = false;
  for (let i = start; i < end && !is6; i++) is6 = from[i] === colon;
  if (is6 ? v6 === 128 && isStandard(from, start, end) : v4 === 32) {
    for (let i = start; i < end; i++) into[at + i - start] = from[i] as number;
    return at + end - start;
  }
  parseAddress(from, start, end, bytes);
  const isIpv4 = isMapped(bytes);
  const [bits, most] = isIpv4 ? [v4, 32] : [v6, 128];
  cut(bytes, bits + 128 - most);
  const text = isIpv4 ? bytes.subarray(12).join('.') : ipv6Text();
  return writeText(bits < most ? `${text}/${bits}` : text, into, at);
}

/** Returns whether an IPv6 address is certainly spelled as in RFC 5952. Nearly all are. */
function isStandard(from: Uint8Array, start: number, end: number): boolean {
  let groups = 0;
  let gap = false;
  for (let i = start; i < end; ) {
    let digits = 0;
    let byte = from[i] as number;
    if (byte === 48) return false; // a group of 0 may belong to a gap
    for (; (byte >= 48 && byte <= 57) || (byte >= 97 && byte <= 102); byte = from[++i] as number) digits++;
    if (digits > 0) groups++;
    if (i === end) break;
    if (byte !== colon) return false;
    i++;
    if (from[i] === colon) {
      gap = true;
      if (i === start + 1 && from[start + 2] === 102) return false; // it may be IPv4-mapped
      i++;
    }
  }
  return gap ? groups <= 6 : groups === 8;
}

const bytes = new Uint8Array(16);
const view = new DataView(bytes.buffer);

/** Returns `bytes` as text. The first longest run of at least two zero groups becomes `::`. */
function ipv6Text(): string {
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(2 * i));
  let best = -1;
  let longest = 1;
  for (let i = 0; i < 8; ) {
    let stop = i;
    while (stop < 8 && groups[stop] === 0) stop++;
    if (stop - i > longest) {
      best = i;
      longest = stop - i;
    }
    i = stop + 1;
  }
  const texts = groups.map((group) => group.toString(16));
  return best < 0 ? texts.join(':') : `${texts.slice(0, best).join(':')}::${texts.slice(best + longest).join(':')}`;
}

function writeText(text: string, into: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i);
  return at + text.length;
}
