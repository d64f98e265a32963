const newline = 10;

/** Lines on their way out, in one buffer, so that many leave with one write. */
export class Batch {
  #buffer = Buffer.allocUnsafeSlow(1 << 16);
  #length = 0;
  /** How many lines it holds. */
  lines = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds from[start..end) and a newline. */
  bytes(from: Buffer, start: number, end: number): void {
    this.#reserve(end - start + 1);
    from.copy(this.#buffer, this.#length, start, end);
    this.#length += end - start;
    this.#buffer[this.#length++] = newline;
    this.lines++;
  }

  /** Adds a line of text and a newline. */
  text(line: string): void {
    this.#reserve(line.length * 3 + 1);
    this.#length += this.#buffer.write(line, this.#length, 'utf8');
    this.#buffer[this.#length++] = newline;
    this.lines++;
  }

  /** What is held, to be written before the next line is added; the batch is empty afterwards. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    this.lines = 0;
    return taken;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(needed)));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
