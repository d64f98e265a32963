const newline = 10;
const brace = 125;

/** Collects output lines in one buffer, so that one write sends many. */
export class Batch {
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

  /** Returns the place in `from` after the last line, where the next one needs no copy; undefined if there is none. */
  behind(from: Buffer): number | undefined {
    return from === this.#source ? this.#end : undefined;
  }

  /**
   * Adds from[start..end), one or more lines with their newlines. The bytes must stay unchanged until they are taken or
   * settled. Consecutive lines are copied in one go, or not at all if the batch holds nothing else.
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

  /** Adds from[start..end) and a newline. */
  bytes(from: Buffer, start: number, end: number): void {
    this.settle();
    this.#reserve(end - start + 1);
    this.#copy(from, start, end);
    this.#buffer[this.#length++] = newline;
    this.lines++;
  }

  /** Adds from[start..end), `lines` lines with their newlines. */
  block(from: Buffer, start: number, end: number, lines: number): void {
    this.settle();
    this.#reserve(end - start);
    this.#copy(from, start, end);
    this.lines += lines;
  }

  /** Adds from[start..end) with more[first..last) before its closing brace, and a newline. */
  extended(from: Buffer, start: number, end: number, more: Buffer, first: number, last: number): void {
    this.settle();
    this.#reserve(end - start + last - first + 1);
    let close = end - 1;
    while (from[close] !== brace) close--; // only blanks can follow it
    this.#copy(from, start, close);
    this.#copy(more, first, last);
    for (let rest = close; rest < end; rest++) this.#buffer[this.#length++] = from[rest] as number;
    this.#buffer[this.#length++] = newline;
    this.lines++;
  }

  /** Adds a line of text and a newline. */
  text(line: string): void {
    this.settle();
    this.#reserve(line.length * 3 + 1);
    this.#length += this.#buffer.write(line, this.#length, 'utf8');
    this.#buffer[this.#length++] = newline;
    this.lines++;
  }

  /** Takes all bytes out of the batch. They must be written before the next line is added. */
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

  /** Uses a plain Uint8Array: for a few hundred bytes, subarray() and copy() of a Buffer take longer than the copying. */
  #copy(from: Buffer, start: number, end: number): void {
    this.#buffer.set(new Uint8Array(from.buffer, from.byteOffset + start, end - start), this.#length);
    this.#length += end - start;
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
