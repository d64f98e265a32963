import type { Kind } from './kind.js';
import type { Values } from './values.js';

/** The different values of a column, in Parquet's PLAIN encoding: value `at` is bytes[ends[at - 1]..ends[at]). */
export interface Plain {
  bytes: Buffer;
  ends: Int32Array;
  /** Meaningless without values. */
  min: bigint | number | Uint8Array;
  max: bigint | number | Uint8Array;
}

const backslash = 92;
const zero = 48;

/** Encodes the values of a column. */
export function encodePlain(values: Values, kind: Exclude<Kind, 'boolean'>): Plain {
  if (kind === 'string') return strings(values);
  if (kind === 'json') return texts(values);
  return kind === 'number' ? numbers(values) : integers(values, kind === 'integer' ? integer : instants());
}

function integers(values: Values, read: (bytes: Buffer, start: number, end: number) => bigint): Plain {
  const { count, bytes } = values;
  const written = new BigInt64Array(count);
  let [min, max] = [0n, 0n];
  for (let at = 0; at < count; at++) {
    const value = read(bytes, values.start(at), values.end(at));
    written[at] = value;
    if (at === 0 || value < min) min = value;
    if (at === 0 || value > max) max = value;
  }
  return { bytes: Buffer.from(written.buffer), ends: endsOf(count), min, max };
}

function numbers(values: Values): Plain {
  const { count, bytes } = values;
  const written = Float64Array.from({ length: count }, (_, at) =>
    Number(bytes.toString('latin1', values.start(at), values.end(at))),
  );
  // a minimum of 0 is written as -0, because readers may take them as different
  const [min, max] = [Math.min(...written) || -0, Math.max(...written) || 0];
  return { bytes: Buffer.from(written.buffer), ends: endsOf(count), min, max };
}

function endsOf(count: number): Int32Array {
  const ends = new Int32Array(count);
  for (let at = 0; at < count; at++) ends[at] = 8 * (at + 1);
  return ends;
}

function integer(bytes: Buffer, start: number, end: number): bigint {
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - zero;
    if (digit < 0 || digit > 9) return BigInt(Number(bytes.toString('latin1', start, end)));
    value = value * 10 + digit;
  }
  return BigInt(value);
}

/** Returns a function that reads times, in µs since 1970. Times of the same day are faster. */
function instants(): (bytes: Buffer, start: number) => bigint {
  let known = '';
  let day = 0n;
  return (bytes, start) => {
    const two = (at: number) => ((bytes[start + at] as number) - zero) * 10 + (bytes[start + at + 1] as number) - zero;
    const date = bytes.toString('latin1', start + 1, start + 11);
    if (date !== known) {
      known = date;
      day = BigInt(Date.parse(`${date}T00:00:00Z`)) * 1_000n;
    }
    const seconds = two(12) * 3600 + two(15) * 60 + two(18);
    return day + BigInt(seconds * 1e6 + two(21) * 1e4 + two(23) * 1e2 + two(25));
  };
}

/** Strings without their quotes and escapes, each after its length. */
function strings(values: Values): Plain {
  const { count, bytes } = values;
  const ends = new Int32Array(count);
  const written = Buffer.allocUnsafe(bytes.length + 4 * count); // no string is longer than its JSON
  let to = 0;
  for (let at = 0; at < count; at++) {
    const [start, end] = [values.start(at) + 1, values.end(at) - 1];
    const first = to + 4;
    to = first;
    for (let i = start; i < end; i++) {
      const byte = bytes[i] as number;
      if (byte === backslash) {
        to = first + written.write(JSON.parse(bytes.toString('utf8', start - 1, end + 1)), first);
        break;
      }
      written[to++] = byte;
    }
    writeLength(written, first - 4, to - first);
    ends[at] = to;
  }
  return { bytes: written.subarray(0, to), ends, ...bounds(written, ends) };
}

/** Any values as JSON in its shortest form, each after its length. */
function texts(values: Values): Plain {
  const { count, bytes } = values;
  const ends = new Int32Array(count);
  let to = 0;
  const parts = Array.from(ends, (_, at) => {
    const text = wellFormed(JSON.parse(bytes.toString('utf8', values.start(at), values.end(at))));
    const part = Buffer.allocUnsafe(4 + Buffer.byteLength(text));
    part.write(text, 4);
    writeLength(part, 0, part.length - 4);
    to += part.length;
    ends[at] = to;
    return part;
  });
  const written = Buffer.concat(parts);
  return { bytes: written, ends, ...bounds(written, ends) };
}

/** Returns JSON with U+FFFD for half a surrogate pair, with which DuckDB would refuse the whole file. */
function wellFormed(value: unknown): string {
  const text = JSON.stringify(value); // writes such a half as an escape
  return text.replace(/\\\\|\\ud[89a-f][0-9a-f]{2}/g, (found) => (found === '\\\\' ? found : '\ufffd'));
}

function writeLength(bytes: Buffer, at: number, length: number): void {
  bytes[at] = length;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length >>> 16;
  bytes[at + 3] = length >>> 24;
}

/** Finds the first and the last of texts in the order of their bytes. */
function bounds(bytes: Buffer, ends: Int32Array): { min: Buffer; max: Buffer } {
  const start = (at: number) => (at === 0 ? 4 : (ends[at - 1] as number) + 4);
  let [min, max] = [0, 0];
  for (let at = 1; at < ends.length; at++) {
    if (isBefore(bytes, start(at), ends[at] as number, start(min), ends[min] as number)) min = at;
    else if (isBefore(bytes, start(max), ends[max] as number, start(at), ends[at] as number)) max = at;
  }
  const text = (at: number) => Buffer.from(bytes.subarray(start(at), ends[at]));
  return { min: text(min), max: text(max) };
}

function isBefore(bytes: Buffer, a: number, aEnd: number, b: number, bEnd: number): boolean {
  const length = Math.min(aEnd - a, bEnd - b);
  for (let i = 0; i < length; i++) {
    if (bytes[a + i] !== bytes[b + i]) return (bytes[a + i] as number) < (bytes[b + i] as number);
  }
  return aEnd - a < bEnd - b;
}
