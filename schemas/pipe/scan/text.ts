/**
 * Matchers that the generated scanner calls for values that need more than a comparison. Each takes bytes that end with a
 * newline, and a place in them. It returns the place of the value's closing quote, or -1 if the value is not canonical.
 */

/** 1 for each plain byte: one that stands for itself in a string. */
export const plain = new Uint8Array(256);
for (let code = 0x20; code < 0x7f; code++) plain[code] = code === 0x22 || code === 0x5c ? 0 : 1;

/** 1 for each letter, except u, that may follow a backslash in canonical text. */
const short = new Uint8Array(256);
for (const letter of '"\\bfnrt') short[letter.charCodeAt(0)] = 1;

/**
 * Matches the rest of a string of `min` to `max` characters that starts at `text` and is plain up to `p`. The string must be
 * valid UTF-8, with exactly the escapes of canonical lines: controls, quote and backslash, each in its shortest form.
 */
export function restOfText(b: Uint8Array, p: number, text: number, min: number, max: number): number {
  let at = p;
  let extra = 0; // bytes that do not count as characters
  for (;;) {
    const byte = b[at] as number;
    if (plain[byte] === 1) at++;
    else if (byte === 0x22) break;
    else {
      const bytes = byte === 0x5c ? escaped(b, at) : multibyte(b, at);
      if (bytes < 0) return -1;
      at += bytes;
      extra += bytes - 1;
    }
  }
  const characters = at - text - extra;
  return characters < min || characters > max ? -1 : at;
}

/** Returns the length of a canonical escape: a short one, or \u00XX for a control character that has none. -1: any other. */
function escaped(b: Uint8Array, at: number): number {
  const letter = b[at + 1] as number;
  if (short[letter] === 1) return 2;
  if (letter !== 0x75 || b[at + 2] !== 0x30 || b[at + 3] !== 0x30) return -1;
  const [high, low] = [hex(b[at + 4] as number), hex(b[at + 5] as number)];
  if (high < 0 || low < 0) return -1;
  const code = high * 16 + low;
  if (code >= 0x7f && code <= 0x9f) return 6;
  return code >= 0x20 || code === 8 || code === 9 || code === 10 || code === 12 || code === 13 ? -1 : 6;
}

/** Returns the value of a hexadecimal digit in lower case. */
function hex(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x61 + 10 : -1;
}

/** Returns the length of a valid multibyte character, or -1. C1 controls are not valid here: canonical lines escape them. */
function multibyte(b: Uint8Array, at: number): number {
  const lead = b[at] as number;
  const next = b[at + 1] as number;
  if (lead < 0xc2 || lead > 0xf4) return -1;
  if (lead < 0xe0) return continues(next) && !(lead === 0xc2 && next < 0xa0) ? 2 : -1;
  if (!continues(next) || !continues(b[at + 2] as number)) return -1;
  if (lead < 0xf0) return (lead === 0xe0 && next < 0xa0) || (lead === 0xed && next > 0x9f) ? -1 : 3;
  if (!continues(b[at + 3] as number)) return -1;
  return (lead === 0xf0 && next < 0x90) || (lead === 0xf4 && next > 0x8f) ? -1 : 4;
}

const continues = (byte: number) => (byte & 0xc0) === 0x80;

/** Matches four numbers up to 255 without leading zeros. */
export function ipv4(b: Uint8Array, p: number): number {
  let at = p;
  for (let part = 0; ; part++) {
    let number = (b[at++] as number) - 48;
    if (number < 0 || number > 9) return -1;
    if (number !== 0) {
      for (let digit = (b[at] as number) - 48; digit >= 0 && digit <= 9; digit = (b[++at] as number) - 48) {
        number = number * 10 + digit;
        if (number > 255) return -1;
      }
    }
    if (part === 3) return b[at] === 34 ? at : -1;
    if (b[at++] !== 46) return -1;
  }
}

/** Matches groups of hexadecimal digits, with one run of zeros left out. Addresses that end in IPv4 form are left to ajv. */
export function ipv6(b: Uint8Array, p: number): number {
  let at = p;
  let groups = 0;
  let gap = false;
  if (b[at] === 58) {
    if (b[at + 1] !== 58) return -1;
    gap = true;
    at += 2;
    if (b[at] === 34) return at;
  }
  for (;;) {
    const start = at;
    while (isHex[b[at] as number] === 1) at++;
    if (at === start || at - start > 4 || ++groups > 8) return -1;
    if (b[at] === 34) return gap ? (groups < 8 ? at : -1) : groups === 8 ? at : -1;
    if (b[at++] !== 58) return -1;
    if (b[at] === 58) {
      if (gap) return -1;
      gap = true;
      at++;
      if (b[at] === 34) return groups < 8 ? at : -1;
    }
  }
}

const isHex = new Uint8Array(256);
for (const digit of '0123456789abcdefABCDEF') isHex[digit.charCodeAt(0)] = 1;
