import { mostOpen } from './record.layout.js';
import { plain, restOfText } from './text.js';

/** Where the names of an object's members start and end. */
const [starts, ends] = [new Int32Array(mostOpen), new Int32Array(mostOpen)];
const [quote, comma, colon, closingBracket, openBrace, closingBrace] = [0x22, 0x2c, 0x3a, 0x5d, 0x7b, 0x7d];
const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39;

/**
 * Matches an object whose members are not in the schema: members of different names, whose values are strings, whole numbers,
 * booleans, or lists of these. A name consists of plain bytes and does not start with a digit. Returns the place after the
 * object, or -1 for any other object: it is left to ajv.
 */
export function openObject(b: Uint8Array, start: number): number {
  let p = start;
  if (b[p++] !== openBrace) return -1;
  if (b[p] === closingBrace) return p + 1;
  for (let count = 0; ; count++, p++) {
    if (b[p++] !== quote || count === mostOpen || isDigit(b[p])) return -1;
    starts[count] = p;
    while (plain[b[p] as number] === 1) p++;
    ends[count] = p;
    if (b[p] !== quote || b[p + 1] !== colon || isKnown(b, count)) return -1;
    p = b[p + 2] === 0x5b ? list(b, p + 3) : item(b, p + 2);
    if (p < 0) return -1;
    if (b[p] !== comma) return b[p] === closingBrace ? p + 1 : -1;
  }
}

/** Returns whether a name equals one before it. */
function isKnown(b: Uint8Array, name: number): boolean {
  const from = starts[name] as number;
  const length = (ends[name] as number) - from;
  for (let other = 0; other < name; other++) {
    const start = starts[other] as number;
    if ((ends[other] as number) - start !== length) continue;
    let same = 0;
    while (same < length && b[start + same] === b[from + same]) same++;
    if (same === length) return true;
  }
  return false;
}

function list(b: Uint8Array, start: number): number {
  let p = start;
  if (b[p] === closingBracket) return p + 1;
  for (; ; p++) {
    p = item(b, p);
    if (p < 0) return -1;
    if (b[p] !== comma) return b[p] === closingBracket ? p + 1 : -1;
  }
}

function item(b: Uint8Array, start: number): number {
  let p = start;
  if (b[p] === quote) {
    const end = restOfText(b, p + 1, p + 1, 0, Number.MAX_SAFE_INTEGER);
    return end < 0 ? -1 : end + 1;
  }
  if (isDigit(b[p])) {
    let number = 0;
    while (isDigit(b[p])) number = number * 10 + ((b[p++] as number) - 0x30);
    return number > Number.MAX_SAFE_INTEGER || (b[start] === 0x30 && p > start + 1) ? -1 : p;
  }
  for (const word of ['true', 'false']) if (isWord(b, p, word)) return p + word.length;
  return -1;
}

function isWord(b: Uint8Array, p: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) if (b[p + i] !== word.charCodeAt(i)) return false;
  return true;
}
