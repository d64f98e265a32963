/** Writes addresses in one spelling, so that equal addresses fall into one group. */

const colon = 58;
const dot = 46;

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
  if (!is6) {
    if (v4 < 32) return writeV4(parseV4(from, start, end), into, at, v4);
    into.set(from.subarray(start, end), at);
    return at + end - start;
  }
  if (v6 === 128 && isStandard(from, start, end)) {
    for (let i = start; i < end; i++) into[at + i - start] = from[i] as number;
    return at + end - start;
  }
  parseV6(from, start, end);
  const mapped = groups[5] === 0xffff && !(groups[0] || groups[1] || groups[2] || groups[3] || groups[4]);
  if (mapped) return writeV4((groups[6] as number) * 65536 + (groups[7] as number), into, at, v4);
  for (let i = 0; i < 8; i++) {
    const kept = Math.min(Math.max(v6 - i * 16, 0), 16);
    groups[i] = (groups[i] as number) & (0xffff << (16 - kept));
  }
  const last = writeV6(into, at);
  return v6 < 128 ? writeText(`/${v6}`, into, last) : last;
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

const groups = new Uint16Array(8);

function parseV4(from: Uint8Array, start: number, end: number): number {
  let address = 0;
  let part = 0;
  for (let i = start; i < end; i++) {
    if (from[i] === dot) {
      address = address * 256 + part;
      part = 0;
    } else part = part * 10 + (from[i] as number) - 48;
  }
  return address * 256 + part;
}

function writeV4(address: number, into: Uint8Array, at: number, bits: number): number {
  const kept = bits < 32 ? address - (address % 2 ** (32 - bits)) : address;
  const text = [kept / 2 ** 24, kept / 65536, kept / 256, kept].map((part) => Math.floor(part) % 256).join('.');
  return writeText(bits < 32 ? `${text}/${bits}` : text, into, at);
}

function parseV6(from: Uint8Array, start: number, end: number): void {
  groups.fill(0);
  let count = 0;
  let gap = -1; // how many groups come before the ::
  let i = start;
  if (from[i] === colon) i++; // of ::
  while (i < end) {
    if (from[i] === colon) {
      gap = count;
      i++;
      continue;
    }
    let stop = i;
    while (stop < end && from[stop] !== colon && from[stop] !== dot) stop++;
    if (from[stop] === dot && stop < end) {
      const v4 = parseV4(from, i, end);
      groups[count++] = Math.floor(v4 / 65536);
      groups[count++] = v4 % 65536;
      break;
    }
    let group = 0;
    for (; i < stop; i++) {
      const byte = from[i] as number;
      group = group * 16 + (byte <= 57 ? byte - 48 : (byte | 32) - 87);
    }
    groups[count++] = group;
    i = stop + 1;
  }
  if (gap < 0 || count === 8) return;
  groups.copyWithin(8 - (count - gap), gap, count);
  groups.fill(0, gap, 8 - (count - gap));
}

/** Writes `groups` as text. The first longest run of at least two zero groups becomes `::`. */
function writeV6(into: Uint8Array, at: number): number {
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
  const texts = Array.from(groups, (group) => group.toString(16));
  const text =
    best < 0 ? texts.join(':') : `${texts.slice(0, best).join(':')}::${texts.slice(best + longest).join(':')}`;
  return writeText(text, into, at);
}

function writeText(text: string, into: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i);
  return at + text.length;
}
