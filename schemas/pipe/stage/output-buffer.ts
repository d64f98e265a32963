import type { Line } from '../line/line.js';
import type { ScannedLines } from '../scan/scanned-lines.js';

const newline = 10;

/** Collects output lines in one buffer, so that one write sends many. */
export class OutputBuffer {
  #buffer = Buffer.allocUnsafeSlow(1 << 16);
  #length = 0;
  #source: Buffer | undefined; // of source[start..end), consecutive lines that come next but are not copied yet
  #start = 0;
  #end = 0;
  /** How many lines it holds. */
  lines = 0;

  get length(): number {
    return this.#length + this.#end - this.#start;
  }

  /**
   * Adds from[start..end), one or more lines with their newlines. The bytes must stay unchanged until they are taken or
   * settled. Consecutive lines are copied in one go, or not at all if there is nothing else.
   */
  line(from: Buffer, start: number, end: number, lines = 1): void {
    if (start !== this.#end || from !== this.#source) {
      this.settle();
      this.#source = from;
      this.#start = start;
    }
    this.#end = end;
    this.lines += lines;
  }

  /** Adds a line, without copying it if its bytes stay. */
  add({ buffer, start, end, stays }: Line): void {
    if (stays) this.line(buffer, start, end + 1);
    else this.bytes(buffer, start, end);
  }

  /** Adds lines from where they were read and scanned, without copying them: closes the gaps between them. */
  scanned(lines: ScannedLines): void {
    const start = lines.buffer === this.#source ? this.#end : lines.start(0);
    this.line(lines.buffer, start, lines.pack(start), lines.count);
  }

  /** Adds from[start..end) and a newline: `lines` lines. */
  bytes(from: Buffer, start: number, end: number, lines = 1): void {
    this.settle();
    const bytes = end - start;
    this.#reserve(bytes + 1);
    // for a few hundred bytes, subarray() and copy() of a Buffer take longer than the copying
    this.#buffer.set(new Uint8Array(from.buffer, from.byteOffset + start, bytes), this.#length);
    this.#length += bytes;
    this.#buffer[this.#length++] = newline;
    this.lines += lines;
  }

  /** Adds text and a newline. */
  text(text: string): void {
    this.settle();
    this.#reserve(text.length * 3 + 1);
    this.#length += this.#buffer.write(text, this.#length, 'utf8');
    this.#buffer[this.#length++] = newline;
    this.lines++;
  }

  /** Takes all bytes out. They must be written before the next line is added. */
  take(): Buffer {
    this.lines = 0;
    if (this.#length === 0 && this.#source) {
      const taken = this.#source.subarray(this.#start, this.#end);
      this.#forget();
      return taken;
    }
    this.settle();
    const taken = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }

  /** Copies lines that are not copied yet, so that their source may change. */
  settle(): void {
    if (!this.#source) return;
    this.#reserve(this.#end - this.#start);
    this.#length += this.#source.copy(this.#buffer, this.#length, this.#start, this.#end);
    this.#forget();
  }

  #forget(): void {
    this.#source = undefined;
    this.#start = this.#end = 0;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(needed)));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
