const newline = 10;
const room = 1 << 18;

/** A line of more bytes than this is invalid, so that no input makes memory grow. */
export const lineLimit = 1 << 20;

/**
 * Cuts bytes into lines, wherever the chunks end. Fill `space()`, say how much with `filled()`, then call `next()`
 * until it says `more`: a `line` is `buffer[start..end)`; of one that is too `long` the beginning is `head`, and the
 * rest is passed over. At the end of input call `finish()`, and `next()` again.
 */
export class Lines {
  buffer = Buffer.allocUnsafeSlow(room);
  start = 0;
  end = 0;
  head = Buffer.alloc(0);
  #next = 0; // buffer[next..held) is not consumed yet
  #held = 0;
  #scanned = 0; // buffer[next..scanned) has no newline
  #skipping = false; // inside of a line that was too long

  constructor(private readonly limit = lineLimit) {}

  /** The free room behind what is held, at least 64 KiB. */
  space(): Buffer {
    if (this.#next > 0) {
      this.buffer.copyWithin(0, this.#next, this.#held);
      this.#held -= this.#next;
      this.#scanned -= this.#next;
      this.#next = 0;
    }
    if (this.buffer.length - this.#held < room / 4) {
      const larger = Buffer.allocUnsafeSlow(this.buffer.length * 2);
      this.buffer.copy(larger, 0, 0, this.#held);
      this.buffer = larger;
    }
    return this.buffer.subarray(this.#held);
  }

  filled(bytes: number): void {
    this.#held += bytes;
  }

  next(): 'line' | 'long' | 'more' {
    if (this.#skipping && !this.#skip()) return 'more';
    const at = this.#newline();
    const end = at < 0 ? this.#held : at;
    const long = end - this.#next > this.limit;
    if (long) this.head = Buffer.from(this.buffer.subarray(this.#next, this.#next + this.limit));
    if (at < 0) {
      this.#skipping = long;
      if (long) this.#next = end;
      this.#scanned = end;
      return long ? 'long' : 'more';
    }
    this.start = this.#next;
    this.end = end;
    this.#next = this.#scanned = end + 1;
    return long ? 'long' : 'line';
  }

  /** At the end of input: gives the last line its newline where that is missing. */
  finish(): void {
    if (this.#held === this.#next) return;
    this.space()[0] = newline;
    this.filled(1);
  }

  #newline(): number {
    return this.buffer.subarray(0, this.#held).indexOf(newline, this.#scanned);
  }

  /** Leaves the rest of a line behind. Returns whether it ended. */
  #skip(): boolean {
    const at = this.#newline();
    this.#next = this.#scanned = at < 0 ? this.#held : at + 1;
    this.#skipping = at < 0;
    return !this.#skipping;
  }
}
