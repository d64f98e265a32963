import type { Line } from '../pipe/line/line.js';
import type { LineField } from '../pipe/line/line-field.js';
import type { Test } from './match.js';

const places = 1 << 12;
/** The results of longer values (in bytes) are not remembered. */
const longest = 64;

/**
 * Returns a test of a field that caches its results by the value's bytes, so that a value that comes again is not decoded
 * again. Each value has one slot, which it shares with others: memory is bounded, and a frequent value soon regains its slot.
 */
export function remembered(field: LineField, test: Test, decode: (line: Line) => unknown): (line: Line) => boolean {
  const bytes = Buffer.alloc(places * longest);
  const known = new Int8Array(places); // the length of the value in this slot; negative if the test fails for it
  return (line) => {
    if (!line.locate(field)) return test(undefined);
    const { raw, from, to } = line;
    const length = to - from;
    if (length > longest) return test(decode(line));
    let hash = length;
    for (let at = from; at < to; at++) hash = Math.imul(hash ^ (raw[at] as number), 0x01000193);
    const place = (hash ^ (hash >>> 15)) & (places - 1);
    const start = place * longest;
    const verdict = known[place] as number;
    if (verdict === length || verdict === -length) {
      let same = 0;
      while (same < length && bytes[start + same] === raw[from + same]) same++;
      if (same === length) return verdict > 0;
    }
    const holds = test(decode(line));
    raw.copy(bytes, start, from, to);
    known[place] = holds ? length : -length;
    return holds;
  };
}
