import { lineLimit } from '../../schemas/pipe/line/line-splitter.js';
import type { Output } from '../../schemas/pipe/stage/stage.js';

const brace = 125;

/** Writes lines with added fields. */
export class Appender {
  #buffer = Buffer.allocUnsafeSlow(1 << 12);

  /**
   * Writes buffer[start..end), a line, with fields[from..to) (`,"key":value…`) inserted before the closing brace. A line that
   * would become too long is written unchanged.
   */
  append(out: Output, buffer: Buffer, start: number, end: number, fields: Buffer, from = 0, to = fields.length): void {
    const length = end - start + to - from;
    if (from === to || length > lineLimit) {
      out.bytes(buffer, start, end);
      return;
    }
    if (length > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(length)));
    let close = end - 1;
    while (buffer[close] !== brace) close--; // only blanks can follow it
    this.#put(buffer, start, close, 0);
    this.#put(fields, from, to, close - start);
    for (let at = close; at < end; at++) this.#buffer[at - start + to - from] = buffer[at] as number;
    out.bytes(this.#buffer, 0, length);
  }

  /** For a few hundred bytes, subarray() and copy() of a Buffer take longer than the copying. */
  #put(from: Buffer, start: number, end: number, at: number): void {
    this.#buffer.set(new Uint8Array(from.buffer, from.byteOffset + start, end - start), at);
  }
}
