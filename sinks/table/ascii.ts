import type { Line } from '../../schemas/pipe/line/line.js';
import type { Placed } from './column.js';
import { widest } from './layout.js';

const quote = 34;
const blank = 32;
const tilde = 126;
const backslash = 92;
const micro = 0xb5; // the µ of µs

/** Formats rows of growing columns as bytes, if all their texts are printable ASCII or have a µ. That is faster than as text. */
export class AsciiRow {
  bytes = Buffer.allocUnsafeSlow(1 << 12);
  length = 0;

  /** Formats the row of an event. Returns false if it cannot. */
  format(placed: readonly Placed<Line>[], line: Line): boolean {
    this.length = 0;
    let gap = 0; // blanks, which are written only if something follows them
    for (const place of placed) {
      const { column } = place;
      const text = column.locate?.(line) ? undefined : column.text(line);
      const quotes = text === undefined && line.raw[line.from] === quote ? 1 : 0;
      const length = text === undefined ? line.to - line.from - 2 * quotes : text.length;
      const wide = length > place.width && length <= widest ? length : place.width;
      const rest = Math.max(0, wide - length);
      if (column.right) gap += rest;
      if (length > 0) {
        this.#blanks(gap, 2 * length);
        const isAscii = text === undefined ? this.#copy(line.raw, line.from + quotes, length) : this.#write(text);
        if (!isAscii) return false;
        gap = 0;
      }
      gap += column.right ? 1 : rest + 1;
      place.width = wide;
    }
    return true;
  }

  /** Appends blanks, and makes room for more bytes. */
  #blanks(count: number, more: number): void {
    const needed = this.length + count + more;
    if (needed > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 * needed);
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    for (let i = 0; i < count; i++) this.bytes[this.length++] = blank;
  }

  #copy(from: Buffer, start: number, length: number): boolean {
    const { bytes } = this;
    const to = this.length;
    for (let i = 0; i < length; i++) {
      const byte = from[start + i] as number;
      if (byte < blank || byte > tilde || byte === backslash) return false;
      bytes[to + i] = byte;
    }
    this.length += length;
    return true;
  }

  #write(text: string): boolean {
    const { bytes } = this;
    let to = this.length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === micro) bytes[to++] = 0xc2;
      else if (code < blank || code > tilde) return false;
      bytes[to++] = code;
    }
    this.length = to;
    return true;
  }
}
